"""`holdfast volume clone`."""

from typing import Annotated

from cyclopts import Parameter

from holdfast.cli.changing import Change
from holdfast.cli.common import Address, Form, Labels, VolumeName, Wait
from holdfast.cli.words import parse_pairs, split_target
from holdfast.model.names import split_volume


def run(
    name: VolumeName,
    new_name: Annotated[str, Parameter(metavar="NEWNAME")],
    /,
    *,
    size: Annotated[str | None, Parameter(metavar="SIZE")] = None,
    label: Labels = None,
    wait: Wait = True,
    form: Form = "table",
    address: Address = "",
) -> None:
    """Make a new volume of what a volume holds now, mounted or not; with an identity of its own, also in another pool.

    Example: holdfast volume clone fast/db db-test
    Example: holdfast volume clone fast/db slow/db

    Parameters
    ----------
    new_name
        The new volume's name; with a pool and a slash before it, in that pool.
    size
        Its size, if that is to be larger, as in 20GiB.
    """
    pool, volume = split_volume(name)
    labels = parse_pairs("the label", label)
    to, new = split_target(pool, new_name)
    change = Change(address, form, wait)
    change.end(change.client.clone_volume(pool, volume, new, wait=change.seconds, labels=labels, to=to, size=size))
