"""`holdfast volume label`."""

from typing import Annotated

from cyclopts import Parameter

from holdfast.cli.changing import Change
from holdfast.cli.common import Address, Form, VolumeName, Wait
from holdfast.cli.words import parse_pairs
from holdfast.model.errors import Invalid
from holdfast.model.names import split_volume


def run(
    name: VolumeName,
    labels: Annotated[list[str] | None, Parameter(metavar="NAME=VALUE", negative=())] = None,
    /,
    *,
    remove: Annotated[list[str] | None, Parameter(metavar="NAME", negative=())] = None,
    wait: Wait = True,
    form: Form = "table",
    address: Address = "",
) -> None:
    """Change a volume's labels: what people note on it, and filter lists by.

    Example: holdfast volume label fast/db app=shop tier=db
    Example: holdfast volume label fast/db --remove tier

    Parameters
    ----------
    labels
        Labels to set.
    remove
        Remove this label; may be given again.
    """
    pool, volume = split_volume(name)
    wanted: dict[str, str | None] = {**parse_pairs("the label", labels), **dict.fromkeys(remove or [])}
    if not wanted:
        raise Invalid("No label is to be changed.", "Give NAME=VALUE to set one, or --remove NAME.")
    change = Change(address, form, wait)
    change.end(change.client.label_volume(pool, volume, wanted, change.seconds))
