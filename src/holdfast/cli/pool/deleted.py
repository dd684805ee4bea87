"""`holdfast pool deleted`."""

from holdfast.cli import output
from holdfast.cli.common import Address, Form, PoolName, client
from holdfast.cli.screen import Cell
from holdfast.model.sizes import format_size
from holdfast.model.views import DeletedView

_NONE = "Nothing of what was deleted is kept."


def run(name: PoolName, /, *, form: Form = "table", address: Address = "") -> None:
    """Show what a pool's back end still keeps of what was deleted, and how long; `pool recover` brings it back.

    An array keeps what it destroyed for a while, by its own policy. Of other pools what was deleted is gone.

    Example: holdfast pool deleted array
    """
    with client(address) as connection:
        found = connection.deleted(name)
    if form != "table":
        output.dump(found, form)
        return
    output.table(("UID", "NAME", "SIZE", "STATE"), [_row(each) for each in found], _NONE)


def _row(each: DeletedView) -> list[Cell]:
    name = f"{each.volume or each.of}@{each.name}" if each.of else each.name
    return [each.uid, name, format_size(each.size), each.note]
