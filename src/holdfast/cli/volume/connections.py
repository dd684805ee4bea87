"""`holdfast volume connections`."""

from holdfast.cli import output, words
from holdfast.cli.common import Address, Form, VolumeName, client
from holdfast.cli.screen import Cell, Span
from holdfast.model.names import split_volume
from holdfast.model.views import ConnectionView

_NONE = "It is connected to no host."


def run(name: VolumeName, /, *, form: Form = "table", address: Address = "") -> None:
    """Show the hosts that a volume is connected to, as its back end has them now; and which of them nobody wants.

    Example: holdfast volume connections array/db
    """
    pool, volume = split_volume(name)
    with client(address) as connection:
        found = connection.connections(pool, volume)
    if form != "table":
        output.dump(found, form)
        return
    output.table(("HOST", "MEMBER", "STATE", "SINCE", "DEVICE"), [_row(each) for each in found], _NONE)


def _row(each: ConnectionView) -> list[Cell]:
    state = Span(each.state, "" if each.state == "wanted" else "bad")
    return [each.host, each.member or "-", state, words.ago(each.since), each.device or "-"]
