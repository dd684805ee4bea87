"""`holdfast snapshot rename`."""

from typing import Annotated

from cyclopts import Parameter

from holdfast.cli.changing import Change
from holdfast.cli.common import Address, Form, SnapshotName, Wait
from holdfast.model.names import split_snapshot


def run(
    name: SnapshotName,
    new_name: Annotated[str, Parameter(metavar="NEWNAME")],
    /,
    *,
    wait: Wait = True,
    form: Form = "table",
    address: Address = "",
) -> None:
    """Rename a snapshot.

    Example: holdfast snapshot rename fast/db@monday before-upgrade

    Parameters
    ----------
    new_name
        The new name, without the volume.
    """
    pool, volume, snapshot = split_snapshot(name)
    change = Change(address, form, wait)
    change.end(change.client.change_snapshot(pool, volume, snapshot, {"name": new_name}, change.seconds))
