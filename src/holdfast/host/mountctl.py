"""Mounts by the system calls of the new mount API (fsopen(2) and its kin), detached and then moved into place."""

import ctypes
import os

from holdfast.host import syscalls

# What keeps a read-only mount from looking for a journal to replay, which it could not write: xfs(5). An ext4 that
# wants none needs nothing, and one that does is to be refused.
_AS_IT_IS = {"xfs": (b"norecovery",)}
# What a mount may be beside read-only, by the names of mount(8): its own, and nothing of the file system's.
FLAGS = {
    "nosuid": syscalls.MOUNT_ATTR_NOSUID, "nodev": syscalls.MOUNT_ATTR_NODEV, "noexec": syscalls.MOUNT_ATTR_NOEXEC,
    "noatime": syscalls.MOUNT_ATTR_NOATIME, "relatime": syscalls.MOUNT_ATTR_RELATIME,
    "nodiratime": syscalls.MOUNT_ATTR_NODIRATIME, "nosymfollow": syscalls.MOUNT_ATTR_NOSYMFOLLOW,
}  # fmt: skip
_ATIMES = frozenset({"noatime", "relatime"})


def clone(fd: int) -> int:
    """See `Kernel.clone_mount`."""
    flags = syscalls.OPEN_TREE_CLONE | syscalls.OPEN_TREE_CLOEXEC | syscalls.AT_EMPTY_PATH
    return syscalls.call("open_tree", ctypes.c_int(fd), ctypes.c_char_p(b""), ctypes.c_uint(flags))


def attributes(mount: int, *, read_only: bool, flags: tuple[str, ...]) -> None:
    """See `Kernel.set_mount`."""
    wanted = syscalls.MOUNT_ATTR_RDONLY if read_only else 0
    for flag in flags:
        wanted |= FLAGS[flag]
    cleared = syscalls.MOUNT_ATTR_ATIMES if _ATIMES & set(flags) else 0
    fields = (ctypes.c_uint64 * 4)(wanted, cleared, syscalls.MS_PRIVATE, 0)
    syscalls.call(
        "mount_setattr", ctypes.c_int(mount), ctypes.c_char_p(b""), ctypes.c_uint(syscalls.AT_EMPTY_PATH), fields,
        ctypes.c_size_t(32),
    )  # fmt: skip


def move(mount: int, target: int) -> None:
    """See `Kernel.move_mount`."""
    flags = syscalls.MOVE_MOUNT_F_EMPTY_PATH | syscalls.MOVE_MOUNT_T_EMPTY_PATH
    empty = ctypes.c_char_p(b"")
    syscalls.call(
        "move_mount", ctypes.c_int(mount), empty, ctypes.c_int(target), empty, ctypes.c_uint(flags), path="the path"
    )


def new(fs: str, source: str, *, read_only: bool, sealed: bool) -> int:
    """See `Kernel.new_mount`."""
    context = syscalls.call("fsopen", ctypes.c_char_p(fs.encode()), ctypes.c_uint(syscalls.FSOPEN_CLOEXEC), path=fs)
    try:
        _config(context, syscalls.FSCONFIG_SET_STRING, b"source", source.encode())
        if fs == "xfs":  # two snapshots or copies of one volume carry one uuid; identity is checked by us
            _config(context, syscalls.FSCONFIG_SET_FLAG, b"nouuid", None)
        if sealed:
            for flag in (b"ro", *_AS_IT_IS.get(fs, ())):
                _config(context, syscalls.FSCONFIG_SET_FLAG, flag, None)
        _config(context, syscalls.FSCONFIG_CMD_CREATE, None, None)
        flags = ctypes.c_uint(syscalls.FSMOUNT_CLOEXEC)
        wanted = ctypes.c_uint(syscalls.MOUNT_ATTR_RDONLY if read_only else 0)
        return syscalls.call("fsmount", ctypes.c_int(context), flags, wanted, path=fs)
    except OSError as error:
        raise OSError(error.errno, error.strerror, f"{fs} ({_log(context) or 'the kernel gave no reason'})") from error
    finally:
        os.close(context)


def _config(context: int, command: int, key: bytes | None, value: bytes | None) -> None:
    syscalls.call(
        "fsconfig", ctypes.c_int(context), ctypes.c_uint(command), ctypes.c_char_p(key), ctypes.c_char_p(value),
        ctypes.c_int(0), path="fsconfig",
    )  # fmt: skip


def _log(context: int) -> str:
    """The kernel's own words about the error (fsopen(2))."""
    lines = []
    while True:
        try:
            lines.append(os.read(context, 8192).decode(errors="replace").strip())
        except OSError:
            return "; ".join(lines)
