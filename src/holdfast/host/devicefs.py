"""What makes a mounted file system ours: one rule per file system, in one table.

ext4 and xfs show the device's number as their own; btrfs has anonymous numbers, and tells its device by ioctl
(BTRFS_IOC_DEV_INFO, linux/btrfs.h): its uuid is no evidence, for a second one of the same uuid, as a snapshot's, is
mounted under a random one. The uuid on the device was read before mounting, on the same descriptor.
"""

import os
from collections.abc import Callable

from holdfast.host.kernel import Kernel
from holdfast.host.linux import LINUX
from holdfast.model.errors import Again, Damaged


def _by_number(kernel: Kernel, fd: int, number: int) -> bool:
    return kernel.fstat(fd).st_dev == number


def _by_device(kernel: Kernel, fd: int, number: int) -> bool:
    return kernel.stat(kernel.btrfs_device(fd)).st_rdev == number


RULES: dict[str, Callable[[Kernel, int, int], bool]] = {"ext4": _by_number, "xfs": _by_number, "btrfs": _by_device}


def verify_mounted(mount: int, fs: str, wanted: str, number: int, kernel: Kernel = LINUX) -> None:
    """Raise Damaged unless the mount whose root is open shows the wanted file system of the wanted device."""
    root = kernel.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=mount)
    try:
        if not RULES[fs](kernel, root, number):
            raise Damaged(f"What was mounted is not the {fs} {wanted} on the volume's device; it was not put in place.")
    except OSError as error:
        raise Again(f"The new mount cannot be read: {error.strerror}") from error
    finally:
        kernel.close(root)
