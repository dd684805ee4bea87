"""`make bench`: Holdfast and LXD, alternating, each round in fresh directories; JSON and a table of ratios."""

import argparse
import statistics
import sys
from pathlib import Path

from bench import bars, lxd, machine, ours, report
from bench.round import Measures, measure

PEERS = {"holdfast": ours.peer, "lxd": lxd.peer}
LONGEST = 3600  # seconds
MOST = 1000  # volumes in one page of ours


def medians(rounds: list[Measures]) -> Measures:
    """Of each measure over the rounds."""
    return {key: statistics.median(found[key] for found in rounds) for key in rounds[0]}


def alternate(rounds: int, scratch: Path, volumes: int, alone: int) -> dict[str, list[Measures]]:
    """Each peer's rounds, taken in turns."""
    found: dict[str, list[Measures]] = {name: [] for name in PEERS}
    for number in range(rounds):
        for name, make in PEERS.items():
            print(f"round {number + 1} of {rounds}: {name} …", file=sys.stderr, flush=True)
            found[name].append(measure(make, scratch, volumes, alone))
    return found


def results(ours_: Measures, theirs: Measures) -> list[bars.Result]:
    """Every bar."""
    return [bars.judge(bar, ours_[bar.ours], theirs[bar.theirs]) for bar in bars.PEER_BARS]


def told(found: dict[str, Measures]) -> str:
    """All measures of both, then the bars."""
    mine, theirs = found["holdfast"], found["lxd"]
    rows = [("measure", "holdfast", "lxd", "ratio")]
    for key in mine:
        rows.append((key, bars.shown(key, mine[key]), bars.shown(key, theirs[key]), f"{mine[key] / theirs[key]:.4f}"))
    judged = [("bar", "holdfast", "lxd", "ratio", "wanted", "")]
    for bar, result in zip(bars.PEER_BARS, results(mine, theirs), strict=True):
        pair = bars.shown(bar.ours, result.ours), bars.shown(bar.theirs, result.theirs)
        judged.append((result.what, *pair, f"{result.ratio:.4f}", result.bar, bars.verdict(result.met)))
    return f"{bars.table(rows)}\n\n{bars.table(judged)}"


def options(arguments: list[str] | None) -> argparse.Namespace:
    """Of the command line."""
    parser = argparse.ArgumentParser(prog="bench.run", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="of each peer (3)")
    parser.add_argument("--volumes", type=int, default=1000, help="in the pool when it is full, up to 1000 (1000)")
    parser.add_argument("--alone", type=int, default=200, help="how many of them by a single client (200)")
    parser.add_argument("--scratch", type=Path, default=Path("/var/tmp"), help="where; on a disk (/var/tmp)")
    parser.add_argument("--json", type=Path, help="the file for the JSON document (standard output)")
    asked = parser.parse_args(arguments)
    if not 0 < asked.alone < asked.volumes <= MOST or asked.rounds < 1:
        parser.error(f"wanted: 0 < alone < volumes <= {MOST}, and a round")
    return asked


def compare(asked: argparse.Namespace) -> int:
    """0 if every bar is met, else 1."""
    where = machine.about(asked.scratch)
    version = lxd.version()
    rounds = alternate(asked.rounds, asked.scratch, asked.volumes, asked.alone)
    found = {name: medians(each) for name, each in rounds.items()}
    judged = results(found["holdfast"], found["lxd"])
    document = {
        "machine": where, "lxd_version": version, "volumes": asked.volumes, "alone": asked.alone,
        "bars": [result._asdict() for result in judged], "medians": found, "rounds": rounds,
    }  # fmt: skip
    return report.emit(document, told(found), asked.json, met=all(result.met for result in judged))


def main(arguments: list[str] | None = None) -> int:
    """0: every bar is met. 1: some are not. 2: it could not be measured."""
    asked = options(arguments)
    return report.bounded(LONGEST, lambda: compare(asked))


if __name__ == "__main__":
    sys.exit(main())
