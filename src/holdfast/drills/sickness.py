"""What ails the devices that a drill made: one file, written by the drill, read before each answer of the kernel."""

import os
import stat
from typing import Literal

import msgspec

from holdfast.host.facts import Backing
from holdfast.host.linux import LINUX
from holdfast.host.loops import MAJOR

# The device is gone; its reads give zeros, or fail; what is on it cannot be mounted.
Illness = Literal["gone", "zeros", "ENODATA", "EIO", "unmountable"]


class Sickness(msgspec.Struct, frozen=True):
    """Of one image, by its device and inode; or (None) of each that this control plane looks at."""

    kind: Illness
    image: Backing | None = None


class Chart:
    """The file at `path`; without one all are well."""

    def __init__(self, path: str) -> None:
        self._path = path

    def now(self) -> Sickness | None:
        """What ails whom."""
        try:
            with open(self._path, "rb") as file:
                return msgspec.json.decode(file.read(), type=Sickness)
        except FileNotFoundError:
            return None

    def put(self, sickness: Sickness) -> None:
        """From now on."""
        with open(f"{self._path}.new", "wb") as file:
            file.write(msgspec.json.encode(sickness))
        os.rename(f"{self._path}.new", self._path)

    def clear(self) -> None:
        """All are well."""
        if os.path.exists(self._path):
            os.unlink(self._path)

    def ails(self, fd: int) -> Illness | None:
        """What ails the open image, or the image behind the open loop device."""
        sickness = self.now()
        if sickness is None or sickness.image not in (None, _image(fd)):
            return None
        return sickness.kind


def _image(fd: int) -> Backing | None:
    info = os.fstat(fd)
    if stat.S_ISBLK(info.st_mode) and os.major(info.st_rdev) == MAJOR:
        loop = LINUX.loop_status(fd)
        return loop.backing if loop else None
    return Backing(info.st_dev, info.st_ino)
