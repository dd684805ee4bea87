"""`holdfast snapshot list`."""

from holdfast.cli import output, timeline, words
from holdfast.cli.common import Address, Form, Labelled, VolumeName, client
from holdfast.cli.screen import Cell
from holdfast.model.names import split_volume
from holdfast.model.sizes import format_size
from holdfast.model.views import SnapshotView

_HEAD = ("NAME", "STATE", "SIZE", "CONTENT", "TAKEN", "MADE", "EXPIRES", "MOUNTED AT", "LABELS")


def run(name: VolumeName, /, *, label: Labelled = None, form: Form = "table", address: Address = "") -> None:
    """Show the snapshots of a volume. One that is not whole yet is not shown.

    Example: holdfast snapshot list fast/db
    Example: holdfast snapshot list fast/db --label app=shop
    """
    pool, volume = split_volume(name)
    with client(address) as connection:
        found = list(connection.snapshots(pool, volume, "", words.parse_filter(label)))
    if form != "table":
        output.dump(found, form)
        return
    none = (
        "No snapshot is like that." if label else f"There is none yet. Take one: holdfast snapshot create {name}@NAME"
    )
    output.table(_HEAD, [_row(each) for each in found], none)


def _row(snapshot: SnapshotView) -> list[Cell]:
    kind = f"{snapshot.content} {snapshot.fs}" if snapshot.fs else snapshot.content
    taken = (snapshot.taken or "") + (", protected" if snapshot.protected else "")
    expires = "" if snapshot.expires_at is None else words.when(snapshot.expires_at)
    return [
        f"{snapshot.pool}/{snapshot.volume}@{snapshot.name}", timeline.state(snapshot.state),
        format_size(snapshot.size), kind, taken, words.ago(snapshot.created_at), expires, ", ".join(snapshot.mounts),
        words.labels(snapshot.labels),
    ]  # fmt: skip
