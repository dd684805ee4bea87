"""`holdfast snapshot clone`."""

from typing import Annotated

from cyclopts import Parameter

from holdfast.cli.changing import Change
from holdfast.cli.common import Address, Form, Labels, SnapshotName, Wait
from holdfast.cli.words import parse_pairs
from holdfast.model.names import split_snapshot


def run(
    name: SnapshotName,
    new_name: Annotated[str, Parameter(metavar="NEWNAME")],
    /,
    *,
    label: Labels = None,
    wait: Wait = True,
    form: Form = "table",
    address: Address = "",
) -> None:
    """Make a new volume of what a snapshot holds, in the same pool.

    Example: holdfast snapshot clone fast/db@monday db-test

    Parameters
    ----------
    new_name
        The new volume's name, without the pool.
    """
    pool, volume, snapshot = split_snapshot(name)
    labels = parse_pairs("the label", label)
    change = Change(address, form, wait)
    change.end(change.client.clone_volume(pool, volume, new_name, snapshot, wait=change.seconds, labels=labels))
