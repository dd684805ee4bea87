"""What a tree or an image takes on its disk, by looking: it changes nothing, and crosses no mount and no symlink.

Every directory is opened from the top anew, in as many calls as its path is long, each by openat2 with
RESOLVE_NO_XDEV and RESOLVE_NO_SYMLINKS (as in `holdfast.host.trees`): so no depth of a tenant's tree costs
descriptors, and a mount or a symlink that appears meanwhile is not entered either.
"""

import errno
import os
from collections.abc import Callable

import msgspec

from holdfast.host import changed
from holdfast.host.kernel import Entry, Kernel
from holdfast.host.linux import LINUX
from holdfast.host.syscalls import RESOLVE_BENEATH, RESOLVE_NO_SYMLINKS, RESOLVE_NO_XDEV

_RESOLVE = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_NONBLOCK
# Bytes of a path that one call takes (PATH_MAX is 4096), less a name's.
_LONGEST = 3800
# A directory went, or became something else, while it was looked for; or it is a mount point.
_NOT_OURS = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EXDEV})
# stat(2): st_blocks counts units of 512 bytes, whatever the file system's blocks are.
_UNIT = 512


class Usage(msgspec.Struct, frozen=True):
    """Bytes allocated and bytes by length, and of how many files (what is no directory).

    `real` has directories in it, `apparent` has not; a file with many links counts once. Not `complete` means
    that the look was stopped: then all three are what had been seen by then. `own` are those of `real` that no other
    file shares, where that was asked and could be told.
    """

    real: int
    apparent: int
    files: int
    complete: bool = True
    own: int | None = None


def of_image(fd: int, kernel: Kernel = LINUX) -> Usage:
    """Of an open file; raises OSError."""
    info = kernel.fstat(fd)
    return Usage(info.st_blocks * _UNIT, info.st_size, 1)


def of_still_image(fd: int, kernel: Kernel = LINUX) -> Usage:
    """The same with its `own` bytes, of one that nobody writes to: what was written is written out for it."""
    found, at, own = of_image(fd, kernel), 0, 0
    if not changed.shares(fd, kernel):
        return msgspec.structs.replace(found, own=found.real)
    while extents := kernel.extents(fd, at, changed.MOST):
        own += sum(each.length for each in extents if not each.shared)
        at = extents[-1].end
    return msgspec.structs.replace(found, own=min(own, found.real))


def of_tree(top: int, until: Callable[[], bool], kernel: Kernel = LINUX) -> Usage:
    """Of the tree at the open directory, looked at until `until()` is true; raises OSError."""
    count = _Count()
    todo = ["."]
    while todo:
        path = todo.pop()
        fd = _open(kernel, top, path)
        if fd is None:
            continue
        try:
            here = kernel.fstat(fd)
            count.directory(here)
            with kernel.scandir(fd) as entries:
                for entry in entries:
                    if until():
                        return count.so_far(complete=False)
                    if entry.is_dir(follow_symlinks=False):
                        todo.append(f"{path}/{entry.name}")
                    else:
                        count.file(_look(kernel, fd, here.st_dev, entry))
        finally:
            kernel.close(fd)
    return count.so_far(complete=True)


class _Count:
    """What was seen. Only files of many links are remembered."""

    def __init__(self) -> None:
        self._real = self._apparent = self._files = 0
        self._seen: set[tuple[int, int]] = set()

    def directory(self, info: os.stat_result) -> None:
        """Its own blocks."""
        self._real += info.st_blocks * _UNIT

    def file(self, info: os.stat_result | None) -> None:
        """Anything else, unless it went, or was counted by another name."""
        if info is None:
            return
        if info.st_nlink > 1:
            if (info.st_dev, info.st_ino) in self._seen:
                return
            self._seen.add((info.st_dev, info.st_ino))
        self._real += info.st_blocks * _UNIT
        self._apparent += info.st_size
        self._files += 1

    def so_far(self, *, complete: bool) -> Usage:
        """The sums."""
        return Usage(self._real, self._apparent, self._files, complete)


def _look(kernel: Kernel, fd: int, device: int, entry: Entry) -> os.stat_result | None:
    """What the entry is; None if it is a mount point, or went.

    The directory lists the inode that a mount hides, so one that is not the entry's own asks for a closer look
    (FUSE and overlays list what they like).
    """
    try:
        info = entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return None
    if (info.st_dev, info.st_ino) == (device, entry.inode()):
        return info
    found = _beneath(kernel, fd, entry.name, os.O_PATH | os.O_NOFOLLOW)
    if found is None:
        return None
    try:
        return kernel.fstat(found)
    finally:
        kernel.close(found)


def _open(kernel: Kernel, top: int, path: str) -> int | None:
    """Open a directory at any depth, a part of the path at a time; None if it is not there any more."""
    fd, left = kernel.dup(top), path.split("/")
    try:
        while True:
            part, left = _first(left)
            found = _beneath(kernel, fd, part, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW if left else _DIRECTORY)
            if found is None or not left:
                return found
            fd, old = found, fd
            kernel.close(old)
    finally:
        kernel.close(fd)


def _first(names: list[str]) -> tuple[str, list[str]]:
    """As many of the names as fit into one call, and the rest."""
    length = 0
    for number, name in enumerate(names):
        length += len(os.fsencode(name)) + 1
        if length > _LONGEST and number:
            return "/".join(names[:number]), names[number:]
    return "/".join(names), []


def _beneath(kernel: Kernel, fd: int, path: str, flags: int) -> int | None:
    try:
        return kernel.openat2(fd, path, flags, _RESOLVE)
    except OSError as error:
        if error.errno in _NOT_OURS:
            return None
        raise
