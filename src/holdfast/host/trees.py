"""Removing a tree so that nothing behind a mount can be reached, whatever happens meanwhile.

Every directory is opened relative to its parent by openat2 with RESOLVE_NO_XDEV and RESOLVE_NO_SYMLINKS: the
kernel itself refuses, in the same call that opens, a mount point (a bind mount of the same file system
included) and a symlink. So a mount that appears during the walk is not entered either. Its file or directory
cannot be unlinked while mounted (EBUSY). Before anything is removed, the mount table is asked too.
"""

import contextlib
import errno
import os
import stat
from collections.abc import Callable, Iterator

from holdfast.host import mounttable
from holdfast.host.kernel import Kernel
from holdfast.host.linux import LINUX
from holdfast.host.syscalls import RESOLVE_BENEATH, RESOLVE_NO_SYMLINKS, RESOLVE_NO_XDEV
from holdfast.model.errors import Again, InUse, NotFound, Refused, from_os_error
from holdfast.runtime.api import Runtime

_RESOLVE = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_NONBLOCK
# Open descriptors a walk may hold; a deeper directory is first moved up to the top of the tree.
_DEEPEST = 64
_ROUNDS = 16


class Removal:
    """Removes one entry of a directory. `spent()` tells when to give the thread back."""

    def __init__(self, runtime: Runtime, spent: Callable[[], bool], kernel: Kernel = LINUX) -> None:
        self._runtime = runtime
        self._kernel = kernel
        self._spent = spent
        self._lifted = 0
        self.removed = 0

    def run(self, parent: int, name: str) -> bool:
        """Remove `name` below the open directory `parent`; False if `spent` stopped it half-way.

        Raises InUse before anything is removed if a mount lies at or below it, Refused if an entry cannot
        be removed, Again if others add entries all the time. Nothing to do if it is absent.
        """
        try:
            info = self._kernel.stat(name, dir_fd=parent, follow_symlinks=False)
        except FileNotFoundError:
            return True
        if not stat.S_ISDIR(info.st_mode):
            self._check_mounts(os.path.join(self._kernel.location(parent), name))
            self._unlink(parent, name)
            return True
        top = self._open(parent, name)
        try:
            if self._kernel.statx(top).mount != self._kernel.statx(parent).mount:
                raise InUse(f"{name} is a mount point.", "Unmount it first.")
            self._check_mounts(self._kernel.location(top))
            if not self._empty(top, top, 0):
                return False
            self._rmdir(parent, name)
            return True
        finally:
            self._kernel.close(top)

    def _check_mounts(self, path: str) -> None:
        mounts = mounttable.below(path, kernel=self._kernel)
        if mounts:
            raise InUse(
                f"{mounts[0].path} is a mount ({mounts[0].fs}, {len(mounts)} in all below {path}).",
                "Unmount it first; nothing was removed.",
            )

    def _open(self, parent: int, name: str) -> int:
        try:
            return self._kernel.openat2(parent, name, _DIRECTORY, _RESOLVE)
        except OSError as error:
            if error.errno == errno.EXDEV:
                raise InUse(f"{name} is a mount point.", "Unmount it first.") from error
            if error.errno in (errno.ELOOP, errno.ENOTDIR):
                raise Again(f"{name} stopped being a directory during the removal.") from error
            raise

    def _empty(self, top: int, fd: int, depth: int) -> bool:
        rounds = 0
        while rounds < _ROUNDS:
            lifted = self._lifted
            self._kernel.lseek(
                fd, 0, os.SEEK_SET
            )  # btrfs lists what was there when the directory was opened or rewound
            with self._kernel.scandir(fd) as found:
                entries = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in found]
            if not entries:
                return True
            for name, is_directory in entries:
                if self._spent():
                    return False
                if not is_directory:
                    self._unlink(fd, name)
                elif not self._directory(top, fd, name, depth):
                    return False
            if lifted == self._lifted:  # else the new entries are our own
                rounds += 1
        raise Again("Entries are added as fast as they are removed.", "Stop what writes there.")

    def _directory(self, top: int, fd: int, name: str, depth: int) -> bool:
        if depth >= _DEEPEST:
            self._guarded(fd, name, lambda: self._lift(top, fd, name))
            self._lifted += 1
            return True
        try:
            child = self._open(fd, name)
        except FileNotFoundError:
            return True
        try:
            if not self._empty(top, child, depth + 1):
                return False
        finally:
            self._kernel.close(child)
        self._rmdir(fd, name)
        return True

    def _lift(self, top: int, fd: int, name: str) -> None:
        """Move a deep directory up, under a name that no other of the tree can have taken in an earlier round."""
        info = self._kernel.stat(name, dir_fd=fd, follow_symlinks=False)
        self._kernel.rename(name, f".holdfast-deep-{info.st_dev}-{info.st_ino}", src_dir_fd=fd, dst_dir_fd=top)

    def _rmdir(self, fd: int, name: str) -> None:
        self._remove(fd, name, lambda: self._kernel.rmdir(name, dir_fd=fd))

    def _unlink(self, fd: int, name: str) -> None:
        self._remove(fd, name, lambda: self._kernel.unlink(name, dir_fd=fd))

    def _remove(self, fd: int, name: str, call: Callable[[], None]) -> None:
        if self.removed:
            self.removed += self._guarded(fd, name, call)
        else:  # the first removal of a walk is a failpoint; the rest are more of the same
            self.removed += self._guarded(fd, name, lambda: self._runtime.effect("tree.remove", call))

    def _guarded(self, fd: int, name: str, call: Callable[[], None]) -> bool:
        """Call; False if there was nothing any more."""
        try:
            call()
            return True
        except FileNotFoundError:
            return False
        except OSError as error:
            where = _where(self._kernel, fd, name)
            if error.errno == errno.EBUSY:
                raise InUse(f"{where} is a mount point.", "Unmount it first.") from error
            if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
                raise Again(f"{where} was filled again during the removal.") from error
            if error.errno in (errno.EISDIR, errno.ENOTDIR):
                raise Again(f"{where} became something else during the removal.") from error
            if error.errno in (errno.EPERM, errno.EACCES, errno.EROFS):
                raise Refused(
                    f"{where} cannot be removed: {error.strerror}.", "Is it immutable (lsattr) or the disk read-only?"
                ) from error
            raise


