"""How the tests of the matrix play histories, and what they write down for people: report/matrix, not committed."""

import collections
import contextlib
import fcntl
import os
import pathlib
import subprocess
from collections.abc import Iterable, Iterator

import msgspec

from holdfast.runtime.api import Killed
from holdfast.testing.matrix import FAULTS, Broken, Faults, History, Scenario, Stage, Witness

# Runs side by side must not draw the same uids: the audit knows volumes by them.
SEED = int(os.environ.get("HOLDFAST_MATRIX_SEED", os.getpid()))
PROOF = bool(os.environ.get("HOLDFAST_PROOF"))
# With HOLDFAST_PROOF=all also those histories are all played that are the same by a rule; else a seeded share of them.
ALL = os.environ.get("HOLDFAST_PROOF") == "all"
SOME = 0.05
SHM = pathlib.Path("/dev/shm")
REPORT = pathlib.Path("report/matrix")


class Theatre:
    """Plays one scenario under many faults. `lines` says each history and its end, by name."""

    def __init__(self, scenario: Scenario, scratch: str) -> None:
        self.scenario = scenario
        self.lines: list[str] = []
        self.broken: list[str] = []
        with contextlib.ExitStack() as opening:
            if scenario.fs:
                opening.enter_context(_mounted(scenario.fs, scratch))
            self._stage = Stage(scratch, scenario.setup, scenario.prepare, SEED, scenario.universe, scenario.fs)
            self._disk = opening.pop_all()

    def play(self, faults: Faults = (), *, witness: Witness | None = None) -> History:
        """One history; raises Broken with the words that replay it."""
        history = History(self.scenario, self._stage, faults, witness)
        try:
            view = history.run()
            self.lines.append(f"{self.scenario.name} {spoken(faults)}: {view.state}")
        except (Exception, Killed) as error:  # an interrupt by the keyboard is not the history's
            said = f"HOLDFAST_MATRIX_SEED={SEED} {self.scenario.name} {spoken(faults)}: {error!r}"
            raise Broken(said) from error
        finally:
            history.close()
        return history

    def tried(self, faults: Faults) -> History | None:
        """The same, but one that breaks is kept for the end."""
        try:
            return self.play(faults)
        except Broken as error:
            self.broken.append(str(error))
            return None

    def close(self) -> None:
        """Leave nothing behind."""
        with self._disk:
            self._stage.close()


@contextlib.contextmanager
def _mounted(fs: str, path: str) -> Iterator[None]:
    """A new file system there, with quotas if it is a btrfs; gone at the end."""
    image = SHM / f"disk-of-{os.path.basename(path)}"
    with image.open("wb") as file:
        file.truncate(256 << 20)
    try:
        os.makedirs(path, exist_ok=True)
        for command in (f"mkfs.{fs} -q {image}", f"mount -o loop {image} {path}", f"btrfs quota enable {path}"):
            subprocess.run(command.split(), check=True)
        try:
            yield
        finally:
            subprocess.run(["umount", path], check=True)
    finally:
        image.unlink()


def spoken(faults: Faults) -> str:
    """For people."""
    return " then ".join(map(str, faults)) or "undisturbed"


class Count(msgspec.Struct):
    """How many histories there are of one scenario or pair, by shape and by the kinds of their faults."""

    name: str
    about: str
    shapes: dict[str, int]
    run: int
    kinds: dict[str, int] = {}

    def __str__(self) -> str:
        shapes = ", ".join(f"{count} {shape}" for shape, count in self.shapes.items())
        kinds = ", ".join(f"{count} {kind}" for kind, count in self.kinds.items())
        return f"{self.name}: {self.about}{shapes}; {self.run} run; faults: {kinds}"


def write(name: str, lines: list[str]) -> None:
    """A file of the report."""
    REPORT.mkdir(parents=True, exist_ok=True)
    (REPORT / name).write_text("\n".join(lines) + "\n")


def report(count: Count, lines: list[str], histories: Iterable[Faults]) -> None:
    """Each history by name; and in the summary what there is in all, of the scenarios and pairs counted so far."""
    found = collections.Counter(fault.kind for faults in histories for fault in faults)
    count.kinds = {kind: found[kind] for kind in (*FAULTS, "hold") if found[kind]}
    write(f"{count.name}.txt", [str(count), *lines])
    parts = REPORT / "counts"
    parts.mkdir(exist_ok=True)
    with open(parts / ".lock", "w") as lock:  # other workers count too
        fcntl.flock(lock, fcntl.LOCK_EX)
        (parts / f"{count.name}.json").write_bytes(msgspec.json.encode(count))
        counts = [msgspec.json.decode(path.read_bytes(), type=Count) for path in sorted(parts.glob("*.json"))]
        write("summary.txt", [*map(str, counts), str(total(counts))])


def total(counts: list[Count]) -> Count:
    """All of them together."""
    shapes: collections.Counter[str] = collections.Counter()
    kinds: collections.Counter[str] = collections.Counter()
    for count in counts:
        shapes.update(count.shapes)
        kinds.update(count.kinds)
    return Count(
        "total", f"{len(counts)} scenarios and pairs: ", dict(shapes), sum(count.run for count in counts), dict(kinds)
    )
