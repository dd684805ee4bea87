"""`holdfast rm`."""

import errno
import os
import stat
from typing import Annotated

from cyclopts import Parameter

from holdfast.cli import output, screen, words
from holdfast.cli.common import Yes, confirm
from holdfast.cli.screen import Line
from holdfast.model.errors import InUse, Refused
from holdfast.model.sizes import format_size

# So many entries of a directory are named, the others counted.
_MOST = 5


def run(path: Annotated[str, Parameter(metavar="PATH")], /, *, yes: Yes = False) -> None:
    """Remove a file or tree, never through a mount or a symlink. Needs no daemon.

    A pool is refused, a directory with a pool up to three levels below it, and a volume that is recorded by the daemon
    that runs here, mounted, or attached.

    Example: holdfast rm /srv/old

    Parameters
    ----------
    path
        What to remove.
    """
    from holdfast.host.linux import LINUX
    from holdfast.host.trees import parent_of, remove_at
    from holdfast.runtime.threads import ThreadRuntime

    with parent_of(path) as (parent, name):
        where = os.path.join(LINUX.location(parent), name)
        _refuse_pools(parent, name, where)
        _refuse_volumes(parent, name, where)
        confirm(f"remove {where} and all below it", yes, lambda: _touched(where))
        removed = remove_at(ThreadRuntime(), parent, name)
        print(f"{removed} {'entry' if removed == 1 else 'entries'} removed")


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


def _refuse_volumes(parent: int, name: str, where: str) -> None:
    """Raise Refused or InUse inside of a pool for what is of more than one volume, or of one that is not given up."""
    from holdfast.drivers.dir.looking import Looking
    from holdfast.drivers.dir.marks import POOL_MARK, VOLUMES
    from holdfast.drivers.dir.root import Root
    from holdfast.host.files import Files
    from holdfast.runtime.threads import ThreadRuntime

    parts = where.strip("/").split("/")
    pools = [at for at in range(1, len(parts)) if os.path.lexists("/" + "/".join([*parts[:at], POOL_MARK]))]
    if not pools or parts[pools[-1]] != VOLUMES:
        return
    pool, inside = "/" + "/".join(parts[: pools[-1]]), parts[pools[-1] + 1 :]
    if not inside:
        raise Refused(
            f"{where} holds the volumes of the pool {pool}.", "Delete them: holdfast volume delete POOL/NAME."
        )
    uid = inside[0]
    if recorded := _recorded(uid):
        raise Refused(f"{where} is of the volume {recorded}.", f"Delete it: holdfast volume delete {recorded}")
    files = Files(ThreadRuntime())
    depth = len(inside) - 1  # `parent` is the volume's own directory, or above or below it
    above = "/".join([".."] * (depth - 1)) if depth > 1 else "."
    try:
        fd = os.open(name if depth == 0 else above, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=parent)
    except NotADirectoryError:
        return  # no volume
    try:
        users = Looking(files, Root(files)).users(fd)
    finally:
        os.close(fd)
    if users:
        raise InUse(f"{where} is of a volume in use: {users}.", "Unmount it first.")


def _recorded(uid: str) -> str:
    """POOL/NAME of the volume as the daemon that runs here knows it; empty without one, or without a daemon."""
    from holdfast.client import Client
    from holdfast.model.errors import Unavailable

    try:
        with Client() as client:
            for pool in client.pools():
                for volume in client.volumes(pool.name):
                    if volume.uid == uid:
                        return f"{pool.name}/{volume.name}"
    except Unavailable:
        return ""
    return ""


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