def _where(kernel: Kernel, fd: int, name: str) -> str:
    """For people only, and only after an error: a path over 4095 bytes cannot be told (ENAMETOOLONG)."""
    try:
        return f"{kernel.location(fd)}/{name}"
    except OSError:
        return f"…/{name}"


@contextlib.contextmanager
def parent_of(path: str) -> Iterator[tuple[int, str]]:
    """The open directory that `path` is in, and its name there; raise NotFound, Refused or Again.

    As the kernel resolves them: `..` after a symlink is not what the text says.
    """
    above, name = os.path.split(path.rstrip("/"))
    if name in ("", ".", ".."):
        raise Refused(f"{path or 'An empty path'} does not end in a name.", "Say what is to be removed by its name.")
    try:
        fd = os.open(above or "/" * path.startswith("/") or ".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        raise NotFound(f"{above} does not exist.") from None
    except OSError as error:
        raise from_os_error(error, above) from error
    try:
        yield fd, name
    finally:
        os.close(fd)


def remove_at(runtime: Runtime, parent: int, name: str) -> int:
    """Mount-safe `rm -r` of an entry of an open directory; the number of entries removed. Raises as `remove`."""
    try:
        os.stat(name, dir_fd=parent, follow_symlinks=False)
    except FileNotFoundError:
        raise NotFound(f"{_where(LINUX, parent, name)} does not exist.") from None
    removal = Removal(runtime, lambda: False)
    removal.run(parent, name)
    return removal.removed


def remove(runtime: Runtime, path: str) -> int:
    """Mount-safe `rm -r` of a path; the number of entries removed. Raises NotFound, InUse, Refused, Again."""
    with parent_of(path) as (parent, name):
        return remove_at(runtime, parent, name)
