"""`holdfast volume mount`."""

import os
from typing import Annotated

from cyclopts import Parameter

from holdfast.cli.changing import Change
from holdfast.cli.common import Address, Form, VolumeName, Wait
from holdfast.model.names import split_volume


def run(
    name: VolumeName,
    path: Annotated[str, Parameter(metavar="PATH")],
    /,
    *,
    read_only: Annotated[bool, Parameter(negative=())] = False,
    wait: Wait = True,
    form: Form = "table",
    address: Address = "",
) -> None:
    """Mount a volume at a path; it comes back there after a reboot.

    Example: holdfast volume mount fast/db /mnt/db
    Example: holdfast volume mount fast/site /srv/www --read-only

    Parameters
    ----------
    path
        An empty directory; for a block volume an empty file, which becomes the device.
    read_only
        Forbid writing through this mount.
    """
    pool, volume = split_volume(name)
    change = Change(address, form, wait)
    where = os.path.abspath(path)
    change.end(change.client.mount(pool, volume, where, read_only=read_only, wait=change.seconds))
