"""A writer keeps two files in step while snapshots are taken and the daemon is killed: each that is listed is whole."""

import contextlib
import os
import random
import threading
import time
from pathlib import Path

import pytest

from holdfast.client import Client
from holdfast.model.errors import Unavailable
from tests.daemon import run
from tests.needs import need, need_root
from tests.snapshots.place import Place, done, place

PROOF = bool(os.environ.get("HOLDFAST_PROOF"))
SNAPSHOTS, EVERY = (200, 5) if PROOF else (16, 4)
# Each snapshot keeps what an xfs logs until the next: some MiB.
LARGE = 4 << 30

pytestmark = pytest.mark.root


class Writer:
    """Counts in one file, then in the other, as fast as it can, and syncs neither."""

    def __init__(self, where: Path) -> None:
        self._files = [os.open(where / name, os.O_RDWR | os.O_CREAT) for name in ("one", "other")]
        self._over = threading.Event()
        self.count = 0
        self._thread = threading.Thread(target=self._write)
        for fd in self._files:
            os.pwrite(fd, b"%020d" % 0, 0)
        self._thread.start()

    def _write(self) -> None:
        while not self._over.is_set():
            self.count += 1
            for fd in self._files:
                os.pwrite(fd, b"%020d" % self.count, 0)

    def stop(self) -> None:
        """And close the files."""
        self._over.set()
        self._thread.join()
        for fd in self._files:
            os.close(fd)


def take(found: Place, name: str) -> None:
    """Ask under one key until it is taken, whatever becomes of the daemon meanwhile."""
    while True:
        with contextlib.suppress(Unavailable), Client(found.daemon.address, timeout=5.0, patience=10.0) as client:
            done(client.create_snapshot("p", "v", name, 10.0, f"take {name}"))
            return


def killed(found: Place, seconds: float) -> None:
    """The daemon, after so long; and started again."""
    time.sleep(seconds)
    found.daemon.kill()
    found.daemon.start()


@pytest.mark.parametrize("fs", ["ext4", "xfs"])
def test_each_listed_snapshot_mounts_without_repair_and_is_of_one_moment(fs: str, tmp_path: Path) -> None:
    need_root()
    need("mkfs.xfs")
    chance = random.Random(7)
    with place("xfs", tmp_path, LARGE) as found:
        at, shown = found.path("at"), found.path("shown")
        done(found.client.create_volume("p", "v", "8MiB" if fs == "ext4" else "300MiB", "filesystem", fs))  # type: ignore[arg-type]  # it is one of both
        done(found.client.mount("p", "v", str(at)))
        writer = Writer(at)
        try:
            for number in range(SNAPSHOTS):
                if number % EVERY:
                    take(found, f"s{number}")
                    continue
                killer = threading.Thread(target=killed, args=(found, chance.uniform(0.0, 0.15)))
                killer.start()
                take(found, f"s{number}")
                killer.join()
            seen = writer.count
            time.sleep(0.2)
            assert writer.count > seen, "whoever writes was left waiting"
        finally:
            writer.stop()
        client = found.daemon.client()
        taken = list(client.snapshots("p", "v"))
        assert len(taken) == SNAPSHOTS
        for snapshot in taken:
            if fs == "ext4":
                run("e2fsck", "-f", "-n", found.image(snapshot.uid))
            done(client.mount_snapshot("p", "v", snapshot.name, str(shown)))
            one, other = (int((shown / name).read_bytes()) for name in ("one", "other"))
            assert one - other in (0, 1), f"{snapshot.name} has {one} and {other}"
            assert snapshot.taken == "frozen"
            done(client.unmount(client.mounts(str(shown))[0]))
        assert client.audit() == []
