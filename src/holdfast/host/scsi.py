"""SCSI disks as sysfs shows them (Documentation/ABI/testing/sysfs-block-device), and the work of children on them.

The serial is the unit serial number of VPD page 80h (SPC-4). The kernel keeps the page as it was at the last scan of
the disk, so whoever is about to believe it has the disk scanned anew.
"""

import errno
import os
from pathlib import Path
from typing import Any

import msgspec

from holdfast.host.kernel import Kernel
from holdfast.host.linux import LINUX
from holdfast.model.errors import Again, InUse

_BLOCK = Path("/sys/block")
_BY_NUMBER = Path("/sys/dev/block")


class Disk(msgspec.Struct, frozen=True):
    """One path to a disk. `holders` are block devices made of it."""

    name: str
    serial: str
    holders: tuple[str, ...] = ()

    @property
    def path(self) -> str:
        """Its node; for use at once, never kept."""
        return f"/dev/{self.name}"


def _serial(device: Path) -> str:
    """Of a disk's directory in sysfs, in capitals; empty if it tells none."""
    try:
        page = (device / "device" / "vpd_pg80").read_bytes()
    except OSError:  # no SCSI disk, or one that is just going
        return ""
    return page[4 : 4 + int.from_bytes(page[2:4], "big")].decode("ascii", "replace").strip().upper()


def disks() -> list[Disk]:
    """All that tell a serial, by name; raise OSError."""
    found = []
    for entry in sorted(_BLOCK.glob("sd*")):
        serial = _serial(entry)
        if serial:
            holders = tuple(sorted(os.listdir(entry / "holders"))) if (entry / "holders").exists() else ()
            found.append(Disk(entry.name, serial, holders))
    return found


def serials_of(number: int) -> set[str]:
    """Of the disk, or the paths below the multipath device, with that device number."""
    device = _BY_NUMBER / f"{os.major(number)}:{os.minor(number)}"
    below = device / "slaves"
    parts = [below / name for name in os.listdir(below)] if below.exists() and os.listdir(below) else [device]
    return {serial for part in parts if (serial := _serial(part))}


def users(path: str, kernel: Kernel = LINUX) -> str:
    """Who has the device: a mount, a device made of it, or somebody who has it for himself."""
    info = kernel.stat(path)
    number = os.major(info.st_rdev), os.minor(info.st_rdev)
    for mount in kernel.mounts():
        if mount.device == number:
            return f"the mount at {mount.path}"
    held = _BY_NUMBER / f"{number[0]}:{number[1]}" / "holders"
    if held.exists() and (names := sorted(os.listdir(held))):
        return f"the device {names[0]}"
    try:
        kernel.close(kernel.open(path, os.O_RDONLY | os.O_EXCL | os.O_NONBLOCK | os.O_CLOEXEC))
    except OSError as error:
        if error.errno == errno.EBUSY:
            return "an open file"
        if error.errno != errno.ENXIO:  # its target is away: nobody can open it anew
            raise
    return ""


# -- what children do --------------------------------------------------------------------------------


def refresh(_kernel: Kernel, args: dict[str, Any], _fds: tuple[int, ...]) -> None:
    """Have every disk that tells this serial tell it anew."""
    for disk in disks():
        if disk.serial == args["serial"]:
            (_BLOCK / disk.name / "device" / "rescan").write_text("1")


def remove(kernel: Kernel, args: dict[str, Any], _fds: tuple[int, ...]) -> None:
    """Flush the disk and take it from the kernel, if it still is the one with that serial."""
    entry = _BLOCK / args["name"]
    if _serial(entry) != args["serial"]:
        return
    fd = kernel.open(f"/dev/{args['name']}", os.O_RDWR | os.O_EXCL | os.O_CLOEXEC)
    try:
        if serials_of(kernel.fstat(fd).st_rdev) != {args["serial"]}:
            raise Again(f"/dev/{args['name']} changed hands while it was opened.")
        try:
            kernel.fsync(fd)
        except OSError as error:
            raise InUse(f"/dev/{args['name']} cannot be flushed: {error.strerror}.", "Is its target away?") from error
    finally:
        kernel.close(fd)
    (entry / "device" / "delete").write_text("1")
