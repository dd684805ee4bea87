"""Loop devices by ioctl (loop(4))."""

import ctypes
import errno
import fcntl
import os
import re

from holdfast.host.facts import Backing, Loop

LOOP_CTL_GET_FREE = 0x4C82
LOOP_CONFIGURE = 0x4C0A
LOOP_CLR_FD = 0x4C01
LOOP_SET_STATUS64 = 0x4C04
LOOP_SET_CAPACITY = 0x4C07
LOOP_GET_STATUS64 = 0x4C05
LO_FLAGS_READ_ONLY, LO_FLAGS_AUTOCLEAR = 1, 4
SECTOR = 512
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


def numbers() -> list[int]:
    """Of all attached loop devices."""
    found = []
    for name in sorted(os.listdir(_SYS)):
        match = re.fullmatch(r"loop(\d+)", name)
        if match and os.path.exists(f"{_SYS}/{name}/loop/backing_file"):
            found.append(int(match[1]))
    return found


def free() -> int:
    """The number of a free one."""
    control = os.open("/dev/loop-control", os.O_RDWR | os.O_CLOEXEC)
    try:
        return fcntl.ioctl(control, LOOP_CTL_GET_FREE)
    finally:
        os.close(control)


def status(fd: int) -> Loop | None:
    """Of an open loop device; None if it is attached to nothing."""
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


def configure(fd: int, image: int, *, autoclear: bool, read_only: bool) -> None:
    """Attach the open image."""
    config = _Config()
    config.fd = image
    config.block_size = SECTOR
    config.info.flags = (LO_FLAGS_AUTOCLEAR if autoclear else 0) | (LO_FLAGS_READ_ONLY if read_only else 0)
    name = os.fsencode(os.readlink(f"/proc/self/fd/{image}"))
    config.info.file_name = name[-63:]
    fcntl.ioctl(fd, LOOP_CONFIGURE, config)


def keep(fd: int) -> None:
    """Clear the autoclear flag."""
    info = _Info()
    fcntl.ioctl(fd, LOOP_GET_STATUS64, info)
    info.flags &= ~LO_FLAGS_AUTOCLEAR
    fcntl.ioctl(fd, LOOP_SET_STATUS64, info)


def resize(fd: int) -> None:
    """Take the size of its file anew."""
    fcntl.ioctl(fd, LOOP_SET_CAPACITY)


def clear(fd: int) -> None:
    """Detach, once the last user is gone."""
    fcntl.ioctl(fd, LOOP_CLR_FD)
