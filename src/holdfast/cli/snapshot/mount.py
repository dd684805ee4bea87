"""`holdfast snapshot mount`."""

import os
from typing import Annotated

from cyclopts import Parameter

from holdfast.cli.changing import Change
from holdfast.cli.common import Address, Form, SnapshotName, Wait
from holdfast.model.names import split_snapshot


def run(
    name: SnapshotName,
    path: Annotated[str, Parameter(metavar="PATH")],
    /,
    *,
    wait: Wait = True,
    form: Form = "table",
    address: Address = "",
) -> None:
    """Mount a snapshot at a path, read-only. It comes back there after a reboot; `volume unmount` unmounts it.

    Example: holdfast snapshot mount fast/db@monday /mnt/monday

    Parameters
    ----------
    path
        An empty directory; for a block volume's snapshot an empty file, which becomes the device.
    """
    pool, volume, snapshot = split_snapshot(name)
    change = Change(address, form, wait)
    change.end(change.client.mount_snapshot(pool, volume, snapshot, os.path.abspath(path), change.seconds))
