"""A disk whose power can be cut.

FS_IOC_SHUTDOWN (linux/fs.h, first of XFS, then of ext4) makes a file system forget what its log has not on disk. Of
btrfs, which has it only since Linux 6.19, what it has written to its disk by then is copied, and mounted in its place.
"""

import fcntl
import os
import struct
import subprocess
import time
from pathlib import Path

from tests.conformance.dir_harness import SIZES, run
from tests.daemon import mounts_below

_SHUTDOWN = 0x8004587D
_WITHOUT_ITS_LOG = struct.pack("I", 2)
# Of ext4 also `commit=300`: its log is else written every 5 seconds, and what nobody synced is durable by luck.
_OPTIONS = {"ext4": "loop,commit=300"}
# How long somebody may hold what was shut down: a killed child, another mount namespace; seconds.
PATIENCE = 60.0


class Disk:
    """A file system in an image, mounted at `where` by a loop device that goes with its mount."""

    def __init__(self, where: Path, image: Path, fs: str) -> None:
        self.where, self._image, self._fs = where, image, fs
        self._written = image.with_name("written")

    def make(self) -> "Disk":
        """Format it and mount it."""
        with self._image.open("wb") as file:
            file.truncate(SIZES[self._fs])
        run(f"mkfs.{self._fs}", "-q", str(self._image))
        self.where.mkdir()
        self._mount()
        return self

    def _mount(self) -> None:
        run("mount", "-o", _OPTIONS.get(self._fs, "loop"), str(self._image), str(self.where))

    def sync(self) -> None:
        """All that is in it is on the disk."""
        run("sync", "--file-system", str(self.where))

    def cut(self) -> None:
        """Now. What the log has not on disk is gone."""
        if self._fs == "btrfs":
            run("cp", "--sparse=always", str(self._image), str(self._written))
            return
        fd = os.open(self.where, os.O_RDONLY)
        try:
            fcntl.ioctl(fd, _SHUTDOWN, _WITHOUT_ITS_LOG)
        finally:
            os.close(fd)

    def back(self) -> None:
        """Mounted again, as soon as nobody holds it."""
        end = time.monotonic() + PATIENCE
        while not self._again():
            assert time.monotonic() < end, f"somebody holds the file system that was shut down at {self.where}"
            time.sleep(0.1)

    def _again(self) -> bool:
        """Whether it is mounted anew: as long as there is a copy of the old mount, it is the one that was cut off.

        An ext4 that was cut off still lists its directories; it syncs none.
        """
        try:
            if mounts_below(self.where):
                run("umount", str(self.where))
            if self._written.exists():
                self._written.replace(self._image)
            self._mount()
        except subprocess.CalledProcessError:
            return False
        try:
            fd = os.open(self.where, os.O_RDONLY | os.O_DIRECTORY)
        except OSError:
            return False
        try:
            os.fsync(fd)
        except OSError:
            return False
        finally:
            os.close(fd)
        return True
