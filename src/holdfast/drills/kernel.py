"""The kernel as it is on a machine whose devices are ill: Linux, but for the few answers that a chart changes."""

import errno
import os
from collections.abc import Sequence

from holdfast.drills.sickness import Chart
from holdfast.host.facts import Backing
from holdfast.host.linux import LINUX, Linux


def _error(number: int) -> OSError:
    return OSError(number, os.strerror(number))


class SickLinux(Linux):
    """Nothing is written, and nothing that others see is changed: only what is answered here.

    Linux has the os functions themselves, which take more than the seam promises: hence "override".
    """

    def __init__(self, chart: Chart) -> None:
        self._chart = chart

    def open(self, path: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        """An image that is gone: ENXIO, as of a node whose device is gone (open(2))."""
        return self._there(LINUX.open(path, flags, mode, dir_fd=dir_fd))

    def openat2(self, dir_fd: int, path: str, flags: int, resolve: int, /) -> int:
        """The same."""
        return self._there(LINUX.openat2(dir_fd, path, flags, resolve))

    def _there(self, fd: int) -> int:
        """Only an image that is named: directories and marks are opened by the same call. A loop device stays."""
        sickness = self._chart.now()
        if sickness is not None and sickness.kind == "gone":
            info = os.fstat(fd)
            if sickness.image == Backing(info.st_dev, info.st_ino):
                os.close(fd)
                raise _error(errno.ENXIO)
        return fd

    def reopen(self, fd: int, flags: int) -> int:
        """Only images and devices are opened anew."""
        if self._chart.ails(fd) == "gone":
            raise _error(errno.ENXIO)
        return LINUX.reopen(fd, flags)

    def preadv(self, fd: int, buffers: Sequence[memoryview], offset: int, /) -> int:
        """Only images and devices are read so."""
        ails = self._chart.ails(fd)
        if ails in ("gone", "ENODATA", "EIO"):
            raise _error(errno.ENXIO if ails == "gone" else getattr(errno, ails))
        got = LINUX.preadv(fd, buffers, offset)
        if ails == "zeros":
            for buffer in buffers:
                buffer[:] = bytes(len(buffer))
        return got

    def move_mount(self, mount: int, target: int) -> None:
        """EPERM, whatever is to be mounted."""
        sickness = self._chart.now()
        if sickness is not None and sickness.kind == "unmountable":
            raise _error(errno.EPERM)
        LINUX.move_mount(mount, target)
