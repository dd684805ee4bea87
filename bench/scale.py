"""`make bench-scale`: a hundred thousand volumes in one pool, through REST; JSON and a table of bars."""

import argparse
import statistics
import sys
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from bench import bars, machine, ours, report
from bench.daemon import Peer, running
from bench.face import BenchError
from bench.load import Load, parallel, sequential
from bench.round import WARMING, create, later, names

VOLUMES = 100_000
SLICES = 20
PAGE = 100
LONGEST = 4 * 3600  # seconds

BARS = (
    bars.Limit("create rate at the end to that at the start", "rate_end_to_start", True, 0.8),
    bars.Limit(f"a page of {PAGE}, p50", "page_p50_s", False, 0.010),
    bars.Limit("start to first answer", "start_s", False, 2),
    bars.Limit("findings of the audit", "audit_findings", False, 0),
)


def rates(load: Load, slices: int) -> list[float]:
    """Requests per second in each of so many equal parts, by the order in which they ended."""
    begin = min(begin for begin, _ in load.requests)
    ends = [begin, *(end for _, end in load.requests)]
    marks = [round(number * len(load.requests) / slices) for number in range(slices + 1)]
    return [(last - first) / (ends[last] - ends[first]) for first, last in pairwise(marks)]


def _pages(face: ours.HoldfastFace) -> Iterator[tuple[float, Any]]:
    """All pages by their cursors: the seconds of each, and its items."""
    cursor: str | None = ""
    while cursor is not None:
        begin = time.monotonic()
        page = face.page(PAGE, cursor)
        took, cursor = time.monotonic() - begin, page["next"]
        yield took, page["items"]


def _walk(peer: Peer, volumes: int) -> dict[str, float]:
    face = ours.HoldfastFace(ours.socket_of(peer.root))
    pages = list(_pages(face))
    face.close()
    seen = {item["name"] for _, items in pages for item in items}
    if len(seen) != volumes:
        raise BenchError(f"the pages show {len(seen)} volumes instead of {volumes}")
    took = [each for each, _ in pages]
    tenth = max(1, len(took) // 10)
    return {
        "page_p50_s": statistics.median(took), "page_p95_s": later(took, 0.95),
        "page_first_tenth_p50_s": statistics.median(took[:tenth]),
        "page_last_tenth_p50_s": statistics.median(took[-tenth:]),
    }  # fmt: skip


def _audit(peer: Peer) -> dict[str, float]:
    face = peer.face()
    begin = time.monotonic()
    found = face.call("GET", "/v1/findings")
    took = time.monotonic() - begin
    face.close()
    return {"audit_s": took, "audit_findings": len(found["items"])}


def _memory(peer: Peer, when: str) -> dict[str, float]:
    found = machine.memory(peer.pid)
    return {f"memory_{when}_pss_bytes": found.pss, f"memory_{when}_peak_bytes": found.peak}


def measure(parent: Path, volumes: int) -> tuple[dict[str, float], list[float]]:
    """The measures, and the create rates of each slice."""
    with running(ours.peer, parent) as peer:
        sequential(peer.face, create, [f"w{number}" for number in range(WARMING)])
        print(f"creating {volumes} volumes …", file=sys.stderr, flush=True)
        load = parallel(peer.face, create, names(WARMING, volumes))
        slices = rates(load, SLICES)
        found = {"rate_per_s": load.rate, "rate_start_per_s": slices[0], "rate_end_per_s": slices[-1]}
        found["rate_end_to_start"] = slices[-1] / slices[0]
        found |= _memory(peer, "created")
        print("walking the pages, restarting, auditing …", file=sys.stderr, flush=True)
        found |= _walk(peer, volumes)
        peer.stop()
        found["start_s"] = peer.start()
        found |= _memory(peer, "started")
        found |= _audit(peer)
        found |= _memory(peer, "audited")
    return found, slices


def told(found: dict[str, float], slices: list[float]) -> str:
    """All measures, the slices, then the bars."""
    rows = [("measure", "holdfast"), *((key, bars.shown(key, value)) for key, value in found.items())]
    judged = [("bar", "holdfast", "wanted", "")]
    for bar in BARS:
        value = found[bar.key]
        judged.append((bar.what, bars.shown(bar.key, value), bar.wanted, bars.verdict(bar.met(value))))
    each = " ".join(f"{rate:.0f}" for rate in slices)
    return f"{bars.table(rows)}\n\ncreates per second, slice by slice: {each}\n\n{bars.table(judged)}"


def options(arguments: list[str] | None) -> argparse.Namespace:
    """Of the command line."""
    parser = argparse.ArgumentParser(prog="bench.scale", description=__doc__)
    parser.add_argument("--volumes", type=int, default=VOLUMES, help=f"in the pool ({VOLUMES})")
    parser.add_argument("--scratch", type=Path, default=Path("/var/tmp"), help="where; on a disk (/var/tmp)")
    parser.add_argument("--json", type=Path, help="the file for the JSON document (standard output)")
    return parser.parse_args(arguments)


def scale(asked: argparse.Namespace) -> int:
    """0 if every bar is met, else 1."""
    where = machine.about(asked.scratch)
    found, slices = measure(asked.scratch, asked.volumes)
    met = {bar.what: bar.met(found[bar.key]) for bar in BARS}
    document = {"machine": where, "volumes": asked.volumes, "measures": found, "slices_per_s": slices, "bars": met}
    return report.emit(document, told(found, slices), asked.json, met=all(met.values()))


def main(arguments: list[str] | None = None) -> int:
    """0: every bar is met. 1: some are not. 2: it could not be measured."""
    asked = options(arguments)
    return report.bounded(LONGEST, lambda: scale(asked))


if __name__ == "__main__":
    sys.exit(main())
