"""The kernel's mount table, the only truth about mounts (proc_pid_mountinfo(5))."""

import os
import re

import msgspec

_ESCAPE = re.compile(r"\\([0-7]{3})")


class Mount(msgspec.Struct, frozen=True):
    """One line. `root` is the path within the file system that is mounted at `path`; `parent` the mount it is on."""

    id: int
    device: tuple[int, int]
    root: str
    path: str
    read_only: bool
    fs: str
    source: str
    parent: int = 0


def _plain(text: str) -> str:
    return _ESCAPE.sub(lambda match: chr(int(match[1], 8)), text).encode("latin-1").decode("utf-8", "surrogateescape")


def parse(text: str) -> list[Mount]:
    """All mounts, in the order in which they were made."""
    found = []
    for line in filter(None, text.split("\n")):  # `splitlines` would split at bytes of names, too
        fields = line.split(" ")
        dash = fields.index("-", 6)
        major, minor = fields[2].split(":")
        found.append(
            Mount(
                id=int(fields[0]), device=(int(major), int(minor)), root=_plain(fields[3]), path=_plain(fields[4]),
                read_only="ro" in fields[5].split(","), fs=fields[dash + 1], source=_plain(fields[dash + 2]),
                parent=int(fields[1]),
            )
        )  # fmt: skip
    return found


def read() -> list[Mount]:
    """The table of this process's mount namespace."""
    with open("/proc/self/mountinfo", "rb") as file:
        return parse(file.read().decode("latin-1"))


def top_at(path: str, table: list[Mount] | None = None) -> Mount | None:
    """The mount that is seen at exactly `path`, or None.

    The table's order does not tell: since Linux 6.8 it is that of making, and a mount is moved into place later.
    Who lies on whom does.
    """
    mounts = read() if table is None else table
    at = [mount for mount in mounts if mount.path == path and not _hidden(mount, mounts)]
    return at[-1] if at else None


def _hidden(mount: Mount, table: list[Mount]) -> bool:
    """Whether another mount lies on it, or on the way to it."""
    by_id = {each.id: each for each in table}
    seen = set()
    now: Mount | None = mount
    came_from = mount.id
    while now is not None and now.id not in seen:
        seen.add(now.id)
        covers = (other for other in table if other.parent == now.id and other.path == now.path)
        if any(other.id not in (now.id, came_from) for other in covers):
            return True
        if any(
            other.parent == now.parent and other.id != now.id and now.path.startswith(other.path.rstrip("/") + "/")
            for other in table
        ):
            return True
        came_from, now = now.id, by_id.get(now.parent)
    return False


def below(path: str, table: list[Mount] | None = None) -> list[Mount]:
    """Mounts at or below `path`."""
    prefix = path.rstrip("/") + "/"
    mounts = read() if table is None else table
    return [mount for mount in mounts if mount.path == path or mount.path.startswith(prefix)]


def is_under(path: str, parent: str) -> bool:
    """Whether `path` is `parent` or below it; both are canonical."""
    return path == parent or path.startswith(parent.rstrip("/") + "/")


def location(fd: int) -> str:
    """The path by which an open descriptor is reached now."""
    return os.readlink(f"/proc/self/fd/{fd}")
