"""`holdfast volume create`."""

from typing import Annotated, Literal

from cyclopts import Parameter

from holdfast.cli.changing import Change
from holdfast.cli.common import Address, Form, Labels, Wait
from holdfast.cli.completing import new_volumes
from holdfast.cli.words import parse_labels
from holdfast.model.names import split_volume


def run(
    name: Annotated[str, Parameter(metavar="POOL/VOLUME", completer=new_volumes)],
    /,
    *,
    size: Annotated[str, Parameter(metavar="SIZE")],
    content: Literal["directory", "filesystem", "block"] = "directory",
    fs: Literal["ext4", "xfs", "btrfs"] | None = None,
    label: Labels = None,
    wait: Wait = True,
    form: Form = "table",
    address: Address = "",
) -> None:
    """Make a volume.

    Example: holdfast volume create fast/site --size 10GiB
    Example: holdfast volume create fast/db --size 20GiB --content filesystem --fs xfs --label app=shop
    Example: holdfast volume create fast/vm --size 40GB --content block

    Parameters
    ----------
    name
        The pool's name, a slash, and the new volume's.
    size
        Its size, as in 1GiB or 500MB. For a directory it is advisory, unless its pool is
        a btrfs with quotas.
    content
        A directory, a file system on an image, or the raw image.
    fs
        The file system of content `filesystem`; ext4 if not given.
    """
    pool, volume = split_volume(name)
    labels = parse_labels(label)
    change = Change(address, form, wait)
    change.end(change.client.create_volume(pool, volume, size, content, fs, change.seconds, labels=labels))
