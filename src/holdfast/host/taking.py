"""Copies of images as they are at one moment, as worker children make them: also of what somebody writes to.

A mounted file system is frozen for that moment, by a mount of the child's own that is seen nowhere; so all that was
written before is in the copy, in order, and its journal wants nothing. A raw device's writes are flushed. Where blocks
can be shared the moment is short; where they are copied, writers wait for as long as that takes.
"""

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from typing import Any, NamedTuple

from holdfast.host import loops
from holdfast.host.facts import Loop
from holdfast.host.kernel import Kernel
from holdfast.model.errors import Again, Refused

# What a file system answers that cannot share blocks between these files: ioctl_ficlone(2).
_NOT_SHARED = frozenset({errno.EOPNOTSUPP, errno.EXDEV, errno.ENOTTY, errno.EINVAL})
# What is answered of a file system that shut itself down, until it is mounted anew.
_BROKEN = frozenset({errno.EIO, errno.EROFS, errno.EUCLEAN})
# Bytes that are copied at the most while a file system is frozen: some seconds, or a minute on a slow disk.
MOST_FROZEN = 2 << 30
# Bytes of one copy_file_range(2).
_PIECE = 16 << 20


def take(kernel: Kernel, args: dict[str, Any], fds: tuple[int, ...]) -> dict[str, Any]:
    """The empty open file fds[1] becomes what the open image fds[0] holds; how it was `taken`.

    `shared` is False where nobody uses the image and its blocks cannot be shared: then nothing was copied yet. An empty
    `taken` says that somebody else holds the file system frozen. Raises Refused where it cannot be at one moment.
    """
    source, target = fds
    loop = _writer(kernel, source, args["fs"])
    if loop is None:
        return {"taken": "idle", "shared": _share(kernel, source, target)}
    shared = _share(kernel, source, target)  # what it writes out before the moment is not written in it
    if args["fs"] is None:
        _flush(kernel, loop)
        if not (shared and _share(kernel, source, target)):
            raise Refused(
                "The volume is in use, and its pool's file system cannot share blocks.",
                "Unmount it first, or keep it on an xfs or btrfs.",
            )
        return {"taken": "synced", "shared": True}
    held = sum(end - start for start, end in extents(kernel, source, 0))
    if not shared and held > MOST_FROZEN:
        raise Refused(
            f"The volume is mounted and holds {held >> 20} MiB, which would be copied while whoever writes waits.",
            "Unmount it first, or keep it on an xfs or btrfs, which share blocks.",
        )
    with _frozen(kernel, _Taking(args["fs"], source, target, loop)) as frozen:
        if frozen and not _share(kernel, source, target):
            copy(kernel, source, target)
    return {"taken": "frozen", "shared": True} if frozen else {"taken": "", "shared": False}


def take_group(kernel: Kernel, args: dict[str, Any], fds: tuple[int, ...]) -> list[str]:
    """Each second of the open files becomes what the open image before it holds, at one moment of all; how each was.

    None that are `taken` say that somebody else holds one of the file systems frozen. Raises Refused where they cannot
    be at one moment.
    """
    every = [
        _Taking(fs, source, target, _writer(kernel, source, fs))
        for fs, source, target in zip(args["fs"], fds[::2], fds[1::2], strict=True)
    ]
    written = [each for each in every if each.loop is not None]
    if any(each.fs is None for each in written):
        raise Refused(
            "One of the volumes is a block device in use, whose writes nothing can hold back.", "Unpublish it first."
        )
    # What is written out before the moment is not written in it.
    copied = [each for each in every if not _share(kernel, each.source, each.target)]
    held = sum(end - start for each in copied for start, end in extents(kernel, each.source, 0))
    if held > MOST_FROZEN:
        raise Refused(
            f"The volumes hold {held >> 20} MiB, which would be copied while whoever writes waits.",
            "Keep them on an xfs or btrfs, which share blocks.",
        )
    for each in copied:
        if each.loop is None:
            copy(kernel, each.source, each.target)
    with contextlib.ExitStack() as moment:
        for each in written:
            if not moment.enter_context(_frozen(kernel, each)):
                return []
        for each in written:
            if not _share(kernel, each.source, each.target):
                copy(kernel, each.source, each.target)
    return ["idle" if each.loop is None else "frozen" for each in every]


class _Taking(NamedTuple):
    """An image and the empty file of its copy; the loop device through which somebody may write to it."""

    fs: str | None
    source: int
    target: int
    loop: Loop | None


