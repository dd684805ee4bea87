"""`holdfast snapshot restore`."""

from holdfast.cli import output, screen, words
from holdfast.cli.changing import Change
from holdfast.cli.common import Address, Form, SnapshotName, Wait, Yes, confirm
from holdfast.cli.screen import Cell, Line
from holdfast.model.names import split_snapshot
from holdfast.model.sizes import format_size


def run(
    name: SnapshotName, /, *, yes: Yes = False, wait: Wait = True, form: Form = "table", address: Address = ""
) -> None:
    """Let a volume be what one of its snapshots holds. Refused while it is mounted; its other snapshots stay.

    What the volume holds now goes for good; take a snapshot first to keep it.

    Example: holdfast snapshot restore fast/db@monday
    """
    pool, volume, snapshot = split_snapshot(name)
    change = Change(address, form, wait)
    found, now = change.client.snapshot(pool, volume, snapshot), change.client.volume(pool, volume)

    def touched() -> list[Line]:
        size = format_size(found.size) + ("" if found.size == now.size else f" instead of {format_size(now.size)}")
        fields: list[tuple[str, list[Cell]]] = [("taken", [words.ago(found.created_at)]), ("size", [size])]
        return list(output.page(screen.out(), fields))

    what = f"destroy what {pool}/{volume} holds now, and let it be what {name} holds"
    confirm(what, yes, touched, form=form)
    change.end(change.client.restore_snapshot(pool, volume, snapshot, change.seconds))
