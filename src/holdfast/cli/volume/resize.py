"""`holdfast volume resize`."""

from typing import Annotated

from cyclopts import Parameter

from holdfast.cli.changing import Change
from holdfast.cli.common import Address, Form, VolumeName, Wait
from holdfast.model.names import split_volume


def run(
    name: VolumeName,
    size: Annotated[str, Parameter(metavar="SIZE")],
    /,
    *,
    wait: Wait = True,
    form: Form = "table",
    address: Address = "",
) -> None:
    """Let a volume grow, mounted or not, with the file system in it. Only a directory can shrink.

    Example: holdfast volume resize array/db 40GiB

    Parameters
    ----------
    size
        How large it shall be, as in 40GiB.
    """
    pool, volume = split_volume(name)
    change = Change(address, form, wait)
    change.end(change.client.resize_volume(pool, volume, size, change.seconds))
