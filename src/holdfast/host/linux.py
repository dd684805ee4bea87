"""The real kernel."""

import fcntl
import os
import select
import struct
from collections.abc import Iterator
from contextlib import AbstractContextManager

from holdfast.host import loopctl, mountctl, syscalls
from holdfast.host.facts import Mount
from holdfast.host.kernel import Entry, Kernel
from holdfast.host.mountinfo import parse

# linux/btrfs.h; the uuid is the answer's fsid.
BTRFS_IOC_FS_INFO = 0x8400941F
_FSID = slice(16, 32)
# linux/fs.h: _IOWR('X', 121, struct fstrim_range), whose members are start, length and least extent, in bytes.
FITRIM = 0xC0185879
_RANGE = struct.Struct("=QQQ")
_WHOLE = 2**64 - 1


class Linux(Kernel):
    """What the os module has is the very function: these calls are made thousands of times a second."""

    open = staticmethod(os.open)
    dup = staticmethod(os.dup)
    close = staticmethod(os.close)
    read = staticmethod(os.read)
    write = staticmethod(os.write)
    preadv = staticmethod(os.preadv)
    lseek = staticmethod(os.lseek)
    ftruncate = staticmethod(os.ftruncate)
    fsync = staticmethod(os.fsync)
    fstat = staticmethod(os.fstat)
    fstatvfs = staticmethod(os.fstatvfs)
    statx = staticmethod(syscalls.statx)
    stat = staticmethod(os.stat)
    mkdir = staticmethod(os.mkdir)
    rmdir = staticmethod(os.rmdir)
    unlink = staticmethod(os.unlink)
    rename = staticmethod(os.rename)
    openat2 = staticmethod(syscalls.openat2)
    clone_mount = staticmethod(mountctl.clone)
    new_mount = staticmethod(mountctl.new)
    set_mount = staticmethod(mountctl.attributes)
    move_mount = staticmethod(mountctl.move)
    umount = staticmethod(syscalls.umount)
    loop_numbers = staticmethod(loopctl.numbers)
    loop_free = staticmethod(loopctl.free)
    loop_status = staticmethod(loopctl.status)
    loop_configure = staticmethod(loopctl.configure)
    loop_keep = staticmethod(loopctl.keep)
    loop_clear = staticmethod(loopctl.clear)

    def realpath(self, path: str) -> str:
        """See `Kernel`."""
        return os.path.realpath(path)

    def listdir(self, path: str | int) -> list[str]:
        """See `Kernel`."""
        return os.listdir(path)

    def scandir(self, fd: int) -> AbstractContextManager[Iterator[Entry]]:
        """See `Kernel`."""
        return os.scandir(fd)

    def reopen(self, fd: int, flags: int) -> int:
        """See `Kernel`."""
        return os.open(f"/proc/self/fd/{fd}", flags | os.O_CLOEXEC)

    def uncache(self, fd: int, offset: int, length: int) -> None:
        """See `Kernel`."""
        os.posix_fadvise(fd, offset, length, os.POSIX_FADV_DONTNEED)

    def pause(self, seconds: float, /) -> None:
        """See `Kernel`."""
        select.select([], [], [], seconds)

    def location(self, fd: int) -> str:
        """See `Kernel`."""
        return os.readlink(f"/proc/self/fd/{fd}")

    def rename_noreplace(self, old: str, new: str, *, src_dir_fd: int, dst_dir_fd: int) -> None:
        """See `Kernel`."""
        syscalls.rename_noreplace(src_dir_fd, old, dst_dir_fd, new)

    def mounts(self) -> list[Mount]:
        """See `Kernel`."""
        with open("/proc/self/mountinfo", "rb") as file:
            return parse(file.read().decode("latin-1"))

    def btrfs_uuid(self, fd: int) -> str:
        """See `Kernel`."""
        buffer = bytearray(1024)
        fcntl.ioctl(fd, BTRFS_IOC_FS_INFO, buffer)
        return bytes(buffer[_FSID]).hex()

    def trim(self, fd: int) -> int:
        """See `Kernel`."""
        span = bytearray(_RANGE.pack(0, _WHOLE, 0))
        fcntl.ioctl(fd, FITRIM, span)
        _, given, _ = _RANGE.unpack(span)
        return int(given)


LINUX = Linux()
