"""Sparse files: where they have data, and copies that keep their holes."""

import os
import shutil
from collections.abc import Collection, Iterator


def extents(fd: int) -> Iterator[tuple[int, int]]:
    """Start and end of each part of an open file that is no hole (lseek(2): SEEK_DATA, SEEK_HOLE)."""
    end, size = 0, os.fstat(fd).st_size
    while end < size:
        try:
            start = os.lseek(fd, end, os.SEEK_DATA)
        except OSError:  # ENXIO: only a hole is left
            return
        end = os.lseek(fd, start, os.SEEK_HOLE)
        yield start, end


def data(path: str) -> list[tuple[int, bytes]]:
    """What a file holds, hole or not being part of it."""
    with open(path, "rb", buffering=0) as file:
        return [(start, os.pread(file.fileno(), end - start, start)) for start, end in extents(file.fileno())]


def copy_file(source: str, target: str) -> None:
    """Copy a file and its mode."""
    with open(source, "rb", buffering=0) as old, open(target, "xb", buffering=0) as new:
        info = os.fstat(old.fileno())
        os.fchmod(new.fileno(), info.st_mode & 0o7777)
        os.ftruncate(new.fileno(), info.st_size)
        for start, end in extents(old.fileno()):
            at = start
            while at < end:
                at += os.pwrite(new.fileno(), os.pread(old.fileno(), min(end - at, 1 << 20), at), at)


def copy_tree(source: str, target: str) -> None:
    """Copy what is in a directory into another, which is made if it is not there."""
    os.makedirs(target, exist_ok=True)
    with os.scandir(source) as entries:
        for entry in entries:
            to = os.path.join(target, entry.name)
            if entry.is_symlink():
                os.symlink(os.readlink(entry.path), to)
            elif entry.is_dir():
                copy_tree(entry.path, to)
                shutil.copymode(entry.path, to)
            else:
                copy_file(entry.path, to)


def empty(directory: str, keep: Collection[str] = ()) -> None:
    """Remove all that is in a directory, except for some names."""
    with os.scandir(directory) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False) and entry.name not in keep:
                shutil.rmtree(entry.path)
            elif entry.name not in keep:
                os.unlink(entry.path)
