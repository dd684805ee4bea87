"""Whether what counts as one moment is one: nothing that a death would leave behind changes within it."""

import hashlib
import os
import stat
from typing import NamedTuple

from holdfast.host import mounttable
from holdfast.testing.matrix.checks import devices
from holdfast.testing.matrix.faults import Passed, moments
from holdfast.testing.matrix.scenario import Broken
from holdfast.testing.universe import Universe

_STATE = "state"
_TABLES = ("meta", "resources", "operations", "steps", "claims", "children", "keys", "labels", "tokens")
# Larger files are volumes' images: what is in them reaches them when the kernel writes it back.
_SMALL = 1 << 16


class Seen(NamedTuple):
    """Of the records, of all names in the scratch directory, of what is mounted and attached, of the back end."""

    records: str
    names: dict[str, tuple[int, int, int, bytes]]
    mounted: tuple[str, ...]
    attached: tuple[str, ...]
    memory: str


class Witness:
    """Looks at each failpoint of a history; `check` says where it changed though it must not."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []

    def see(self, universe: Universe) -> None:
        """A look; nothing of Holdfast is asked."""
        scratch = universe.scratch
        self.seen.append(
            Seen(
                _records(universe),
                dict(_names(scratch)),
                tuple(mount.path for mount in mounttable.read() if mount.path.startswith(scratch + "/")),
                tuple(loop.file for loop in devices(scratch)),
                _digest(universe.memory()),
            )
        )

    def check(self, passed: Passed) -> None:
        """Raises Broken."""
        for at, goes_on in enumerate(moments(passed)):
            if goes_on and self.seen[at] != self.seen[at - 1]:
                names = passed.visits[at - 1 : at + 1]
                raise Broken(f"between {names} something happened: {self.seen[at - 1]} became {self.seen[at]}")


def _digest(value: object) -> str:
    return hashlib.blake2b(repr(value).encode()).hexdigest()


def _records(universe: Universe) -> str:
    daemon = universe.daemon
    if daemon is None or not hasattr(daemon, "records"):
        return ""
    tx = daemon.records.peek()
    return _digest([tx.run(f"SELECT * FROM {table}") for table in _TABLES])


def _names(scratch: str) -> list[tuple[str, tuple[int, int, int, bytes]]]:
    found = []
    for directory, names, files in os.walk(scratch):
        if directory == scratch:
            names.remove(_STATE)  # its records are seen as such
        for name in (*names, *files):
            path = os.path.join(directory, name)
            status = os.lstat(path)
            small = stat.S_ISREG(status.st_mode) and status.st_size <= _SMALL
            found.append((path, (status.st_ino, status.st_mode, status.st_size, _content(path) if small else b"")))
    return found


def _content(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()
