"""A program: copy all that is in one open directory into another, `python treecopy.py SOURCE TARGET` by descriptor.

It is its own process, so that it can be killed; it imports nothing of ours, so that it needs no path. Whoever may
change the source meanwhile leads it nowhere: no name is followed that is a symlink, each is opened below its directory.
What vanishes meanwhile is left out. Everything that a file has is copied: owner, mode, times, extended attributes and
with them ACLs, hard links, holes as holes; blocks are shared where the file system can (ioctl_ficlone(2)).

A copy that was cut off is gone on with: a file has no mode, which is 0, until its bytes are durable; one that has the
source's mode, size and time of change is whole. What else is there is made anew, and what the source has not goes.
"""

import errno
import fcntl
import os
import stat
import sys

_FICLONE = 0x40049409
_NOT_SHARED = frozenset({errno.EOPNOTSUPP, errno.EXDEV, errno.ENOTTY, errno.EINVAL})
_NO_ATTRIBUTES = frozenset({errno.EOPNOTSUPP, errno.ENODATA})
_PIECE = 16 << 20
# So much is made durable at a time: bytes, and files.
_BATCH, _MANY = 1 << 30, 10_000
# Extended attributes.
_Notes = list[tuple[str, bytes]]
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Copy:
    """`links` are the files with more than one name, and where the first of them went."""

    def __init__(self, top: int) -> None:
        self._top = top
        self._links: dict[tuple[int, int], str] = {}
        self._late: list[tuple[str, os.stat_result, _Notes]] = []
        self._bytes = 0

    def all_of(self, source: int) -> None:
        """What is in the open directory, durably but for names, and times of directories."""
        self.directory(source, self._top, "")
        self._settle()

    def _settle(self) -> None:
        """What was copied since the last time is durable, and then says that it is whole."""
        if self._late:
            _sync(self._top)
        for path, info, notes in self._late:
            _attributes(path, self._top, info, notes)
        self._late, self._bytes = [], 0

    def directory(self, source: int, target: int, path: str) -> None:
        """What is in the open directory, then what it has itself."""
        left = set(os.listdir(target))
        for name in os.listdir(source):
            try:
                info = os.stat(name, dir_fd=source, follow_symlinks=False)
                self._entry(source, target, name, f"{path}{name}", info)
                left.discard(name)
            except FileNotFoundError:
                continue
        for name in left:
            _remove(name, target)
        _attributes(".", target, os.fstat(source), _notes(source))

    def _entry(self, source: int, target: int, name: str, path: str, info: os.stat_result) -> None:
        if stat.S_ISDIR(info.st_mode):
            inner = os.open(name, _DIRECTORY, dir_fd=source)
            try:
                _make_directory(name, target)
                made = os.open(name, _DIRECTORY, dir_fd=target)
                try:
                    self.directory(inner, made, f"{path}/")
                finally:
                    os.close(made)
            finally:
                os.close(inner)
            return
        first = self._links.get((info.st_dev, info.st_ino)) if info.st_nlink > 1 else None
        if first is not None:
            _remove(name, target)
            os.link(first, name, src_dir_fd=self._top, dst_dir_fd=target, follow_symlinks=False)
            return
        if stat.S_ISREG(info.st_mode):
            self._regular(source, target, name, path)
        elif stat.S_ISLNK(info.st_mode):
            _remove(name, target)
            os.symlink(os.readlink(name, dir_fd=source), name, dir_fd=target)
            _named(source, target, name, info)
        else:
            _remove(name, target)
            os.mknod(name, info.st_mode, info.st_rdev, dir_fd=target)
            os.chmod(name, stat.S_IMODE(info.st_mode), dir_fd=target)
            _named(source, target, name, info)
        if info.st_nlink > 1:
            self._links[info.st_dev, info.st_ino] = path

    def _regular(self, source: int, target: int, name: str, path: str) -> None:
        copied = _file(source, target, name)
        if copied is not None:
            self._late.append((path, *copied))
            self._bytes += copied[0].st_size
            if self._bytes >= _BATCH or len(self._late) >= _MANY:
                self._settle()


def _is_whole(name: str, target: int, info: os.stat_result) -> bool:
    """Whether an earlier try copied it."""
    try:
        there = os.stat(name, dir_fd=target, follow_symlinks=False)
    except FileNotFoundError:
        return False
    if not stat.S_IMODE(there.st_mode):
        return False
    return (there.st_mode, there.st_size, there.st_mtime_ns) == (info.st_mode, info.st_size, info.st_mtime_ns)


