"""`holdfast volume clone`."""

from typing import Annotated

from cyclopts import Parameter

from holdfast.cli.changing import Change
from holdfast.cli.common import Address, Form, Labels, VolumeName, Wait
from holdfast.cli.words import parse_pairs
from holdfast.model.names import split_volume


def run(
    name: VolumeName,
    new_name: Annotated[str, Parameter(metavar="NEWNAME")],
    /,
    *,
    label: Labels = None,
    wait: Wait = True,
    form: Form = "table",
    address: Address = "",
) -> None:
    """Make a new volume of what a volume holds now, mounted or not, in the same pool.

    Example: holdfast volume clone fast/db db-test

    Parameters
    ----------
    new_name
        The new volume's name, without the pool.
    """
    pool, volume = split_volume(name)
    labels = parse_pairs("the label", label)
    change = Change(address, form, wait)
    change.end(change.client.clone_volume(pool, volume, new_name, wait=change.seconds, labels=labels))
