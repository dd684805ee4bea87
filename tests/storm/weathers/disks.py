"""Weathers that befall disks: the pool's gets full, the state's gets full; later there is room again."""

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

from tests.storm.storm import Storm

_BLOCK = 4096


class Ballast:
    """A file that takes what room there is."""

    def __init__(self, place: Path) -> None:
        self._place, self._file = place, place / "ballast"
        self._size = 0

    def fill(self) -> None:
        """Take all of it, and again what became free."""
        with self._file.open("ab") as file:
            found = os.statvfs(self._place)
            part = max(found.f_bavail * found.f_frsize, _BLOCK)
            while part >= _BLOCK:
                try:
                    os.posix_fallocate(file.fileno(), self._size, part)
                    self._size += part
                except OSError:
                    part //= 2

    def keep_full(self, seconds: float) -> None:
        """Whatever becomes free meanwhile."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.fill()
            time.sleep(0.05)


@contextlib.contextmanager
def full(place: Path) -> Iterator[Ballast]:
    """Full, until the end."""
    ballast = Ballast(place)
    ballast.fill()
    try:
        yield ballast
    finally:
        (place / "ballast").unlink()


def pool_full(storm: Storm) -> None:
    """No room in the pool: what needs some is undone, the rest goes on."""
    with storm.pool_full(), full(storm.daemon.pool) as ballast:
        ballast.keep_full(storm.chance.uniform(1.0, 2.0))
        storm.lives()


def killed_on_a_full_pool(storm: Storm) -> None:
    """No room in the pool, SIGKILL and start: what must be undone is."""
    with storm.pool_full(), full(storm.daemon.pool) as ballast:
        ballast.keep_full(storm.chance.uniform(0.2, 1.0))
        storm.kill()
        storm.again()
        ballast.keep_full(0.3)
    storm.lives()
    storm.nobody_is_left()


def state_full(storm: Storm) -> None:
    """No room for the database: what is new is refused, what runs ends; the daemon lives on."""
    with full(storm.daemon.disk):
        time.sleep(storm.chance.uniform(1.0, 2.0))
        storm.lives()
    storm.lives()


def state_full_to_the_last(storm: Storm) -> None:
    """Somebody else takes the reserve too: operations wait for room."""
    with full(storm.daemon.disk) as ballast:
        ballast.keep_full(storm.chance.uniform(1.0, 2.0))
        storm.lives()
    storm.lives()


def killed_on_a_full_state(storm: Storm) -> None:
    """No room for the database, SIGKILL: the start succeeds, if need be once there is room."""
    with full(storm.daemon.disk) as ballast:
        ballast.keep_full(storm.chance.uniform(0.2, 1.0))
        storm.kill()
        storm.daemon.launch()
        ballast.keep_full(storm.chance.uniform(1.0, 2.0))
        storm.log.waited += not storm.daemon.answers()
    storm.lives()
    storm.started()
    storm.nobody_is_left()
