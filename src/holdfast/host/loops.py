"""Loop devices by ioctl (loop(4)). Who a loop device is, is its backing file's device and inode.

An attachment for mounting is made with autoclear: the kernel detaches it with its last user, so that a
crash between attaching and mounting leaks nothing.
"""

import ctypes
import errno
import fcntl
import os
import re
import select

import msgspec

LOOP_CTL_GET_FREE = 0x4C82
LOOP_CONFIGURE = 0x4C0A
LOOP_CLR_FD = 0x4C01
LOOP_SET_STATUS64 = 0x4C04
LOOP_GET_STATUS64 = 0x4C05
LO_FLAGS_READ_ONLY, LO_FLAGS_AUTOCLEAR = 1, 4
# Loop devices' major number (Documentation/admin-guide/devices.txt).
MAJOR = 7
SECTOR = 512
_TRIES = 64
# Looks after a detach, and the seconds between them.
_LOOKS, _BETWEEN = 50, 0.01
_SYS = "/sys/block"


class _Info(ctypes.Structure):
    _fields_ = (
        ("device", ctypes.c_uint64), ("inode", ctypes.c_uint64), ("rdevice", ctypes.c_uint64),
        ("offset", ctypes.c_uint64), ("sizelimit", ctypes.c_uint64), ("number", ctypes.c_uint32),
        ("encrypt_type", ctypes.c_uint32), ("encrypt_key_size", ctypes.c_uint32), ("flags", ctypes.c_uint32),
        ("file_name", ctypes.c_char * 64), ("crypt_name", ctypes.c_char * 64), ("encrypt_key", ctypes.c_char * 32),
        ("init", ctypes.c_uint64 * 2),
    )  # fmt: skip


class _Config(ctypes.Structure):
    _fields_ = (
        ("fd", ctypes.c_uint32), ("block_size", ctypes.c_uint32), ("info", _Info), ("reserved", ctypes.c_uint64 * 8),
    )  # fmt: skip


class Backing(msgspec.Struct, frozen=True):
    """A file's identity."""

    device: int
    inode: int


class Loop(msgspec.Struct, frozen=True):
    """An attached loop device. `path` is for use at once, never kept."""

    number: int
    backing: Backing
    autoclear: bool
    read_only: bool
    file: str

    @property
    def path(self) -> str:
        """Its node."""
        return f"/dev/loop{self.number}"


def backing_of(fd: int) -> Backing:
    """The identity of an open image."""
    info = os.fstat(fd)
    return Backing(info.st_dev, info.st_ino)


def status(fd: int) -> Loop | None:
    """What an open loop device is attached to; None if to nothing."""
    info = _Info()
    try:
        fcntl.ioctl(fd, LOOP_GET_STATUS64, info)
    except OSError as error:
        if error.errno == errno.ENXIO:
            return None
        raise
    number = int(info.number)
    return Loop(
        number=number, backing=Backing(int(info.device), int(info.inode)),
        autoclear=bool(info.flags & LO_FLAGS_AUTOCLEAR), read_only=bool(info.flags & LO_FLAGS_READ_ONLY),
        file=_file(number),
    )  # fmt: skip


def _file(number: int) -> str:
    try:
        with open(f"{_SYS}/loop{number}/loop/backing_file", errors="surrogateescape") as file:
            return file.read().rstrip("\n")
    except FileNotFoundError:
        return ""


def attached() -> list[Loop]:
    """All attached loop devices."""
    found = []
    for name in sorted(os.listdir(_SYS)):
        match = re.fullmatch(r"loop(\d+)", name)
        if match and os.path.exists(f"{_SYS}/{name}/loop/backing_file"):
            loop = look(int(match[1]))
            if loop is not None:
                found.append(loop)
    return found


def look(number: int) -> Loop | None:
    """The loop device of that number, if it is attached."""
    try:
        fd = os.open(f"/dev/loop{number}", os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except (FileNotFoundError, OSError) as error:
        if getattr(error, "errno", 0) in (errno.ENOENT, errno.ENXIO):
            return None
        raise
    try:
        return status(fd)
    finally:
        os.close(fd)


def of_backing(backing: Backing) -> list[Loop]:
    """The loop devices attached to a file."""
    return [loop for loop in attached() if loop.backing == backing]


def attach(image: int, *, autoclear: bool, read_only: bool = False) -> int:
    """Attach an open image to a free loop device; return the device open. LOOP_CONFIGURE races, so retried."""
    control = os.open("/dev/loop-control", os.O_RDWR | os.O_CLOEXEC)
    try:
        for _ in range(_TRIES):
            number = fcntl.ioctl(control, LOOP_CTL_GET_FREE)
            fd = os.open(f"/dev/loop{number}", os.O_RDWR | os.O_CLOEXEC)
            if _configure(fd, image, autoclear=autoclear, read_only=read_only):
                return fd
            os.close(fd)
    finally:
        os.close(control)
    raise OSError(errno.EBUSY, "no free loop device could be taken")


def _configure(fd: int, image: int, *, autoclear: bool, read_only: bool) -> bool:
    config = _Config()
    config.fd = image
    config.block_size = SECTOR
    config.info.flags = (LO_FLAGS_AUTOCLEAR if autoclear else 0) | (LO_FLAGS_READ_ONLY if read_only else 0)
    name = os.fsencode(os.readlink(f"/proc/self/fd/{image}"))
    config.info.file_name = name[-63:]
    try:
        fcntl.ioctl(fd, LOOP_CONFIGURE, config)
    except OSError as error:
        os.close(fd) if error.errno != errno.EBUSY else None
        if error.errno == errno.EBUSY:
            return False
        raise
    return True


def detach(loop: Loop) -> bool:
    """Detach, if it still is that file's; True once it is proven detached: the kernel waits for its last user.

    Where it waits too long (another mount namespace may hold the device) the detach is taken back, unless the device
    was to go with its last user anyway.
    """
    fd = os.open(loop.path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        now = status(fd)
        if now is None or now.backing != loop.backing:
            return True
        fcntl.ioctl(fd, LOOP_CLR_FD)
    except OSError as error:
        if error.errno != errno.ENXIO:
            raise
    finally:
        os.close(fd)
    if not stays(loop):
        return True
    if not loop.autoclear:
        keep(loop)
    return False


def stays(loop: Loop) -> bool:
    """Whether it is still attached after half a second: whoever lists devices holds each open for a moment."""
    for _ in range(_LOOKS):
        after = look(loop.number)
        if after is None or after.backing != loop.backing:
            return False
        select.select([], [], [], _BETWEEN)
    return True


def keep(loop: Loop) -> None:
    """Take back a detach that waits for the device's last user: else its number would pass to another image then."""
    fd = os.open(loop.path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        info = _Info()
        fcntl.ioctl(fd, LOOP_GET_STATUS64, info)
        if Backing(int(info.device), int(info.inode)) == loop.backing:
            info.flags &= ~LO_FLAGS_AUTOCLEAR
            fcntl.ioctl(fd, LOOP_SET_STATUS64, info)
    except OSError as error:
        if error.errno != errno.ENXIO:  # it was the last user, and the device is free
            raise
    finally:
        os.close(fd)


def is_claimed(loop: Loop) -> bool:
    """Whether a mount or another device holds it exclusively (open(2): O_EXCL on a block device)."""
    try:
        os.close(os.open(loop.path, os.O_RDONLY | os.O_EXCL | os.O_CLOEXEC))
    except OSError as error:
        if error.errno == errno.EBUSY:
            return True
        raise
    return False
