"""`holdfast rm`."""

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

    Example: holdfast rm /srv/old

    Parameters
    ----------
    path
        What to remove.
    """
    from holdfast.drivers.dir.marks import POOL_MARK
    from holdfast.host.trees import remove
    from holdfast.runtime.threads import ThreadRuntime

    if os.path.lexists(os.path.join(path, POOL_MARK)):
        raise Refused(f"{path} is a pool.", "Delete its volumes and the pool: holdfast pool delete NAME.")
    where = os.path.abspath(path)
    confirm(f"remove {where} and all below it", yes, lambda: _touched(where))
    print(f"{remove(ThreadRuntime(), path)} entries removed")


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
