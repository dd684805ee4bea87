"""`holdfast pool create`."""

from typing import Annotated

from cyclopts import Parameter

from holdfast.cli.changing import Change
from holdfast.cli.common import Address, Form, Labels, Wait
from holdfast.cli.words import parse_labels, parse_pairs


def run(
    name: Annotated[str, Parameter(metavar="NAME")],
    /,
    *,
    driver: str = "dir",
    set_: Annotated[list[str] | None, Parameter(name="--set", negative=(), metavar="KEY=VALUE")] = None,
    limit: Annotated[str | None, Parameter(metavar="SIZE")] = None,
    label: Labels = None,
    wait: Wait = True,
    form: Form = "table",
    address: Address = "",
) -> None:
    """Make a pool of a place that is empty, and mark it as one.

    Example: holdfast pool create fast --driver dir --set source=/srv/fast
    Example: holdfast pool create slow --set source=/srv/slow --limit 10TiB --label tier=archive

    Parameters
    ----------
    name
        Its name.
    driver
        Its kind.
    set_
        An option of the driver; may be given again. The driver `dir` wants `source`, an existing empty directory.
    limit
        The most that its volumes' sizes may sum up to, as in 500GiB.
    """
    change = Change(address, form, wait)
    config, labels = parse_pairs("--set", set_), parse_labels(label)
    change.end(change.client.create_pool(name, config, driver, limit, change.seconds, labels=labels))
