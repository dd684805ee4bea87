"""`holdfast rm`."""

import errno
import os
import stat
from typing import Annotated

from cyclopts import Parameter

from holdfast.cli import output, screen, words
from holdfast.cli.common import Yes, confirm
from holdfast.cli.screen import Line
from holdfast.model.errors import Refused
from holdfast.model.sizes import format_size

# So many entries of a directory are named, the others counted.
_MOST = 5


def run(path: Annotated[str, Parameter(metavar="PATH")], /, *, yes: Yes = False) -> None:
    """Remove a file or tree, never through a mount or a symlink. Needs no daemon.

    A pool is refused, and a directory with a pool up to three levels below it.

    Example: holdfast rm /srv/old

    Parameters
    ----------
    path
        What to remove.
    """
    from holdfast.host.mounttable import location
    from holdfast.host.trees import parent_of, remove_at
    from holdfast.runtime.threads import ThreadRuntime

    with parent_of(path) as (parent, name):
        where = os.path.join(location(parent), name)
        _refuse_pools(parent, name, where)
        confirm(f"remove {where} and all below it", yes, lambda: _touched(where))
        print(f"{remove_at(ThreadRuntime(), parent, name)} entries removed")


def _refuse_pools(parent: int, name: str, where: str, below: int = 3) -> None:
    """Raise Refused for a pool's mark in that directory, or so many levels below; Again where nobody can tell."""
    from holdfast.drivers.dir.marks import POOL_MARK
    from holdfast.model.errors import Again

    try:
        fd = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
    except OSError as error:
        if error.errno in (errno.ENOTDIR, errno.ELOOP, errno.ENOENT):
            return  # no directory holds no pool
        raise Again(f"{where} cannot be opened: {error.strerror}", "Nothing was removed.") from error
    try:
        with os.scandir(fd) as entries:
            found = {entry.name: entry.is_dir(follow_symlinks=False) for entry in entries}
        if POOL_MARK in found:
            raise Refused(f"{where} is a pool.", "Delete its volumes and the pool: holdfast pool delete NAME.")
        for each in (each for each, is_directory in found.items() if is_directory and below):
            _refuse_pools(fd, each, f"{where}/{each}", below - 1)
    except OSError as error:
        raise Again(f"{where} cannot be read: {error.strerror}", "Nothing was removed.") from error
    finally:
        os.close(fd)


def _touched(path: str) -> list[Line]:
    """What is there at the first look; nothing is followed."""
    try:
        info = os.lstat(path)
        names = sorted(os.listdir(path)) if stat.S_ISDIR(info.st_mode) else []
    except OSError as error:
        return [(f"it cannot be looked at: {error.strerror}",)]
    more = f" and {len(names) - _MOST} more" if len(names) > _MOST else ""
    fields = [
        ("is", [_kind(info)]), ("contains", [", ".join(names[:_MOST]) + more]),
        ("changed", [words.ago(info.st_mtime)]),
    ]  # fmt: skip
    return list(output.page(screen.out(), fields))


def _kind(info: os.stat_result) -> str:
    if stat.S_ISDIR(info.st_mode):
        return "a directory"
    if stat.S_ISLNK(info.st_mode):
        return "a symlink; what it points to stays"
    return f"a file of {format_size(info.st_size)}" if stat.S_ISREG(info.st_mode) else "a special file"