def _writer(kernel: Kernel, source: int, fs: str | None) -> Loop | None:
    loop = next(iter(loops.of_backing(loops.backing_of(source, kernel), kernel)), None)
    if loop is None or loop.read_only or (fs is not None and not loops.is_claimed(loop, kernel)):
        return None
    return loop


@contextlib.contextmanager
def _frozen(kernel: Kernel, one: _Taking) -> Iterator[bool]:
    """Whether nobody writes to the mounted file system meanwhile; not if somebody else holds it frozen."""
    if one.loop is None or one.fs is None:
        raise ValueError("nothing is mounted")
    with _root(kernel, one.loop.path, one.fs) as root:
        try:
            kernel.freeze(root)
        except OSError as error:
            if error.errno in _BROKEN:
                raise _broken(error) from error
            if error.errno != errno.EBUSY:
                raise
            yield False
            return
        try:
            yield True
        finally:
            kernel.thaw(root)


def _share(kernel: Kernel, source: int, target: int) -> bool:
    try:
        kernel.reflink(target, source)
    except OSError as error:
        if error.errno not in _NOT_SHARED:
            raise
        return False
    return True


def copy(kernel: Kernel, source: int, target: int) -> None:
    """All data, and no hole."""
    size, at = kernel.fstat(source).st_size, 0
    kernel.ftruncate(target, size)
    for start, end in extents(kernel, source, 0):
        at = start
        while at < end:
            got = kernel.copy_range(source, target, at, min(_PIECE, end - at))
            if not got:
                raise Again(f"The image ends at byte {at}, while it is copied.")
            at += got


def extents(kernel: Kernel, fd: int, at: int) -> Iterator[tuple[int, int]]:
    """Where the open file has data, from a byte on: lseek(2)."""
    while True:
        try:
            start = kernel.lseek(fd, at, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:
                return
            raise
        at = kernel.lseek(fd, start, os.SEEK_HOLE)
        yield start, at


def _flush(kernel: Kernel, loop: Loop) -> None:
    device = kernel.open(loop.path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        kernel.fsync(device)
    finally:
        kernel.close(device)


@contextlib.contextmanager
def _root(kernel: Kernel, device: str, fs: str) -> Iterator[int]:
    """The root of the file system that is mounted of the device, wherever that is, read-only after an error or not."""
    try:
        mount = kernel.new_mount(fs, device, read_only=False)
    except OSError as error:
        if error.errno != errno.EBUSY:
            raise
        mount = kernel.new_mount(fs, device, read_only=True, sealed=True)
    try:
        try:
            root = kernel.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=mount)
        except OSError as error:
            if error.errno in _BROKEN:
                raise _broken(error) from error
            raise
        try:
            yield root
        finally:
            kernel.close(root)
    finally:
        kernel.close(mount)


def _broken(error: OSError) -> Refused:
    return Refused(
        f"Its file system has met an error, and writes nothing any more: {error.strerror}.",
        "Unmount it, then see what `holdfast volume check` says. Was the pool's disk full?",
    )


def thaw(kernel: Kernel, args: dict[str, Any], fds: tuple[int, ...]) -> None:
    """Thaw the file system of the open image fds[0], if it is mounted and frozen. A broken one holds nobody."""
    for loop in loops.of_backing(loops.backing_of(fds[0], kernel), kernel):
        if not loop.read_only and loops.is_claimed(loop, kernel):
            with contextlib.suppress(Refused), _root(kernel, loop.path, args["fs"]) as root:
                try:
                    kernel.thaw(root)
                except OSError as error:
                    if error.errno != errno.EINVAL:
                        raise


def settle(kernel: Kernel, args: dict[str, Any], fds: tuple[int, ...]) -> None:
    """Let the file system of the open image or device fds[0] replay its journal, by a mount that ends.

    Nobody uses it.
    """
    if stat.S_ISBLK(kernel.fstat(fds[0]).st_mode):
        with _root(kernel, kernel.location(fds[0]), args["fs"]):
            return
    device = loops.attach(fds[0], autoclear=True, kernel=kernel)
    loop = kernel.loop_status(device)
    if loop is None:
        raise Again("The loop device changed hands while it was opened.")
    with _root(kernel, loop.path, args["fs"]):
        pass
    kernel.close(device)


def sync(kernel: Kernel, args: dict[str, Any], fds: tuple[int, ...]) -> None:
    """Write out what the mounted file system on the open device fds[0] holds back; without `fs`, the device alone."""
    (device,) = fds
    if args["fs"] is not None:
        with _root(kernel, kernel.location(device), args["fs"]) as root:
            kernel.syncfs(root)
    kernel.fsync(device)
