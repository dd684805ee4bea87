"""`holdfast volume rename`."""

from typing import Annotated

from cyclopts import Parameter

from holdfast.cli.changing import Change
from holdfast.cli.common import Address, Form, VolumeName, Wait
from holdfast.model.names import split_volume


def run(
    name: VolumeName,
    new_name: Annotated[str, Parameter(metavar="NEWNAME")],
    /,
    *,
    wait: Wait = True,
    form: Form = "table",
    address: Address = "",
) -> None:
    """Rename a volume within its pool, mounted or not; its data and mounts do not move.

    Example: holdfast volume rename fast/db orders

    Parameters
    ----------
    new_name
        The new name, without the pool.
    """
    pool, volume = split_volume(name)
    change = Change(address, form, wait)
    change.end(change.client.rename_volume(pool, volume, new_name, change.seconds))
