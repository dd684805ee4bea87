"""System calls that Python has no name for, by number, through ctypes (which releases the GIL).

Sources: the kernel's syscall tables, openat2(2), statx(2), mount_setattr(2), and the uapi header
linux/mount.h. All are in Linux 6.1.
"""

import ctypes
import os
import platform

from holdfast.host.facts import Statx

_NUMBERS = {
    "x86_64": {"statx": 332, "renameat2": 316},
    "aarch64": {"statx": 291, "renameat2": 276},
}.get(platform.machine(), {})
_COMMON = {
    "open_tree": 428, "move_mount": 429, "fsopen": 430, "fsconfig": 431, "fsmount": 432,
    "close_range": 436, "openat2": 437, "mount_setattr": 442,
}  # fmt: skip

AT_EMPTY_PATH = 0x1000
AT_SYMLINK_NOFOLLOW = 0x100
RESOLVE_NO_XDEV, RESOLVE_NO_MAGICLINKS, RESOLVE_NO_SYMLINKS, RESOLVE_BENEATH = 1, 2, 4, 8
STATX_INO, STATX_BTIME, STATX_MNT_ID = 0x100, 0x800, 0x1000
RENAME_NOREPLACE, RENAME_EXCHANGE = 1, 2
OPEN_TREE_CLONE, OPEN_TREE_CLOEXEC = 1, os.O_CLOEXEC
FSOPEN_CLOEXEC = FSMOUNT_CLOEXEC = 1
FSCONFIG_SET_FLAG, FSCONFIG_SET_STRING, FSCONFIG_CMD_CREATE = 0, 1, 6
MOVE_MOUNT_F_EMPTY_PATH, MOVE_MOUNT_T_EMPTY_PATH = 0x4, 0x40
MOUNT_ATTR_RDONLY, MOUNT_ATTR_NOSUID, MOUNT_ATTR_NODEV, MOUNT_ATTR_NOEXEC = 1, 2, 4, 8
MOUNT_ATTR_ATIMES, MOUNT_ATTR_RELATIME, MOUNT_ATTR_NOATIME = 0x70, 0, 0x10
MOUNT_ATTR_NODIRATIME, MOUNT_ATTR_NOSYMFOLLOW = 0x80, 0x200000
MS_PRIVATE = 1 << 18
UMOUNT_NOFOLLOW = 8

_libc = ctypes.CDLL(None, use_errno=True)


def call(name: str, *args: object, path: str = "") -> int:
    """Make the system call; raise OSError with its errno."""
    number = _COMMON.get(name) or _NUMBERS.get(name)
    if number is None:
        raise OSError(38, f"{name}: unknown machine {platform.machine()}")
    answer: int = _libc.syscall(ctypes.c_long(number), *args)
    if answer < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), path or name)
    return answer


def close_from(first: int) -> None:
    """close_range(2): all descriptors from that number on."""
    call("close_range", ctypes.c_uint(first), ctypes.c_uint(0xFFFFFFFF), ctypes.c_uint(0))


def umount(path: str) -> None:
    """umount2(2), never lazy, never through a symlink."""
    if _libc.umount2(os.fsencode(path), UMOUNT_NOFOLLOW) < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), path)


def openat2(dirfd: int, path: str | bytes, flags: int, resolve: int, mode: int = 0) -> int:
    """openat2(2); EXDEV for a crossed mount, ELOOP for a symlink, as `resolve` forbids."""
    how = (ctypes.c_uint64 * 3)(flags | os.O_CLOEXEC, mode, resolve)
    raw = ctypes.c_char_p(os.fsencode(path))
    return call("openat2", ctypes.c_int(dirfd), raw, how, ctypes.c_size_t(24), path=os.fsdecode(path))


def rename_noreplace(old_dir: int, old: str, new_dir: int, new: str) -> None:
    """renameat2(2) with RENAME_NOREPLACE: EEXIST if the new name is taken."""
    call(
        "renameat2", ctypes.c_int(old_dir), ctypes.c_char_p(os.fsencode(old)), ctypes.c_int(new_dir),
        ctypes.c_char_p(os.fsencode(new)), ctypes.c_uint(RENAME_NOREPLACE), path=new,
    )  # fmt: skip


def exchange(dir_fd: int, one: str, other: str) -> None:
    """renameat2(2) with RENAME_EXCHANGE: each has the other's name, in one act."""
    call(
        "renameat2", ctypes.c_int(dir_fd), ctypes.c_char_p(os.fsencode(one)), ctypes.c_int(dir_fd),
        ctypes.c_char_p(os.fsencode(other)), ctypes.c_uint(RENAME_EXCHANGE), path=other,
    )  # fmt: skip


def syncfs(fd: int) -> None:
    """syncfs(2)."""
    if _libc.syncfs(ctypes.c_int(fd)) < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), f"fd {fd}")


def statx(fd: int) -> Statx:
    """statx(2) of an open descriptor."""
    buffer = ctypes.create_string_buffer(256)
    call(
        "statx", ctypes.c_int(fd), ctypes.c_char_p(b""), ctypes.c_int(AT_EMPTY_PATH),
        ctypes.c_uint(STATX_INO | STATX_BTIME | STATX_MNT_ID), buffer, path=f"fd {fd}",
    )  # fmt: skip
    raw = buffer.raw

    def number(offset: int, width: int) -> int:
        return int.from_bytes(raw[offset : offset + width], "little")

    born = number(80, 8) * 10**9 + number(88, 4) if number(0, 4) & STATX_BTIME else 0
    return Statx(mount=number(144, 8), inode=number(32, 8), born_ns=born)
