"""`holdfast volume list`."""

from collections.abc import Iterator
from typing import Annotated

from cyclopts import Parameter

from holdfast.cli import completing, output, timeline, words
from holdfast.cli.common import Address, Form, Labelled, ResourceState, client
from holdfast.cli.measuring import measure, sizes
from holdfast.cli.screen import Cell
from holdfast.client import Client
from holdfast.model.sizes import format_size
from holdfast.model.views import VolumeView

_HEAD = ("NAME", "STATE", "SIZE", "CONTENT", "MOUNTED AT", "LABELS")
_USAGE = ("NAME", "STATE", "SIZE", "REAL", "APPARENT", "CONTENT", "MOUNTED AT", "LABELS")
_NONE = "There is no volume yet. Make one: holdfast volume create POOL/VOLUME --size 1GiB"


def run(
    pool: Annotated[str, Parameter(metavar="POOL", completer=completing.pools)] = "",
    /,
    *,
    label: Labelled = None,
    state: ResourceState = None,
    usage: Annotated[bool, Parameter(negative=())] = False,
    form: Form = "table",
    address: Address = "",
) -> None:
    """Show the volumes of a pool, or of all.

    As JSON and YAML: the volumes as REST has them; with `--usage` a list of `volume` and `usage`, which is null where
    it could not be measured.

    Example: holdfast volume list fast --label app=shop
    Example: holdfast volume list --usage

    Parameters
    ----------
    pool
        Only those of this pool.
    usage
        Measure now what each takes in its pool: real bytes, and apparent ones. Directories with many files take a
        while; what could not be counted within ten seconds is told by a `≥`.
    """
    with client(address) as connection:
        found = list(_found(connection, pool, state or "", words.parse_filter(label)))
        measured = [(volume, measure(address, volume)) for volume in found] if usage else []
    if form != "table":
        output.dump([{"volume": each, "usage": seen.usage} for each, seen in measured] if usage else found, form)
        return
    rows = [_row(each, sizes(seen)) for each, seen in measured] if usage else [_row(each, ()) for each in found]
    filtered = state is not None or bool(label) or bool(pool)
    output.table(_USAGE if usage else _HEAD, rows, "No volume is like that." if filtered else _NONE)


def _found(connection: Client, pool: str, state: str, labels: dict[str, str | None]) -> Iterator[VolumeView]:
    pools = [pool] if pool else [each.name for each in connection.pools()]
    for each in pools:
        yield from connection.volumes(each, state, labels)


def _row(volume: VolumeView, usage: tuple[Cell, ...]) -> list[Cell]:
    kind = f"{volume.content} {volume.fs}" if volume.fs else volume.content
    size = format_size(volume.size) + (" (advisory)" if volume.advisory else "")
    return [
        f"{volume.pool}/{volume.name}", timeline.state(volume.state), size, *usage, kind, ", ".join(volume.mounts),
        words.labels(volume.labels),
    ]  # fmt: skip
