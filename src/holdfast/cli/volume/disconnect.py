"""`holdfast volume disconnect`."""

from typing import Annotated

from cyclopts import Parameter

from holdfast.cli.changing import Change
from holdfast.cli.common import Address, Form, VolumeName, Wait, Yes, confirm
from holdfast.model.names import split_volume


def run(
    name: VolumeName,
    host: Annotated[str, Parameter(metavar="HOST")],
    /,
    *,
    yes: Yes = False,
    wait: Wait = True,
    form: Form = "table",
    address: Address = "",
) -> None:
    """Cut a volume's connection to a host that is gone, or is not ours. Refused while the volume is mounted here.

    Example: holdfast volume disconnect array/db esx-17

    Parameters
    ----------
    host
        The back end's name of the host: `holdfast volume connections` shows it.
    """
    pool, volume = split_volume(name)
    confirm(f"cut the connection of {name} to the host {host}; whoever uses it there loses it at once", yes, form=form)
    change = Change(address, form, wait)
    change.end(change.client.disconnect(pool, volume, host, change.seconds))
