"""`holdfast snapshot set`."""

from typing import Annotated, Any

from cyclopts import Parameter

from holdfast.cli.changing import Change
from holdfast.cli.common import Address, Form, Labels, SnapshotName, Wait
from holdfast.cli.words import parse_lasting, parse_pairs
from holdfast.model.errors import Invalid
from holdfast.model.names import split_snapshot


def run(
    name: SnapshotName,
    /,
    *,
    protected: Annotated[bool | None, Parameter(negative="--unprotected")] = None,
    expires: Annotated[str | None, Parameter(metavar="TIME")] = None,
    label: Labels = None,
    remove: Annotated[list[str] | None, Parameter(metavar="NAME", negative=())] = None,
    wait: Wait = True,
    form: Form = "table",
    address: Address = "",
) -> None:
    """Change what is noted on a snapshot: whether it is protected, when it expires, and its labels.

    Example: holdfast snapshot set fast/db@monday --protected
    Example: holdfast snapshot set fast/db@monday --expires 90d
    Example: holdfast snapshot set fast/db@monday --label keep=yes --remove app

    Parameters
    ----------
    protected
        A protected snapshot is not deleted.
    expires
        After how long from now the daemon deletes it: a number and s, m, h, d, w or y; or `never`.
    remove
        Remove this label; may be given again.
    """
    pool, volume, snapshot = split_snapshot(name)
    labels: dict[str, str | None] = {**parse_pairs("the label", label), **dict.fromkeys(remove or [])}
    changes: dict[str, Any] = {"labels": labels} if labels else {}
    if protected is not None:
        changes["protected"] = protected
    if expires is not None:
        changes["lifetime"] = None if expires == "never" else parse_lasting(expires)
    if not changes:
        raise Invalid("Nothing is to be changed.", "Give --protected, --unprotected, --expires, --label or --remove.")
    change = Change(address, form, wait)
    change.end(change.client.change_snapshot(pool, volume, snapshot, changes, change.seconds))
