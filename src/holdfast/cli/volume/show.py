"""`holdfast volume show`."""

from collections.abc import Iterator
from typing import Annotated

from cyclopts import Parameter

from holdfast.cli import measuring, output, screen, words
from holdfast.cli.common import Address, Form, VolumeName, client
from holdfast.cli.history import conditions, recent
from holdfast.cli.measuring import Measured
from holdfast.cli.screen import Cell, Line, Screen, Span
from holdfast.cli.timeline import state
from holdfast.client import Client
from holdfast.model.names import split_volume
from holdfast.model.operations import OperationView
from holdfast.model.sizes import format_size
from holdfast.model.views import MountView, VolumeView


def run(
    name: VolumeName,
    /,
    *,
    usage: Annotated[bool, Parameter(negative="--no-usage")] = True,
    operations: Annotated[int, Parameter(metavar="N")] = 5,
    form: Form = "table",
    address: Address = "",
) -> None:
    """Show one volume: what it takes, where it is mounted, its labels, what is known of it, its last operations.

    As JSON and YAML: `volume`, `usage` (null if it was not measured), `mounts` and `operations`, as REST has them.

    Example: holdfast volume show fast/db

    Parameters
    ----------
    usage
        Measure what it takes, or not: a directory with many files takes up to ten seconds.
    operations
        How many of its last operations to show.
    """
    pool, volume = split_volume(name)
    with client(address) as connection:
        found = connection.volume(pool, volume)
        mounts = [mount for path in found.mounts for mount in connection.mounts(path)]
        last = _last(connection, [found.uid, *(mount.id for mount in mounts)], operations)
    measured = measuring.measure(address, found) if usage else Measured(None)
    if form != "table":
        output.dump({"volume": found, "usage": measured.usage, "mounts": mounts, "operations": last}, form)
        return
    out = screen.out()
    out.show(*_lines(out, found, mounts, last, measuring.told(measured, found) if usage else ""))


def _last(connection: Client, uids: list[str], most: int) -> list[OperationView]:
    """The newest on the volume itself and on its mounts."""
    if most < 1:
        return []
    found = [view for uid in uids for view in connection.operations(resource=uid, limit=most)]
    return sorted(found, key=lambda view: view.created_at, reverse=True)[:most]


def _lines(
    out: Screen, volume: VolumeView, mounts: list[MountView], last: list[OperationView], usage: Cell
) -> Iterator[Line]:
    size = format_size(volume.size) + (" (advisory: nothing enforces it)" if volume.advisory else "")
    fields: list[tuple[str, list[Cell]]] = [
        ("name", [Span(f"{volume.pool}/{volume.name}", "bold")]), ("state", [state(volume.state)]),
        ("content", [f"{volume.content} {volume.fs or ''}".rstrip()]), ("size", [size]), ("takes", [usage]),
        ("mounts", [_mount(mount) for mount in mounts] or ["none"]), ("labels", [words.labels(volume.labels)]),
        ("conditions", conditions(volume.conditions)), ("made", [words.ago(volume.created_at)]),
        ("uid", [volume.uid]),
    ]  # fmt: skip
    yield from output.page(out, fields)
    yield from recent(out, last)


def _mount(mount: MountView) -> Cell:
    mode = " read-only" if mount.read_only else ""
    mode += {"mount": "", "stage": " (staged)", "publish": " (published)"}[mount.use]
    if mount.mounted:
        return f"{mount.path}{mode}"
    if mount.use != "mount":  # after a reboot: whoever asked for it asks again, or takes it back
        return Span(f"{mount.path}{mode}: {mount.reason}", "dim")
    return Span(f"{mount.path}{mode}: wanted, but {mount.reason}", "bad")
