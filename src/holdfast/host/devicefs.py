"""What makes a mounted file system ours: one rule per file system, in one table.

ext4 and xfs show the device's number as their own; btrfs has anonymous numbers, and tells its uuid by ioctl
(BTRFS_IOC_FS_INFO, linux/btrfs.h). The uuid on the device was read before mounting, on the same descriptor.
"""

import fcntl
import os
import uuid
from collections.abc import Callable

from holdfast.model.errors import Again, Damaged

BTRFS_IOC_FS_INFO = 0x8400941F
_FSID = slice(16, 32)


def _by_number(fd: int, _uuid: str, number: int) -> bool:
    return os.fstat(fd).st_dev == number


def btrfs_uuid(fd: int) -> str:
    """The uuid of the btrfs that an open directory is on."""
    buffer = bytearray(1024)
    fcntl.ioctl(fd, BTRFS_IOC_FS_INFO, buffer)
    return uuid.UUID(bytes=bytes(buffer[_FSID])).hex


def _by_btrfs_uuid(fd: int, wanted: str, _number: int) -> bool:
    return btrfs_uuid(fd) == wanted


RULES: dict[str, Callable[[int, str, int], bool]] = {
    "ext4": _by_number,
    "xfs": _by_number,
    "btrfs": _by_btrfs_uuid,
}


def verify_mounted(mount: int, fs: str, wanted: str, number: int) -> None:
    """Raise Damaged unless the mount whose root is open shows the wanted file system of the wanted device."""
    root = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=mount)
    try:
        if not RULES[fs](root, wanted, number):
            raise Damaged(f"What was mounted is not the {fs} {wanted} on the volume's device; it was not put in place.")
    except OSError as error:
        raise Again(f"The new mount cannot be read: {error.strerror}") from error
    finally:
        os.close(root)
