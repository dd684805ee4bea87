"""`holdfast pool list`."""

from holdfast.cli import fill, output, words
from holdfast.cli.common import Address, Form, Labelled, ResourceState, client
from holdfast.cli.screen import Cell, Span
from holdfast.cli.timeline import state as coloured
from holdfast.model.sizes import format_size
from holdfast.model.views import PoolView

_HEAD = ("NAME", "STATE", "USED", "FREE", "PROVISIONED", "LIMIT", "WHERE", "LABELS", "REASON")
_NONE = "There is no pool yet. Make one: holdfast pool create NAME --driver dir --set source=PATH"


def run(*, state: ResourceState = None, label: Labelled = None, form: Form = "table", address: Address = "") -> None:
    """Show the pools.

    Example: holdfast pool list --label tier=hot
    """
    filtered = state is not None or bool(label)
    with client(address) as connection:
        found = connection.pools(state or "", words.parse_filter(label))
    if form != "table":
        output.dump(found, form)
        return
    empty = "No pool is like that." if filtered else _NONE
    output.table(_HEAD, [_row(pool) for pool in found], empty, remark=True)


def _row(pool: PoolView) -> list[Cell]:
    ready = coloured(pool.state) if pool.ready or pool.state != "ready" else Span("not ready", "bad")
    return [
        pool.name, ready, fill.share(pool),
        format_size(pool.free) if pool.free is not None else "?", format_size(pool.provisioned),
        "" if pool.limit is None else format_size(pool.limit), ", ".join(pool.config.values()),
        words.labels(pool.labels), Span(pool.reason, "warn"),
    ]  # fmt: skip
