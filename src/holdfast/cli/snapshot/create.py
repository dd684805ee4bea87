"""`holdfast snapshot create`."""

from typing import Annotated

from cyclopts import Parameter

from holdfast.cli.changing import Change
from holdfast.cli.common import Address, Form, Labels, NewSnapshotName, Wait
from holdfast.cli.words import parse_lasting, parse_pairs
from holdfast.model.names import split_snapshot


def run(
    name: NewSnapshotName,
    /,
    *,
    label: Labels = None,
    protected: Annotated[bool, Parameter(negative=())] = False,
    expires: Annotated[str | None, Parameter(metavar="TIME")] = None,
    wait: Wait = True,
    form: Form = "table",
    address: Address = "",
) -> None:
    """Take a snapshot of a volume, mounted or not; a mounted file system stands still for that moment.

    Example: holdfast snapshot create fast/db@monday
    Example: holdfast snapshot create fast/db@before-upgrade --protected --label app=shop
    Example: holdfast snapshot create fast/db@tuesday --expires 30d

    Parameters
    ----------
    protected
        It is not deleted until `snapshot set --unprotected` lifts that.
    expires
        After how long the daemon deletes it: a number and s, m, h, d, w or y. Without it, never.
    """
    pool, volume, snapshot = split_snapshot(name)
    labels = parse_pairs("the label", label)
    change = Change(address, form, wait)
    lifetime = None if expires is None else parse_lasting(expires)
    change.end(
        change.client.create_snapshot(
            pool, volume, snapshot, change.seconds, labels=labels, protected=protected, lifetime=lifetime
        )
    )
