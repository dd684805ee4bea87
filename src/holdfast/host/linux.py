"""The real kernel."""

import errno
import fcntl
import os
import select
import struct
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager

from holdfast.host import extentctl, growctl, loopctl, mountctl, subvolctl, syscalls
from holdfast.host.facts import Extent, Loop, Mount, Statx
from holdfast.host.kernel import Entry, Kernel
from holdfast.host.mountinfo import parse

# linux/btrfs.h: _IOWR(0x94, 30, struct btrfs_ioctl_dev_info_args): a device's number in its file system, and its path.
BTRFS_IOC_DEV_INFO = 0xD000941E
_DEVICE, _DEVICE_SIZE, _DEVICE_PATH = struct.Struct("=Q"), 4096, 3072
# linux/fs.h: _IOWR('X', 121, struct fstrim_range), whose members are start, length and least extent, in bytes.
FITRIM = 0xC0185879
# The same: _IOW(0x94, 9, int), _IOWR('X', 119, int), _IOWR('X', 120, int).
FICLONE, FIFREEZE, FITHAW = 0x40049409, 0xC0045877, 0xC0045878
_RANGE = struct.Struct("=QQQ")
_WHOLE = 2**64 - 1
# Bytes that are copied by hand at once.
_PIECE = 4 << 20


