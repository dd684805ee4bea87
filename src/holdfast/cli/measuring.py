"""What a volume takes, asked with little patience: a page about a volume must not hang with its disk."""

from typing import NamedTuple

from holdfast.cli import words
from holdfast.cli.common import client
from holdfast.cli.screen import Cell, Span
from holdfast.client import Client
from holdfast.model.errors import HoldfastError
from holdfast.model.sizes import format_size
from holdfast.model.views import SnapshotView, UsageView, VolumeView

# The daemon counts for ten seconds at the most; a disk that is dead answers never.
_PATIENCE = 15.0


class Measured(NamedTuple):
    """What was measured, or why it was not."""

    usage: UsageView | None
    reason: str = ""


def measure(address: str, volume: VolumeView | SnapshotView) -> Measured:
    """Ask now."""
    with client(address, timeout=_PATIENCE) as connection:
        return _measured(connection, volume)


def _measured(connection: Client, volume: VolumeView | SnapshotView) -> Measured:
    try:
        if isinstance(volume, SnapshotView):
            return Measured(connection.snapshot_usage(volume.pool, volume.volume, volume.name))
        return Measured(connection.usage(volume.pool, volume.name))
    except HoldfastError as error:
        return Measured(None, error.detail)


def sizes(found: Measured) -> tuple[Cell, Cell]:
    """Real and apparent, as cells of a table."""
    if found.usage is None:
        return Span("?", "warn"), Span("?", "warn")
    least = "" if found.usage.complete else "≥ "
    return least + format_size(found.usage.real), least + format_size(found.usage.apparent)


def own(found: Measured) -> Cell:
    """What only it has, as a cell."""
    if found.usage is None:
        return Span("?", "warn")
    return "" if found.usage.own is None else format_size(found.usage.own)


def told(found: Measured, volume: VolumeView | SnapshotView) -> Cell:
    """In a sentence."""
    if found.usage is None:
        return Span(f"not measured: {found.reason}", "warn")
    real, apparent = sizes(found)
    files = f" in {words.count(found.usage.files, 'file')}" if volume.content == "directory" else ""
    more = "" if found.usage.complete else "; there is more, which was not counted in time"
    own = "" if found.usage.own is None else f", of which {format_size(found.usage.own)} its own"
    return f"{real} real{own}, {apparent} apparent{files}{more}"
