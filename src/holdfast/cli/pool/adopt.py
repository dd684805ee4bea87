"""`holdfast pool adopt`."""

from typing import Annotated

from cyclopts import Parameter

from holdfast.cli.changing import Change
from holdfast.cli.common import Address, Form, PoolName, Wait


def run(
    name: PoolName,
    uids: Annotated[list[str] | None, Parameter(metavar="UID", negative=())] = None,
    /,
    *,
    wait: Wait = True,
    form: Form = "table",
    address: Address = "",
) -> None:
    """Record what is whole in a pool and has no record, with names, sizes and snapshots from its marks.

    For what is newer than a database that was restored; `holdfast audit` shows it.

    Example: holdfast pool adopt fast

    Parameters
    ----------
    uids
        Only these, as the audit tells them.
    """
    change = Change(address, form, wait)
    change.end(change.client.adopt(name, uids, change.seconds))
