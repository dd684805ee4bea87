"""Looks at the world that go past Holdfast: the kernel's own tables, files read directly, a copy of the database."""

import contextlib
import hashlib
import os
import re
import shutil
import tempfile

import apsw

from holdfast.drills.messages import CHILDREN, STATE

# Blanks and backslashes are written so there: proc_pid_mountinfo(5).
_OCTAL = re.compile(r"\\([0-7]{3})")
# A file and its log, which a daemon that runs, or was killed, has beside it.
_DATABASE = ("holdfast.db", "holdfast.db-wal")
# The magic of ext2, ext3 and ext4 (kernel's ext4/super.rst).
_EXT4_MAGIC = (0x438, b"\x53\xef")


def mounts(directory: str) -> list[str]:
    """Mount points below a directory, the newest first."""
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as table:
        points = [_OCTAL.sub(lambda found: chr(int(found[1], 8)), line.split()[4]) for line in table]
    return [point for point in reversed(points) if point.startswith(f"{directory}/")]


def loops(directory: str, before: frozenset[str]) -> list[tuple[str, str]]:
    """Nodes and files of the loop devices whose file lies, or lay, below a directory; not below the names of before."""
    found = []
    for name in sorted(os.listdir("/sys/block")):
        with contextlib.suppress(OSError), open(f"/sys/block/{name}/loop/backing_file", encoding="utf-8") as file:
            path = file.read().rstrip("\n")
            top, below, rest = path.partition(f"{directory}/")
            if below and not top and rest.split("/")[0] not in before:
                found.append((f"/dev/{name}", path))
    return found


def checksum(path: str) -> str:
    """SHA-256 of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def is_ext4(path: str) -> bool:
    """Whether an image bears that magic."""
    at, magic = _EXT4_MAGIC
    with open(path, "rb") as file:
        file.seek(at)
        return file.read(len(magic)) == magic


def names(directory: str) -> frozenset[str]:
    """The names in a directory; none in what is no directory."""
    return frozenset(os.listdir(directory) if os.path.isdir(directory) else ())


def added(directory: str, before: frozenset[str]) -> list[str]:
    """Every path below a directory, but for the names that were there before and what is below them."""
    found = []
    for name in sorted(names(directory) - before):
        top = os.path.join(directory, name)
        found.append(top)
        for where, directories, files in os.walk(top):
            found.extend(os.path.join(where, each) for each in sorted((*directories, *files)))
    return found


def children(directory: str, work: str) -> list[str]:
    """What each child of that work worked on, by path, in order."""
    try:
        with open(os.path.join(directory, CHILDREN), encoding="utf-8") as file:
            told = [line.rstrip("\n").partition(" ") for line in file]
    except FileNotFoundError:
        return []
    return [on for name, _, on in told if name == work]


def rows(directory: str) -> tuple[dict[str, int], int]:
    """How many resources of each kind are recorded, and how many claims: from a copy of the database."""
    with tempfile.TemporaryDirectory(dir=directory) as scratch:
        while _copied(os.path.join(directory, STATE), scratch) != _written(os.path.join(directory, STATE)):
            pass  # it was written to meanwhile
        database = apsw.Connection(os.path.join(scratch, _DATABASE[0]))
        try:
            kinds = dict(database.execute("SELECT kind, COUNT(*) FROM resources GROUP BY kind"))
            [(claims,)] = database.execute("SELECT COUNT(*) FROM claims")
        finally:
            database.close()
    return kinds, claims


def _copied(state: str, to: str) -> list[tuple[int, int]]:
    found = _written(state)
    for name in _DATABASE:
        shutil.copy(os.path.join(state, name), to)
    return found


def _written(state: str) -> list[tuple[int, int]]:
    """By size and time of the last write."""
    infos = [os.stat(os.path.join(state, name)) for name in _DATABASE]
    return [(info.st_size, info.st_mtime_ns) for info in infos]
