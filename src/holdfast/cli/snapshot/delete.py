"""`holdfast snapshot delete`."""

from holdfast.cli import measuring, output, screen, words
from holdfast.cli.changing import Change
from holdfast.cli.common import Address, Form, SnapshotName, Wait, Yes, confirm
from holdfast.cli.screen import Cell, Line
from holdfast.model.names import split_snapshot


def run(
    name: SnapshotName, /, *, yes: Yes = False, wait: Wait = True, form: Form = "table", address: Address = ""
) -> None:
    """Delete a snapshot. Refused while it is protected or mounted; the volume and other snapshots are not concerned.

    Example: holdfast snapshot delete fast/db@monday
    """
    pool, volume, snapshot = split_snapshot(name)
    change = Change(address, form, wait)
    found = change.client.snapshot(pool, volume, snapshot)

    def touched() -> list[Line]:
        takes = measuring.told(measuring.measure(address, found), found)
        fields: list[tuple[str, list[Cell]]] = [
            ("takes", [takes]), ("labels", [words.labels(found.labels)]), ("made", [words.ago(found.created_at)]),
        ]  # fmt: skip
        return list(output.page(screen.out(), fields))

    confirm(f"destroy the snapshot {name}", yes, touched, form=form)
    change.end(change.client.delete_snapshot(pool, volume, snapshot, change.seconds))
