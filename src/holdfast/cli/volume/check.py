"""`holdfast volume check`."""

from holdfast.cli import output
from holdfast.cli.changing import Change
from holdfast.cli.common import Address, Form, VolumeName, Wait
from holdfast.cli.screen import Span
from holdfast.cli.volume.caring import condition
from holdfast.model.errors import Damaged, HoldfastError, WrongState
from holdfast.model.names import split_volume

# The condition, and how the reason of one that is false begins, as the operation volume.check writes them.
_CHECKED = "Checked"
_REPLAY = "needs replay"


def run(name: VolumeName, /, *, wait: Wait = True, form: Form = "table", address: Address = "") -> None:
    """Check a volume's file system, read-only and only while it is not mounted. Nothing is repaired.

    The exit status is 0 for a clean one, that of `damaged` for one with damage or whose checker could not prove it
    sound, and that of `wrong-state` for one that must be mounted once to replay its journal.

    Example: holdfast volume check fast/db
    """
    pool, volume = split_volume(name)
    change = Change(address, form, wait)
    view = change.end(change.client.check_volume(pool, volume, change.seconds))
    found = condition(change.client, pool, volume, _CHECKED) if view.state == "done" else None
    if found is None:
        return
    if form == "table":
        output.lines([(f"{name}: ", Span(found.reason, "good" if found.status else "bad"))])
    if not found.status:
        raise _judged(name, found.reason)


def _judged(name: str, reason: str) -> HoldfastError:
    if reason.partition(":")[0] == _REPLAY:
        hint = f"Mount and unmount it once, then check again: holdfast volume mount {name} PATH"
        return WrongState(f"The file system of {name} {reason}", hint)
    hint = "Nothing was changed. Save what can be read of it before anything repairs it."
    return Damaged(f"The file system of {name} is {reason}", hint)
