"""`python -m tests.mutants [WORD …]`: play all, or those that have one of these words; report/mutants.txt is of all.

Those that tests catch are tried on some seeds too, so that the table tells what the simulation does not see.
"""

import pathlib
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from tests.mutants.catalogue import MUTANTS
from tests.mutants.catching import ROOT, Caught, Survived, accused, catch
from tests.mutants.mutant import Mutant, Seeds, Suite, copy, mutated

REPORT = ROOT / "report" / "mutants.txt"
WORKERS = 2
# On which those that tests catch are tried.
SOME = Seeds(1, most=20)
WIDTH = 200


class Line(NamedTuple):
    """One mutant of the table. `seconds` are of what is to catch it, on a machine that does other things too."""

    mutant: Mutant
    caught: Caught | None
    seconds: float
    also: str

    def __str__(self) -> str:
        head = f"{self.mutant.rule:>4}  {self.mutant.name} [{self.mutant.file}]"
        if self.caught is None:
            return f"{head} SURVIVED"
        return f"{head}\n{'':>6}{self.seconds:.0f} s, {told(self.caught)}" + (
            f"\n{'':>6}{self.also}" if self.also else ""
        )


def told(caught: Caught) -> str:
    """What caught it, and how."""
    seeds = f" ({caught.seeds} played)" if caught.seeds else ""
    return f"{caught.by}{seeds}: {caught.said}"[:WIDTH]


def _try(mutant: Mutant, ground: Seeds | Suite) -> Caught | None:
    with tempfile.TemporaryDirectory() as where:
        try:
            caught = catch(ground, mutated(mutant, pathlib.Path(where) / "mutated"))
            if wrong := accused(caught.again, copy(pathlib.Path(where) / "unchanged")):
                raise Survived(f"{caught.by} accuses code that nobody changed: {wrong}")
            return caught
        except Survived as survived:
            return print(f"{mutant}: {survived}", file=sys.stderr) if ground == mutant.ground else None


def play(mutant: Mutant) -> Line:
    """On what is to catch it, and on the simulation."""
    begun = time.monotonic()
    caught = _try(mutant, mutant.ground)
    seconds = time.monotonic() - begun
    if isinstance(mutant.ground, Seeds):
        return Line(mutant, caught, seconds, "")
    seen = _try(mutant, SOME)
    also = f"also {told(seen)}" if seen else f"not by {SOME}: {mutant.ground.why}"
    return Line(mutant, caught, seconds, also)


def main() -> int:
    """Exit status 1 if one survived."""
    words = sys.argv[1:]
    chosen = [mutant for mutant in MUTANTS if not words or any(word in str(mutant) for word in words)]
    lines = []
    with ThreadPoolExecutor(WORKERS) as pool:
        for line in pool.map(play, chosen):
            print(line, flush=True)
            lines.append(line)
    survivors = [line for line in lines if line.caught is None]
    seeds = sum(isinstance(line.mutant.ground, Seeds) for line in lines)
    head = f"{len(lines)} mutants, {seeds} of them for the simulation to catch; {len(survivors)} survived"
    print(head)
    if not words:
        REPORT.parent.mkdir(exist_ok=True)
        REPORT.write_text("\n".join((head, "rule, mutant, seconds, what caught it", "", *map(str, lines))) + "\n")
    return bool(survivors)


if __name__ == "__main__":
    sys.exit(main())
