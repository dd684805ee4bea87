"""`holdfast snapshot show`."""

from typing import Annotated

from cyclopts import Parameter

from holdfast.cli import measuring, output, screen, words
from holdfast.cli.common import Address, Form, SnapshotName, client
from holdfast.cli.history import conditions, recent
from holdfast.cli.screen import Cell, Span
from holdfast.cli.timeline import state
from holdfast.model.names import split_snapshot
from holdfast.model.sizes import format_size
from holdfast.model.views import SnapshotView

_TAKEN = {
    "idle": "while nobody used the volume",
    "frozen": "while its file system stood still: it mounts without repair",
    "synced": "while the volume was in use, all of one moment, its writes flushed: as after a power cut",
    "live": "file by file, while the volume was in use: files may be of different moments",
}


def run(
    name: SnapshotName,
    /,
    *,
    operations: Annotated[int, Parameter(metavar="N")] = 5,
    form: Form = "table",
    address: Address = "",
) -> None:
    """Show one snapshot: how it was taken, what it takes, where it is mounted, its last operations.

    As JSON and YAML: `snapshot`, `usage` (null if it could not be measured) and `operations`, as REST has them.

    Example: holdfast snapshot show fast/db@monday

    Parameters
    ----------
    operations
        How many of its last operations to show.
    """
    pool, volume, snapshot = split_snapshot(name)
    with client(address) as connection:
        found = connection.snapshot(pool, volume, snapshot)
        last = connection.operations(resource=found.uid, limit=operations) if operations > 0 else []
    measured = measuring.measure(address, found)
    if form != "table":
        output.dump({"snapshot": found, "usage": measured.usage, "operations": last}, form)
        return
    out = screen.out()
    out.show(*output.page(out, _fields(found, measuring.told(measured, found))), *recent(out, last))


def _fields(found: SnapshotView, usage: Cell) -> list[tuple[str, list[Cell]]]:
    return [
        ("name", [Span(f"{found.pool}/{found.volume}@{found.name}", "bold")]), ("state", [state(found.state)]),
        ("content", [f"{found.content} {found.fs or ''}".rstrip()]), ("size", [format_size(found.size)]),
        ("taken", [f"{found.taken}, {_TAKEN[found.taken]}" if found.taken else ""]),
        ("takes", [usage]), ("mounts", list(found.mounts) or ["none"]),
        ("protected", ["yes" if found.protected else "no"]), ("expires", [words.when(found.expires_at) or "never"]),
        ("labels", [words.labels(found.labels)]),
        ("conditions", conditions(found.conditions)), ("made", [words.ago(found.created_at)]), ("uid", [found.uid]),
    ]  # fmt: skip
