"""`holdfast volume trim`."""

from holdfast.cli import output
from holdfast.cli.changing import Change
from holdfast.cli.common import Address, Form, VolumeName, Wait
from holdfast.cli.volume.caring import condition
from holdfast.model.names import split_volume

# The condition that the operation volume.trim writes; its reason says how many bytes.
_TRIMMED = "Trimmed"


def run(name: VolumeName, /, *, wait: Wait = True, form: Form = "table", address: Address = "") -> None:
    """Give the room that a mounted file system does not use back to the pool's disk.

    Example: holdfast volume trim fast/db
    """
    pool, volume = split_volume(name)
    change = Change(address, form, wait)
    view = change.end(change.client.trim_volume(pool, volume, change.seconds))
    found = condition(change.client, pool, volume, _TRIMMED) if view.state == "done" else None
    if found is not None and form == "table":
        output.lines([(f"{name}: {found.reason}",)])
