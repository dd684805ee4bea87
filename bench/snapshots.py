"""`make bench-snapshots`: snapshots, clones, restores and copies beside LXD's, on xfs and btrfs in one run.

A volume of 1 GiB holds 500 files of 1 MiB. Each peer has a fresh file system of the same kind, of its own. A copy of an
image is held against `cp --sparse=always`, and what changed in one against its own sizes. JSON, and a table of ratios.
"""

import argparse
import contextlib
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from bench import bars, images, lxd, machine, ours, report
from bench.bars import Bar
from bench.daemon import Peer, running
from bench.face import Face
from bench.round import Measures

FILES, EACH = 500, 1 << 20
LONGEST = 1800
# Who is measured: the peer, its driver, on which file system.
RUNS = {
    "holdfast_xfs": (ours.peer, "dir", "xfs"),
    "lxd_dir_xfs": (lxd.peer, "dir", "xfs"),
    "holdfast_btrfs": (ours.peer, "btrfs", "btrfs"),
    "lxd_dir_btrfs": (lxd.peer, "dir", "btrfs"),
    "lxd_btrfs": (lxd.peer, "btrfs", "btrfs"),
}
VERBS = ("snapshot", "clone", "restore", "drop", "copy")
BARS = tuple(
    Bar(f"{verb}, {mine} to {theirs}", f"{mine}.{verb}_s", f"{theirs}.{verb}_s", False, limit)
    for mine, theirs, limit in (
        ("holdfast_xfs", "lxd_dir_xfs", 0.1),
        ("holdfast_btrfs", "lxd_dir_btrfs", 0.1),
        ("holdfast_btrfs", "lxd_btrfs", 1.0),
    )
    for verb in ("snapshot", "clone")
)


@contextlib.contextmanager
def mounted(fs: str, parent: Path, size: str = "12G") -> Iterator[Path]:
    """A new file system in a sparse file, with quotas if it is a btrfs."""
    image, where = parent / f"bench-{os.getpid()}.img", parent / f"bench-{os.getpid()}"
    where.mkdir()
    try:
        _run("truncate", "-s", size, str(image))
        _run(f"mkfs.{fs}", "-q", str(image))
        _run("mount", "-o", "loop", str(image), str(where))
        try:
            if fs == "btrfs":
                _run("btrfs", "quota", "enable", str(where))
            yield where
        finally:
            _run("umount", str(where))
    finally:
        image.unlink(missing_ok=True)
        where.rmdir()


def _run(*command: str) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def timed(act: Callable[[], object]) -> float:
    """Seconds."""
    begin = time.monotonic()
    act()
    return time.monotonic() - begin


def _fill(peer: Peer) -> None:
    (data,) = [*peer.source.glob("volumes/*/data"), *peer.source.glob("custom/default_v")]
    for number in range(FILES):
        (data / f"file{number}").write_bytes(os.urandom(EACH))
    os.sync()


def _rounds(peer: Peer, face: Face, rounds: int) -> Measures:
    face.create("v")
    _fill(peer)
    took: dict[str, list[float]] = {verb: [] for verb in VERBS}
    for number in range(rounds + 1):  # the first one warms up
        verbs: dict[str, Callable[[], None]] = {
            "snapshot": lambda: face.snapshot("v", "s"),
            "clone": lambda: face.clone("v", "s", "w"),
            "restore": lambda: face.restore("v", "s"),
            "copy": lambda: face.clone("v", "", "x"),
        }
        for verb, act in verbs.items():
            seconds = timed(act)
            if number:
                took[verb].append(seconds)
            os.sync()  # what one left to write is not the next one's to wait for
        face.delete("w")
        face.delete("x")
        seconds = timed(lambda: face.drop("v", "s"))
        if number:
            took["drop"].append(seconds)
    return {f"{verb}_s": statistics.median(each) for verb, each in took.items()}


def _source(peer: Peer, driver: str) -> None:
    """LXD's btrfs wants a subvolume."""
    if peer.name == "lxd" and driver == "btrfs":
        peer.source.rmdir()
        _run("btrfs", "subvolume", "create", str(peer.source))


def measure(scratch: Path, rounds: int) -> Measures:
    """All runs, by `RUN.VERB_s`."""
    found: Measures = {}
    for name, (make, driver, fs) in RUNS.items():
        print(f"{name} …", file=sys.stderr, flush=True)

        def made(root: Path, make: Callable[[Path], Peer] = make, driver: str = driver) -> Peer:
            peer = make(root)
            _source(peer, driver)
            return peer

        with mounted(fs, scratch) as where, running(made, where, driver) as peer:
            face = peer.face()
            found |= {f"{name}.{key}": value for key, value in _rounds(peer, face, rounds).items()}
            face.delete("v")
            face.close()
    return found


def compare(asked: argparse.Namespace) -> int:
    """0 if every bar is met, else 1."""
    about = machine.about(asked.scratch)
    found = measure(asked.scratch, asked.rounds)
    with mounted("ext4", asked.scratch) as where:
        found |= images.copies(where, asked.rounds)
    with mounted("xfs", asked.scratch, "80G") as where:
        found |= images.changes(where, asked.rounds)
    judged = [bars.judge(bar, found[bar.ours], found[bar.theirs]) for bar in (*BARS, *images.BARS)]
    limits = [(limit, found[limit.key]) for limit in images.LIMITS]
    rows = [("measure", "")] + [(key, bars.shown(key, value)) for key, value in found.items()]
    table = [("bar", "ours", "theirs", "ratio", "wanted", "")]
    for bar, result in zip((*BARS, *images.BARS), judged, strict=True):
        pair = bars.shown(bar.ours, result.ours), bars.shown(bar.theirs, result.theirs)
        table.append((result.what, *pair, f"{result.ratio:.4f}", result.bar, bars.verdict(result.met)))
    for limit, value in limits:
        table.append((limit.what, bars.shown(limit.key, value), "", "", limit.wanted, bars.verdict(limit.met(value))))
    met = all(result.met for result in judged) and all(limit.met(value) for limit, value in limits)
    document: dict[str, object] = {
        "machine": about, "lxd_version": lxd.version(), "medians": found,
        "bars": [result._asdict() for result in judged],
        "limits": [{**limit._asdict(), "value": value} for limit, value in limits],
    }  # fmt: skip
    return report.emit(document, f"{bars.table(rows)}\n\n{bars.table(table)}", asked.json, met=met)


def main(arguments: list[str] | None = None) -> int:
    """0: every bar is met. 1: some are not. 2: it could not be measured."""
    parser = argparse.ArgumentParser(prog="bench.snapshots", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="of each verb (5)")
    parser.add_argument("--scratch", type=Path, default=Path("/var/tmp"), help="where; on a disk (/var/tmp)")
    parser.add_argument("--json", type=Path, help="the file for the JSON document (standard output)")
    asked = parser.parse_args(arguments)
    return report.bounded(LONGEST, lambda: compare(asked))


if __name__ == "__main__":
    sys.exit(main())
