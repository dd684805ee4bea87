"""The seam between Holdfast and the machine's kernel: each call that the daemon and its children make of it, once.

In production it is Linux (`holdfast.host.linux`); in the simulation a model of it, behind the same class and held
to the same conformance suite (`holdfast.testing.conformance.kernel`). What no model needs (sockets, processes, the
state directory) is not here. Calls that the os module has are named and typed as there, and raise OSError as it does.
"""

import abc
import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from holdfast.host.facts import Extent, Loop, Mount, Statx


class Entry(Protocol):
    """As os.DirEntry."""

    @property
    def name(self) -> str:
        """Its name."""
        ...

    def is_dir(self, *, follow_symlinks: bool = True) -> bool:
        """Whether it is a directory."""
        ...

    def inode(self) -> int:
        """As the directory lists it: what a mount hides."""
        ...

    def stat(self, *, follow_symlinks: bool = True) -> os.stat_result:
        """What is seen there now."""
        ...


class Kernel(abc.ABC):
    """See the module."""

    # -- descriptors -----------------------------------------------------------------------------

    @abc.abstractmethod
    def open(self, path: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        """open(2)."""

    @abc.abstractmethod
    def openat2(self, dir_fd: int, path: str, flags: int, resolve: int, /) -> int:
        """openat2(2); EXDEV for a crossed mount, ELOOP for a symlink, as `resolve` forbids."""

    @abc.abstractmethod
    def reopen(self, fd: int, flags: int) -> int:
        """Open what is open, anew and with other flags: by /proc/self/fd."""

    @abc.abstractmethod
    def dup(self, fd: int, /) -> int:
        """dup(2)."""

    @abc.abstractmethod
    def close(self, fd: int, /) -> None:
        """close(2)."""

    @abc.abstractmethod
    def read(self, fd: int, length: int, /) -> bytes:
        """read(2)."""

    @abc.abstractmethod
    def write(self, fd: int, data: bytes | memoryview, /) -> int:
        """write(2)."""

    @abc.abstractmethod
    def preadv(self, fd: int, buffers: Sequence[memoryview], offset: int, /) -> int:
        """preadv(2)."""

    @abc.abstractmethod
    def lseek(self, fd: int, offset: int, whence: int, /) -> int:
        """lseek(2), SEEK_DATA too."""

    @abc.abstractmethod
    def ftruncate(self, fd: int, length: int, /) -> None:
        """ftruncate(2)."""

    @abc.abstractmethod
    def fsync(self, fd: int, /) -> None:
        """fsync(2)."""

    @abc.abstractmethod
    def syncfs(self, fd: int, /) -> None:
        """syncfs(2): all of the file system that is open."""

    @abc.abstractmethod
    def reflink(self, target: int, source: int) -> None:
        """FICLONE (ioctl_ficlone(2)): the open target holds what the source holds, in one act, and shares its blocks.

        EOPNOTSUPP where the file system has no such thing, EXDEV between two file systems.
        """

    @abc.abstractmethod
    def copy_range(self, source: int, target: int, offset: int, length: int) -> int:
        """copy_file_range(2), at the same place in both; how many bytes, 0 at the source's end.

        Between two file systems, which it refuses, by reading and writing.
        """

    @abc.abstractmethod
    def extents(self, fd: int, start: int, most: int) -> list[Extent]:
        """FIEMAP: the extents of an open file that end behind `start`, in order, and not more than `most` of them.

        What was written is written out first. EOPNOTSUPP where the file system has no such thing.
        """

    @abc.abstractmethod
    def uncache(self, fd: int, offset: int, length: int) -> None:
        """posix_fadvise(2), POSIX_FADV_DONTNEED."""

    @abc.abstractmethod
    def fstat(self, fd: int, /) -> os.stat_result:
        """fstat(2)."""

    @abc.abstractmethod
    def fstatvfs(self, fd: int, /) -> os.statvfs_result:
        """fstatvfs(3)."""

    @abc.abstractmethod
    def statx(self, fd: int) -> Statx:
        """statx(2)."""

    @abc.abstractmethod
    def location(self, fd: int) -> str:
        """The path by which an open descriptor is reached now."""

    # -- names -----------------------------------------------------------------------------------

    @abc.abstractmethod
    def stat(self, path: str, *, dir_fd: int | None = None, follow_symlinks: bool = True) -> os.stat_result:
        """stat(2), lstat(2)."""

    @abc.abstractmethod
    def realpath(self, path: str) -> str:
        """The path with its symlinks resolved."""

    @abc.abstractmethod
    def listdir(self, path: str | int) -> list[str]:
        """The names in a directory."""

    @abc.abstractmethod
    def scandir(self, fd: int) -> AbstractContextManager[Iterator[Entry]]:
        """The entries of an open directory."""

    @abc.abstractmethod
    def mkdir(self, path: str, mode: int = 0o777, *, dir_fd: int | None = None) -> None:
        """mkdir(2)."""

    @abc.abstractmethod
    def rmdir(self, path: str, *, dir_fd: int | None = None) -> None:
        """rmdir(2)."""

    @abc.abstractmethod
    def unlink(self, path: str, *, dir_fd: int | None = None) -> None:
        """unlink(2)."""

    @abc.abstractmethod
    def rename(self, src: str, dst: str, *, src_dir_fd: int | None = None, dst_dir_fd: int | None = None) -> None:
        """rename(2)."""

    @abc.abstractmethod
    def rename_noreplace(self, old: str, new: str, *, src_dir_fd: int, dst_dir_fd: int) -> None:
        """renameat2(2) with RENAME_NOREPLACE: EEXIST if the new name is taken."""

    @abc.abstractmethod
    def exchange(self, one: str, other: str, *, dir_fd: int) -> None:
        """renameat2(2) with RENAME_EXCHANGE, within a directory: each has the other's name, in one act."""

    # -- subvolumes of a btrfs, whose roots have the inode number 256 -----------------------------

    @abc.abstractmethod
    def make_subvolume(self, dir_fd: int, name: str) -> None:
        """BTRFS_IOC_SUBVOL_CREATE: an empty one; ENOTTY where the file system has no such thing."""

    @abc.abstractmethod
    def snapshot_subvolume(self, source: int, dir_fd: int, name: str) -> None:
        """BTRFS_IOC_SNAP_CREATE_V2: one that holds what the open subvolume holds, but not what its subvolumes hold.

        In one act, and durable; EINVAL if `source` is no subvolume.
        """

    @abc.abstractmethod
    def remove_subvolume(self, dir_fd: int, name: str) -> None:
        """BTRFS_IOC_SNAP_DESTROY: with all that is in it; ENOTEMPTY if it has others in it, EINVAL if it is none.

        What is mounted in it is no hindrance: it is detached.
        """

    @abc.abstractmethod
    def has_subvolumes(self, fd: int) -> bool:
        """BTRFS_IOC_GET_SUBVOL_ROOTREF: whether the open subvolume has others in it."""

    @abc.abstractmethod
    def limit_subvolume(self, fd: int, size: int) -> None:
        """BTRFS_IOC_QGROUP_LIMIT: bytes that the open subvolume may refer to, 0 for all; ENOTCONN without quotas."""

    # -- mounts ----------------------------------------------------------------------------------

    @abc.abstractmethod
    def mounts(self) -> list[Mount]:
        """The table of this process's mount namespace (proc_pid_mountinfo(5)), in the order of making."""

    @abc.abstractmethod
    def clone_mount(self, fd: int) -> int:
        """A detached mount of what is open: open_tree(2) with OPEN_TREE_CLONE."""

    @abc.abstractmethod
    def new_mount(self, fs: str, source: str, *, read_only: bool, sealed: bool = False) -> int:
        """A detached mount of a file system: fsopen(2), fsconfig(2), fsmount(2). Errors carry the kernel's words.

        Of a `sealed` one nothing is written, not even a journal replayed; else a read-only mount's device must be
        writable, for another mount of it may write.
        """

    @abc.abstractmethod
    def set_mount(self, mount: int, *, read_only: bool, flags: tuple[str, ...] = ()) -> None:
        """Make a detached mount private, so that what is mounted below it later stays there; and read-only if asked.

        `flags` are a mount's own, by the names of mount(8): `FLAGS` of `holdfast.host.mountctl`.
        """

    @abc.abstractmethod
    def move_mount(self, mount: int, target: int) -> None:
        """Put a detached mount on what is open as `target`: move_mount(2)."""

    @abc.abstractmethod
    def umount(self, path: str) -> None:
        """umount2(2), never lazy, never through a symlink."""

    @abc.abstractmethod
    def btrfs_device(self, fd: int) -> str:
        """The path of the first device of the btrfs that is open."""

    @abc.abstractmethod
    def trim(self, fd: int) -> int:
        """The FITRIM ioctl on the whole of an open file system; bytes that it says it gave back."""

    @abc.abstractmethod
    def freeze(self, fd: int) -> None:
        """FIFREEZE: all of the open file system is on its device, and whoever writes waits; EBUSY if it is frozen."""

    @abc.abstractmethod
    def thaw(self, fd: int) -> None:
        """FITHAW; EINVAL if the open file system is not frozen."""

    @abc.abstractmethod
    def grow(self, fd: int, fs: str, size: int) -> None:
        """Let the mounted file system that is open grow to a device of `size` bytes, if it is not as large already."""

    # -- loop devices (loop(4)) ------------------------------------------------------------------

    @abc.abstractmethod
    def loop_numbers(self) -> list[int]:
        """Of all attached loop devices, ascending by name."""

    @abc.abstractmethod
    def loop_free(self) -> int:
        """The number of a device that is free at this moment: LOOP_CTL_GET_FREE."""

    @abc.abstractmethod
    def loop_status(self, fd: int) -> Loop | None:
        """What an open loop device is attached to; None if to nothing: LOOP_GET_STATUS64."""

    @abc.abstractmethod
    def loop_configure(self, fd: int, image: int, *, autoclear: bool, read_only: bool) -> None:
        """LOOP_CONFIGURE; EBUSY if it is attached by now."""

    @abc.abstractmethod
    def loop_keep(self, fd: int) -> None:
        """Clear the autoclear flag: LOOP_SET_STATUS64; ENXIO if it is attached to nothing."""

    @abc.abstractmethod
    def loop_resize(self, fd: int) -> None:
        """As long as its file is now: LOOP_SET_CAPACITY; ENXIO if it is attached to nothing."""

    @abc.abstractmethod
    def loop_clear(self, fd: int) -> None:
        """LOOP_CLR_FD: it goes with its last user; ENXIO if it is attached to nothing."""

    @abc.abstractmethod
    def pause(self, seconds: float, /) -> None:
        """Wait for the kernel to let go of something; for children and looks, which have no runtime."""
