"""`holdfast pool import`."""

from typing import Annotated

from cyclopts import Parameter

from holdfast.cli.changing import Change
from holdfast.cli.common import Address, Form, Labels, Wait, Yes, confirm
from holdfast.cli.words import parse_labels, parse_pairs


def run(
    name: Annotated[str, Parameter(metavar="NAME")],
    /,
    *,
    driver: str = "dir",
    set_: Annotated[list[str] | None, Parameter(name="--set", negative=(), metavar="KEY=VALUE")] = None,
    take_over: Annotated[bool, Parameter(negative=())] = False,
    label: Labels = None,
    yes: Yes = False,
    wait: Wait = True,
    form: Form = "table",
    address: Address = "",
) -> None:
    """Bring a pool that no record knows, with its volumes and snapshots, into the records, from the pool alone.

    For a database that was lost, or a disk that came from another machine. Labels, limits and mounts are not in a pool.

    Example: holdfast pool import old --set source=/srv/old
    Example: holdfast pool import moved --set source=/srv/moved --take-over

    Parameters
    ----------
    name
        How it shall be called here.
    driver
        Its kind.
    set_
        An option of the driver; may be given again.
    take_over
        Make it this installation's, if it is another's that is gone and will not come back.
    """
    if take_over:
        confirm("make all that is in the pool this installation's; another that still uses it would destroy it", yes)
    change = Change(address, form, wait)
    config, labels = parse_pairs("--set", set_), parse_labels(label)
    change.end(change.client.import_pool(name, config, driver, change.seconds, take_over=take_over, labels=labels))
