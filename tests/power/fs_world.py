"""A real daemon whose pool and state lie on disks that lose their power."""

import contextlib
import random
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from tests.daemon import PATIENCE, RealDaemon, real_daemon
from tests.power.disks import Disk
from tests.power.fs_asker import Asker

# What lies together on one disk. What is not named keeps its power.
LAYOUTS = {
    "one disk": (("pool", "state"),),
    "two disks": (("pool",), ("state",)),
    "the pool's": (("pool",),),
    "the state's": (("state",),),
}
# How long clients ask at the most before the power goes, and how long the daemon may live on after; seconds.
_LOAD, _AFTERLIFE = 0.8, 0.2


class World:
    """The daemon, its disks, and a coin."""

    def __init__(self, daemon: RealDaemon, disks: list[Disk], seed: int) -> None:
        self.daemon, self.disks = daemon, disks
        self._chance = random.Random(seed)
        self.shutdowns = 0
        self._turn = threading.Lock()
        self._over = threading.Event()
        self._armed = False

    def sync(self) -> None:
        """All that is there by now is on the disks."""
        for disk in self.disks:
            disk.sync()

    def cut(self) -> None:
        """The power goes, of one disk after the other."""
        with self._turn:
            if self._over.is_set():
                return
            self._over.set()
            self._chance.shuffle(self.disks)
            for disk in self.disks:
                disk.cut()
                self.shutdowns += 1

    def power_returns(self) -> None:
        """The daemon is gone as well; the disks are mounted again, with what is on them."""
        assert self._over.is_set()
        self.daemon.kill()
        for disk in self.disks:
            disk.back()
        self._over.clear()

    def cut_under_load(self, askers: list[Asker]) -> None:
        """All ask until the power goes: at some moment, or just when one of them was told that something is done."""
        at_once = self._chance.random() < 0.5
        with self._asking(askers):
            self._some_time()
            self._armed = at_once
            if not at_once or not self._over.wait(_LOAD):
                self.cut()

    def kill_then_cut(self, askers: list[Asker]) -> None:
        """All ask until the daemon is killed; the next one runs until somebody is told that something is done."""
        with self._asking(askers):
            self._some_time()
            self._over.set()
        self._over.clear()
        self.daemon.start()
        with self._asking(askers, armed=True):
            assert self._over.wait(PATIENCE)

    def _some_time(self) -> None:
        time.sleep(self._chance.uniform(0.02, _LOAD))

    @contextlib.contextmanager
    def _asking(self, askers: list[Asker], *, armed: bool = False) -> Iterator[None]:
        """All ask meanwhile; then the daemon lives on for a moment, and is killed."""
        self._armed = armed
        with ThreadPoolExecutor(len(askers)) as pool:
            asking = [
                pool.submit(asker.ask_until, self._over, self.daemon.address, self._acknowledged) for asker in askers
            ]
            try:
                yield
                time.sleep(self._chance.uniform(0, _AFTERLIFE))
            finally:
                self._over.set()
                self.daemon.kill()
        for one in asking:
            one.result()

    def _acknowledged(self) -> None:
        if self._armed:
            self.cut()


@contextlib.contextmanager
def world(fs: str, layout: str, seed: int = 0) -> Iterator[World]:
    """The daemon is not started yet."""
    with real_daemon() as daemon:
        disks = []
        for number, group in enumerate(LAYOUTS[layout]):
            disk = Disk(daemon.root / f"disk{number}", daemon.root / f"{number}.img", fs).make()
            disks.append(disk)
            if "pool" in group:
                daemon.pool = disk.where / "pool"
                daemon.pool.mkdir()
            if "state" in group:
                daemon.state = disk.where / "state"
            disk.sync()
        yield World(daemon, disks, seed)
