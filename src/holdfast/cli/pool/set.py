"""`holdfast pool set`."""

from typing import Annotated, Any

from cyclopts import Parameter

from holdfast.cli.changing import Change
from holdfast.cli.common import Address, Form, Labels, PoolName, Wait
from holdfast.cli.words import parse_labels
from holdfast.model.errors import Invalid


def run(
    name: PoolName,
    /,
    *,
    limit: Annotated[str | None, Parameter(metavar="SIZE")] = None,
    label: Labels = None,
    unlabel: Annotated[list[str] | None, Parameter(negative=(), metavar="NAME")] = None,
    wait: Wait = True,
    form: Form = "table",
    address: Address = "",
) -> None:
    """Change a pool's limit or its labels.

    Example: holdfast pool set fast --limit 2TiB --label tier=hot
    Example: holdfast pool set fast --limit none --unlabel tier

    Parameters
    ----------
    limit
        The most that its volumes' sizes may sum up to, as in 500GiB; `none` for no limit. One below what is
        provisioned only keeps further volumes out.
    unlabel
        Remove this label; may be given again.
    """
    changes: dict[str, Any] = {}
    if limit is not None:
        changes["limit"] = None if limit == "none" else limit
    labels: dict[str, str | None] = {**parse_labels(label), **dict.fromkeys(unlabel or [])}
    if labels:
        changes["labels"] = labels
    if not changes:
        raise Invalid("Nothing is to be changed.", "Say what: --limit SIZE, --label NAME=VALUE or --unlabel NAME.")
    change = Change(address, form, wait)
    change.end(change.client.change_pool(name, changes, change.seconds))