def _remove(name: str, target: int) -> None:
    """What an earlier try left there, if it did."""
    try:
        os.unlink(name, dir_fd=target)
    except FileNotFoundError:
        return
    except IsADirectoryError:
        inner = os.open(name, _DIRECTORY, dir_fd=target)
        try:
            for each in os.listdir(inner):
                _remove(each, inner)
        finally:
            os.close(inner)
        os.rmdir(name, dir_fd=target)


def _make_directory(name: str, target: int) -> None:
    try:
        os.mkdir(name, 0o700, dir_fd=target)
    except FileExistsError:
        if not stat.S_ISDIR(os.stat(name, dir_fd=target, follow_symlinks=False).st_mode):
            os.unlink(name, dir_fd=target)
            os.mkdir(name, 0o700, dir_fd=target)


def _file(source: int, target: int, name: str) -> tuple[os.stat_result, _Notes] | None:
    """What the file was, if its bytes were copied now."""
    old = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=source)
    try:
        info = os.fstat(old)
        if not stat.S_ISREG(info.st_mode):
            return None  # it is another by now
        if _is_whole(name, target, info):
            return None
        _remove(name, target)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        new = os.open(name, flags, 0, dir_fd=target)
        try:
            _content(old, new, info.st_size)
        finally:
            os.close(new)
        return info, _notes(old)
    finally:
        os.close(old)


def _sync(fd: int) -> None:
    """syncfs(2)."""
    import ctypes  # a tree without files needs none

    if ctypes.CDLL(None, use_errno=True).syncfs(fd):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _content(old: int, new: int, size: int) -> None:
    try:
        fcntl.ioctl(new, _FICLONE, old)
        return
    except OSError as error:
        if error.errno not in _NOT_SHARED:
            raise
    os.ftruncate(new, size)
    at = 0
    while at < size:
        try:
            at = os.lseek(old, at, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:
                return
            raise
        end = min(os.lseek(old, at, os.SEEK_HOLE), size)
        while at < end:
            got = _copied(old, new, min(_PIECE, end - at), at)
            if not got:
                return  # it was cut off meanwhile
            at += got


def _copied(old: int, new: int, length: int, at: int) -> int:
    """copy_file_range(2), which refuses two file systems; sendfile(2) does not."""
    try:
        return os.copy_file_range(old, new, length, at, at)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
    os.lseek(new, at, os.SEEK_SET)
    return os.sendfile(new, old, at, length)


def _attributes(path: str, directory: int, info: os.stat_result, notes: _Notes) -> None:
    """The owner first, which takes bits of the mode away; an access list changes the mode, and may be inherited."""
    os.chown(path, info.st_uid, info.st_gid, dir_fd=directory)
    there = f"/proc/self/fd/{directory}/{path}"
    for name in {name for name in _listed(there) if name.startswith("system.posix_acl_")} - {name for name, _ in notes}:
        os.removexattr(there, name)
    for name, value in notes:
        os.setxattr(there, name, value)
    os.chmod(path, stat.S_IMODE(info.st_mode), dir_fd=directory)
    _set_times(path, info, directory)


def _notes(what: int) -> _Notes:
    return [(name, os.getxattr(what, name)) for name in _listed(what)]


def _set_times(path: str, info: os.stat_result, directory: int) -> None:
    os.utime(path, ns=(info.st_atime_ns, info.st_mtime_ns), dir_fd=directory, follow_symlinks=False)


def _named(source: int, target: int, name: str, info: os.stat_result) -> None:
    """The same of what cannot be opened."""
    os.chown(name, info.st_uid, info.st_gid, dir_fd=target, follow_symlinks=False)
    old, new = (f"/proc/self/fd/{fd}/{name}" for fd in (source, target))
    for attribute in _listed(old):
        value = os.getxattr(old, attribute, follow_symlinks=False)
        os.setxattr(new, attribute, value, follow_symlinks=False)
    _set_times(name, info, target)


def _listed(what: int | str) -> list[str]:
    try:
        return os.listxattr(what, follow_symlinks=isinstance(what, int))
    except OSError as error:
        if error.errno in _NO_ATTRIBUTES:
            return []
        raise


def main(source: str, target: str) -> int:
    """Exit status 1, and what hindered it, on standard error."""
    try:
        old = os.open(f"/proc/self/fd/{source}/.", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        Copy(int(target)).all_of(old)
    except OSError as error:
        sys.stderr.write(f"{error.filename or 'the tree'}: {error.strerror}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
