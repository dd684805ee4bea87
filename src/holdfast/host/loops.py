"""Loop devices. Who a loop device is, is its backing file's device and inode.

An attachment for mounting is made with autoclear: the kernel detaches it with its last user, so that a
crash between attaching and mounting leaks nothing.
"""

import errno
import os
import re

from holdfast.host.facts import Backing, Loop
from holdfast.host.kernel import Kernel
from holdfast.host.linux import LINUX

# Loop devices' major number (Documentation/admin-guide/devices.txt).
MAJOR = 7
_TRIES = 64
# The path of a volume's tree or disk in a dir pool, and its uid.
OURS = re.compile(r"/volumes/([0-9a-f]{32})/(data|disk\.raw)(?:/|$)")
# Looks after a detach, and the seconds between them.
_LOOKS, _BETWEEN = 200, 0.01


def backing_of(fd: int, kernel: Kernel = LINUX) -> Backing:
    """The identity of an open image."""
    info = kernel.fstat(fd)
    return Backing(info.st_dev, info.st_ino)


def attached(kernel: Kernel = LINUX) -> list[Loop]:
    """All attached loop devices."""
    return [loop for number in kernel.loop_numbers() if (loop := look(number, kernel)) is not None]


def look(number: int, kernel: Kernel = LINUX) -> Loop | None:
    """The loop device of that number, if it is attached."""
    try:
        fd = kernel.open(f"/dev/loop{number}", os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENXIO):
            return None
        raise
    try:
        return kernel.loop_status(fd)
    finally:
        kernel.close(fd)


def of_backing(backing: Backing, kernel: Kernel = LINUX) -> list[Loop]:
    """The loop devices attached to a file."""
    return [loop for loop in attached(kernel) if loop.backing == backing]


def attach(image: int, *, autoclear: bool, read_only: bool = False, kernel: Kernel = LINUX) -> int:
    """Attach an open image to a free loop device; return the device open. LOOP_CONFIGURE races, so retried."""
    for _ in range(_TRIES):
        fd = kernel.open(f"/dev/loop{kernel.loop_free()}", os.O_RDWR | os.O_CLOEXEC)
        try:
            kernel.loop_configure(fd, image, autoclear=autoclear, read_only=read_only)
        except OSError as error:
            kernel.close(fd)
            if error.errno != errno.EBUSY:
                raise
        else:
            return fd
    raise OSError(errno.EBUSY, "no free loop device could be taken")


def detach(loop: Loop, kernel: Kernel = LINUX) -> bool:
    """Detach, if it still is that file's; True once it is proven detached: the kernel waits for its last user.

    Where it waits too long (another mount namespace may hold the device) the detach is taken back, unless the device
    was to go with its last user anyway.
    """
    fd = kernel.open(loop.path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        now = kernel.loop_status(fd)
        if now is None or now.backing != loop.backing:
            return True
        kernel.loop_clear(fd)
    except OSError as error:
        if error.errno != errno.ENXIO:
            raise
    finally:
        kernel.close(fd)
    if not stays(loop, kernel):
        return True
    if not loop.autoclear:
        keep(loop, kernel)
    return False


def stays(loop: Loop, kernel: Kernel = LINUX) -> bool:
    """Whether it is still attached after two seconds: listing devices or making a mount namespace holds it briefly."""
    for _ in range(_LOOKS):
        after = look(loop.number, kernel)
        if after is None or after.backing != loop.backing:
            return False
        kernel.pause(_BETWEEN)
    return True


def keep(loop: Loop, kernel: Kernel = LINUX) -> None:
    """Take back a detach that waits for the device's last user: else its number would pass to another image then."""
    fd = kernel.open(loop.path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        now = kernel.loop_status(fd)
        if now is not None and now.backing == loop.backing:
            kernel.loop_keep(fd)
    except OSError as error:
        if error.errno != errno.ENXIO:  # it was the last user, and the device is free
            raise
    finally:
        kernel.close(fd)


def is_claimed(loop: Loop, kernel: Kernel = LINUX) -> bool:
    """Whether a mount or another device holds it exclusively (open(2): O_EXCL on a block device)."""
    try:
        kernel.close(kernel.open(loop.path, os.O_RDONLY | os.O_EXCL | os.O_CLOEXEC))
    except OSError as error:
        if error.errno == errno.EBUSY:
            return True
        raise
    return False
