"""One round with one peer: a fresh daemon and pool, filled, listed, restarted and emptied; every measure once."""

import statistics
import time
from collections.abc import Callable
from pathlib import Path

from bench import machine
from bench.daemon import Peer, running
from bench.face import BenchError, Face
from bench.load import Load, parallel, sequential

# Before anything counts: imports, statements and connections are made, files have their blocks.
WARMING = 20
LISTS = 5
STARTS = 3
Measures = dict[str, float]


def names(first: int, last: int) -> list[str]:
    """Of the volumes with these numbers, the last not included."""
    return [f"v{number:07}" for number in range(first, last)]


def create(face: Face, name: str) -> None:
    """For `load`."""
    face.create(name)


def delete(face: Face, name: str) -> None:
    """For `load`."""
    face.delete(name)


def later(values: list[float], part: float) -> float:
    """The value that `part` of all do not exceed, by nearest rank."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


def _told(verb: str, one: Load, many: Load) -> Measures:
    return {
        f"{verb}_p50_s": statistics.median(one.latencies),
        f"{verb}_p95_s": later(one.latencies, 0.95),
        f"{verb}_rate_per_s": many.rate,
        f"{verb}_p50_of_8_s": statistics.median(many.latencies),
        f"{verb}_client_cpu_s": (one.client_cpu + many.client_cpu) / (len(one.requests) + len(many.requests)),
    }


def _warm(peer: Peer) -> None:
    for verb in (create, delete):
        sequential(peer.face, verb, [f"w{number}" for number in range(WARMING)])


def _list(peer: Peer, volumes: int) -> float:
    """The median of several lists of all."""
    face, took = peer.face(), []
    for _ in range(LISTS):
        begin = time.monotonic()
        found = face.count()
        took.append(time.monotonic() - begin)
        if found != volumes:
            raise BenchError(f"{peer.name} lists {found} volumes instead of {volumes}")
    face.close()
    return statistics.median(took)


def _restart(peer: Peer) -> float:
    peer.stop()
    return peer.start()


def measure(make: Callable[[Path], Peer], parent: Path, volumes: int, alone: int) -> Measures:
    """`alone` of the `volumes` are made and deleted one after the other, the rest by eight clients."""
    singly, together = names(0, alone), names(alone, volumes)
    with running(make, parent) as peer:
        _warm(peer)
        found = _told("create", sequential(peer.face, create, singly), parallel(peer.face, create, together))
        found["list_s"] = _list(peer, volumes)
        found.update({f"memory_{name}_bytes": size for name, size in machine.memory(peer.pid)._asdict().items()})
        found["start_s"] = statistics.median([_restart(peer) for _ in range(STARTS)])
        _warm(peer)
        found |= _told("delete", sequential(peer.face, delete, singly), parallel(peer.face, delete, together))
        face = peer.face()
        if left := face.count():
            raise BenchError(f"{peer.name} still lists {left} volumes that it said to be deleted")
        face.close()
    return found
