"""`holdfast pool recover`."""

from typing import Annotated

from cyclopts import Parameter

from holdfast.cli.changing import Change
from holdfast.cli.common import Address, Form, PoolName, Wait


def run(
    name: PoolName,
    uid: Annotated[str, Parameter(metavar="UID")],
    /,
    *,
    wait: Wait = True,
    form: Form = "table",
    address: Address = "",
) -> None:
    """Bring back a volume or snapshot that was deleted, and its back end still keeps, under the name that it had.

    Where another has that name by now, it is called `recovered-UID`. A snapshot comes back once its volume is there.

    Example: holdfast pool recover array 0b0e8a5a1c1f4b3f9a3a2c8a4c1d6e7f

    Parameters
    ----------
    uid
        Which, as `holdfast pool deleted` tells it.
    """
    change = Change(address, form, wait)
    change.end(change.client.recover(name, uid, change.seconds))
