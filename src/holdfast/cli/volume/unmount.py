"""`holdfast volume unmount`."""

import os
from typing import Annotated

from cyclopts import Parameter

from holdfast.cli import completing
from holdfast.cli.changing import Change
from holdfast.cli.common import Address, Form, Wait
from holdfast.model.errors import NotFound


def run(
    path: Annotated[str, Parameter(metavar="PATH", completer=completing.mounts)],
    /,
    *,
    wait: Wait = True,
    form: Form = "table",
    address: Address = "",
) -> None:
    """Unmount the volume at a path. Never lazily: while files are open there it is refused.

    Example: holdfast volume unmount /mnt/db

    Parameters
    ----------
    path
        Where it is mounted.
    """
    change = Change(address, form, wait)
    real = os.path.realpath(path)
    found = change.client.mounts(real)
    if not found:
        raise NotFound(f"No volume is mounted at {real}.", "`holdfast volume list` shows where volumes are.")
    change.end(change.client.unmount(found[0], change.seconds))
