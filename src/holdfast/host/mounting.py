"""Mounting by system call, as worker children do it: make detached, verify, then move into place.

Nothing is ever seen at the path that was not verified before. Mount points are given as open descriptors
(O_PATH), so that a renamed or replaced path cannot redirect a mount.
"""

import ctypes
import errno
import os
from typing import Any

from holdfast.host import loops, mounttable, syscalls
from holdfast.host.devicefs import verify_mounted
from holdfast.host.loops import Loop, backing_of
from holdfast.host.signatures import Holds, probe
from holdfast.model.errors import Again, Damaged, InUse
from holdfast.model.observations import Unknown


def _move(mount: int, target: int) -> None:
    flags = syscalls.MOVE_MOUNT_F_EMPTY_PATH | syscalls.MOVE_MOUNT_T_EMPTY_PATH
    empty = ctypes.c_char_p(b"")
    syscalls.call(
        "move_mount", ctypes.c_int(mount), empty, ctypes.c_int(target), empty, ctypes.c_uint(flags), path="the path"
    )


def _attributes(mount: int, *, read_only: bool) -> None:
    """Private, so that what is mounted below it later does not propagate into the pool; read-only if asked."""
    fields = (ctypes.c_uint64 * 4)(syscalls.MOUNT_ATTR_RDONLY if read_only else 0, 0, syscalls.MS_PRIVATE, 0)
    syscalls.call(
        "mount_setattr", ctypes.c_int(mount), ctypes.c_char_p(b""), ctypes.c_uint(syscalls.AT_EMPTY_PATH), fields,
        ctypes.c_size_t(32),
    )  # fmt: skip


def _clone(source: int) -> int:
    flags = syscalls.OPEN_TREE_CLONE | syscalls.OPEN_TREE_CLOEXEC | syscalls.AT_EMPTY_PATH
    return syscalls.call("open_tree", ctypes.c_int(source), ctypes.c_char_p(b""), ctypes.c_uint(flags))


def mount_tree(args: dict[str, Any], fds: tuple[int, ...]) -> None:
    """Bind the open directory fds[0] at the open directory fds[1]."""
    source, target = fds
    mount = _clone(source)
    _attributes(mount, read_only=args["read_only"])
    _move(mount, target)


def mount_node(args: dict[str, Any], fds: tuple[int, ...]) -> None:
    """Bind the node of the loop device that is attached to the open image fds[0] at the open file fds[1]."""
    image, target = fds
    loop = _only_loop(image)
    if loop is None:
        raise Again("The loop device is not attached.")
    node = os.open(loop.path, os.O_PATH | os.O_CLOEXEC)
    mount = _clone(node)
    _attributes(mount, read_only=args["read_only"])
    _move(mount, target)


def _only_loop(image: int) -> Loop | None:
    found = loops.of_backing(backing_of(image))
    return found[0] if found else None


def loop_attach(args: dict[str, Any], fds: tuple[int, ...]) -> None:
    """Attach the open image fds[0] for good, unless it is attached already."""
    loop = _only_loop(fds[0])
    if loop is not None and loop.autoclear:
        loops.keep(loop)
    if _only_loop(fds[0]) is None:
        os.close(loops.attach(fds[0], autoclear=False, read_only=args["read_only"]))


def loop_detach(_args: dict[str, Any], fds: tuple[int, ...]) -> None:
    """Detach every loop device of the open image fds[0]; InUse while somebody has one open."""
    for loop in loops.of_backing(backing_of(fds[0])):
        if not loops.detach(loop):
            raise InUse(f"{loop.path} is still open somewhere.", "Close what uses it (fuser, lsof show who).")


def mount_image(args: dict[str, Any], fds: tuple[int, ...]) -> None:
    """Mount the file system in the open image fds[0] at the open directory fds[1].

    A second mount of the same image shares the loop device: two would be two caches over one disk.
    """
    image, target = fds
    fs, uuid = args["fs"], args["uuid"]
    loop = _only_loop(image)
    if loop is None:
        device = loops.attach(image, autoclear=True)
    else:
        device = os.open(loop.path, os.O_RDWR | os.O_CLOEXEC)
    now = loops.status(device)
    if now is None or now.backing != backing_of(image):
        raise Again("The loop device changed hands while it was opened.")
    found = probe(device)
    if isinstance(found, Unknown):
        raise Again(f"The volume cannot be read: {found.reason}.")
    if found != Holds(fs, uuid):
        raise Damaged(f"The volume does not show the {fs} {uuid} that was made on it: {found}.")
    mount = _new(fs, now.path, read_only=args["read_only"])
    verify_mounted(mount, fs, uuid, os.fstat(device).st_rdev)
    _attributes(mount, read_only=args["read_only"])
    _move(mount, target)


def _new(fs: str, source: str, *, read_only: bool) -> int:
    """fsopen, fsconfig, fsmount; errors carry what the kernel wrote into the context's log."""
    context = syscalls.call("fsopen", ctypes.c_char_p(fs.encode()), ctypes.c_uint(syscalls.FSOPEN_CLOEXEC), path=fs)
    try:
        _config(context, syscalls.FSCONFIG_SET_STRING, b"source", source.encode())
        if fs == "xfs":  # two snapshots or copies of one volume carry one uuid; identity is checked by us
            _config(context, syscalls.FSCONFIG_SET_FLAG, b"nouuid", None)
        _config(context, syscalls.FSCONFIG_CMD_CREATE, None, None)
        flags = ctypes.c_uint(syscalls.FSMOUNT_CLOEXEC)
        attributes = ctypes.c_uint(syscalls.MOUNT_ATTR_RDONLY if read_only else 0)
        return syscalls.call("fsmount", ctypes.c_int(context), flags, attributes, path=fs)
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
    lines = []
    while True:
        try:
            lines.append(os.read(context, 8192).decode(errors="replace").strip())
        except OSError:
            return "; ".join(lines)


def umount(args: dict[str, Any], _fds: tuple[int, ...]) -> None:
    """Unmount what is at the path if it still is the mount with that id; InUse if it is busy. Never lazy."""
    top = mounttable.top_at(args["path"])
    if top is None:
        return
    if top.id != args["mount"]:
        raise Again(f"What is mounted at {args['path']} changed meanwhile.")
    try:
        syscalls.umount(args["path"])
    except OSError as error:
        if error.errno == errno.EBUSY:
            raise InUse(
                f"{args['path']} is busy: files are open there, or something is mounted below it.",
                f"Stop what uses it (fuser -vm {args['path']} shows who), then try again.",
            ) from error
        raise
