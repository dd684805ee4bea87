"""`holdfast snapshot list`."""

from typing import Annotated

from cyclopts import Parameter

from holdfast.cli import output, timeline, words
from holdfast.cli.common import Address, Form, Labelled, VolumeName, client
from holdfast.cli.measuring import measure, own, sizes
from holdfast.cli.screen import Cell
from holdfast.model.names import split_volume
from holdfast.model.sizes import format_size
from holdfast.model.views import SnapshotView

_HEAD = ("NAME", "STATE", "SIZE", "CONTENT", "TAKEN", "MADE", "EXPIRES", "MOUNTED AT", "LABELS")
_USAGE = (*_HEAD[:3], "REAL", "OWN", *_HEAD[3:])


def run(
    name: VolumeName,
    /,
    *,
    label: Labelled = None,
    usage: Annotated[bool, Parameter(negative=())] = False,
    form: Form = "table",
    address: Address = "",
) -> None:
    """Show the snapshots of a volume. One that is not whole yet is not shown.

    As JSON and YAML: the snapshots as REST has them; with `--usage` a list of `snapshot` and `usage`, which is null
    where it could not be measured.

    Example: holdfast snapshot list fast/db
    Example: holdfast snapshot list fast/db --label app=shop --usage

    Parameters
    ----------
    usage
        Measure now what each takes in its pool: real bytes, and those of them that it shares with nothing.
    """
    pool, volume = split_volume(name)
    with client(address) as connection:
        found = list(connection.snapshots(pool, volume, "", words.parse_filter(label)))
    measured = [(each, measure(address, each)) for each in found] if usage else []
    if form != "table":
        output.dump([{"snapshot": each, "usage": seen.usage} for each, seen in measured] if usage else found, form)
        return
    none = (
        "No snapshot is like that." if label else f"There is none yet. Take one: holdfast snapshot create {name}@NAME"
    )
    cells = {each.uid: (sizes(seen)[0], own(seen)) for each, seen in measured}
    output.table(_USAGE if usage else _HEAD, [_row(each, cells.get(each.uid, ())) for each in found], none)


def _row(snapshot: SnapshotView, usage: tuple[Cell, ...]) -> list[Cell]:
    kind = f"{snapshot.content} {snapshot.fs}" if snapshot.fs else snapshot.content
    taken = (snapshot.taken or "") + (", protected" if snapshot.protected else "")
    expires = "" if snapshot.expires_at is None else words.when(snapshot.expires_at)
    return [
        f"{snapshot.pool}/{snapshot.volume}@{snapshot.name}", timeline.state(snapshot.state),
        format_size(snapshot.size), *usage, kind, taken, words.ago(snapshot.created_at), expires,
        ", ".join(snapshot.mounts), words.labels(snapshot.labels),
    ]  # fmt: skip