class Linux(Kernel):
    """See `Kernel`."""

    def open(self, path: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        """See `Kernel`."""
        return os.open(path, flags, mode, dir_fd=dir_fd)

    def dup(self, fd: int, /) -> int:
        """See `Kernel`."""
        return os.dup(fd)

    def close(self, fd: int, /) -> None:
        """See `Kernel`."""
        os.close(fd)

    def read(self, fd: int, length: int, /) -> bytes:
        """See `Kernel`."""
        return os.read(fd, length)

    def write(self, fd: int, data: bytes | memoryview, /) -> int:
        """See `Kernel`."""
        return os.write(fd, data)

    def preadv(self, fd: int, buffers: Sequence[memoryview], offset: int, /) -> int:
        """See `Kernel`."""
        return os.preadv(fd, buffers, offset)

    def lseek(self, fd: int, offset: int, whence: int, /) -> int:
        """See `Kernel`."""
        return os.lseek(fd, offset, whence)

    def ftruncate(self, fd: int, length: int, /) -> None:
        """See `Kernel`."""
        os.ftruncate(fd, length)

    def fsync(self, fd: int, /) -> None:
        """See `Kernel`."""
        os.fsync(fd)

    def fstat(self, fd: int, /) -> os.stat_result:
        """See `Kernel`."""
        return os.fstat(fd)

    def fstatvfs(self, fd: int, /) -> os.statvfs_result:
        """See `Kernel`."""
        return os.fstatvfs(fd)

    def statx(self, fd: int) -> Statx:
        """See `Kernel`."""
        return syscalls.statx(fd)

    def stat(self, path: str, *, dir_fd: int | None = None, follow_symlinks: bool = True) -> os.stat_result:
        """See `Kernel`."""
        return os.stat(path, dir_fd=dir_fd, follow_symlinks=follow_symlinks)

    def mkdir(self, path: str, mode: int = 0o777, *, dir_fd: int | None = None) -> None:
        """See `Kernel`."""
        os.mkdir(path, mode, dir_fd=dir_fd)

    def rmdir(self, path: str, *, dir_fd: int | None = None) -> None:
        """See `Kernel`."""
        os.rmdir(path, dir_fd=dir_fd)

    def unlink(self, path: str, *, dir_fd: int | None = None) -> None:
        """See `Kernel`."""
        os.unlink(path, dir_fd=dir_fd)

    def rename(self, src: str, dst: str, *, src_dir_fd: int | None = None, dst_dir_fd: int | None = None) -> None:
        """See `Kernel`."""
        os.rename(src, dst, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)

    def openat2(self, dir_fd: int, path: str, flags: int, resolve: int, /) -> int:
        """See `Kernel`."""
        return syscalls.openat2(dir_fd, path, flags, resolve)

    def clone_mount(self, fd: int) -> int:
        """See `Kernel`."""
        return mountctl.clone(fd)

    def new_mount(self, fs: str, source: str, *, read_only: bool, sealed: bool = False) -> int:
        """See `Kernel`."""
        return mountctl.new(fs, source, read_only=read_only, sealed=sealed)

    def set_mount(self, mount: int, *, read_only: bool, flags: tuple[str, ...] = ()) -> None:
        """See `Kernel`."""
        mountctl.attributes(mount, read_only=read_only, flags=flags)

    def move_mount(self, mount: int, target: int) -> None:
        """See `Kernel`."""
        mountctl.move(mount, target)

    def umount(self, path: str) -> None:
        """See `Kernel`."""
        syscalls.umount(path)

    def loop_numbers(self) -> list[int]:
        """See `Kernel`."""
        return loopctl.numbers()

    def loop_free(self) -> int:
        """See `Kernel`."""
        return loopctl.free()

    def loop_status(self, fd: int) -> Loop | None:
        """See `Kernel`."""
        return loopctl.status(fd)

    def loop_configure(self, fd: int, image: int, *, autoclear: bool, read_only: bool) -> None:
        """See `Kernel`."""
        loopctl.configure(fd, image, autoclear=autoclear, read_only=read_only)

    def loop_keep(self, fd: int) -> None:
        """See `Kernel`."""
        loopctl.keep(fd)

    def loop_clear(self, fd: int) -> None:
        """See `Kernel`."""
        loopctl.clear(fd)

    def loop_resize(self, fd: int) -> None:
        """See `Kernel`."""
        loopctl.resize(fd)

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

    def exchange(self, one: str, other: str, *, dir_fd: int) -> None:
        """See `Kernel`."""
        syscalls.exchange(dir_fd, one, other)

    def syncfs(self, fd: int, /) -> None:
        """See `Kernel`."""
        syscalls.syncfs(fd)

    def reflink(self, target: int, source: int) -> None:
        """See `Kernel`."""
        fcntl.ioctl(target, FICLONE, source)

    def copy_range(self, source: int, target: int, offset: int, length: int) -> int:
        """See `Kernel`."""
        try:
            return os.copy_file_range(source, target, length, offset, offset)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
        data = os.pread(source, min(length, _PIECE), offset)
        return os.pwrite(target, data, offset) if data else 0

    def extents(self, fd: int, start: int, most: int) -> list[Extent]:
        """See `Kernel`."""
        return extentctl.read(fd, start, most)

    def freeze(self, fd: int) -> None:
        """See `Kernel`."""
        fcntl.ioctl(fd, FIFREEZE, 0)

    def thaw(self, fd: int) -> None:
        """See `Kernel`."""
        fcntl.ioctl(fd, FITHAW, 0)

    def make_subvolume(self, dir_fd: int, name: str) -> None:
        """See `Kernel`."""
        subvolctl.create(dir_fd, name)

    def snapshot_subvolume(self, source: int, dir_fd: int, name: str) -> None:
        """See `Kernel`."""
        subvolctl.snapshot(source, dir_fd, name)

    def remove_subvolume(self, dir_fd: int, name: str) -> None:
        """See `Kernel`."""
        subvolctl.destroy(dir_fd, name)

    def has_subvolumes(self, fd: int) -> bool:
        """See `Kernel`."""
        return subvolctl.has_inner(fd)

    def limit_subvolume(self, fd: int, size: int) -> None:
        """See `Kernel`."""
        subvolctl.limit(fd, size)

    def mounts(self) -> list[Mount]:
        """See `Kernel`."""
        with open("/proc/self/mountinfo", "rb") as file:
            return parse(file.read().decode("latin-1"))

    def btrfs_device(self, fd: int) -> str:
        """See `Kernel`."""
        buffer = bytearray(_DEVICE.pack(1).ljust(_DEVICE_SIZE, b"\0"))
        fcntl.ioctl(fd, BTRFS_IOC_DEV_INFO, buffer)
        return os.fsdecode(bytes(buffer[_DEVICE_PATH:]).partition(b"\0")[0])

    def trim(self, fd: int) -> int:
        """See `Kernel`."""
        span = bytearray(_RANGE.pack(0, _WHOLE, 0))
        fcntl.ioctl(fd, FITRIM, span)
        _, given, _ = _RANGE.unpack(span)
        return int(given)

    def grow(self, fd: int, fs: str, size: int) -> None:
        """See `Kernel`."""
        growctl.GROW[fs](fd, size)


LINUX = Linux()
