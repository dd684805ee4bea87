"""`holdfast status`: the page for three in the morning."""

from collections.abc import Iterator

import msgspec

from holdfast.cli import fill, output, screen, tables, timeline, words
from holdfast.cli.common import Address, Form, client
from holdfast.cli.screen import Cell, Line, Screen, Span
from holdfast.model.operations import OperationView
from holdfast.model.views import PoolView, StatusView

# More operations under way than this are counted, not shown.
_MOST = 10
_POOLS = ("POOL", "USED", "ROOM", "PROVISIONED", "WHY")


class Page(msgspec.Struct, frozen=True):
    """What the page shows, and what programs get of it."""

    daemon: StatusView
    pools: list[PoolView]
    parked: list[OperationView]
    underway: list[OperationView]


def run(*, form: Form = "table", address: Address = "") -> None:
    """Show the daemon, its pools, what waits and how to end that, and what the last audit found.

    As JSON and YAML: `daemon`, `pools`, `parked` and `underway`, as REST has them.

    Example: holdfast status
    """
    with client(address) as connection:
        daemon = connection.status()
        underway = [view for state in ("undoing", "running", "queued") for view in connection.operations(state)]
        found = Page(daemon, connection.pools(), connection.operations("parked"), underway)
    if form != "table":
        output.dump(found, form)
        return
    out = screen.out()
    out.show(*_lines(out, found))


def _lines(out: Screen, found: Page) -> Iterator[Line]:
    yield from _daemon(out, found.daemon)
    yield ()
    yield from _pools(out, found.pools)
    yield ()
    yield from _operations(out, found)
    yield ()
    yield from _findings(found.daemon)
    yield ()
    wrong = _wrong(found)
    yield (Span("Needs attention: ", "bad"), f"{', '.join(wrong)}.") if wrong else (Span("All is well.", "good"),)


def _daemon(out: Screen, daemon: StatusView) -> Iterator[Line]:
    up = words.lasting(words.since(daemon.started_at))
    volumes = words.count(daemon.volumes, "volume")
    yield (Span(f"holdfast {daemon.version} on {daemon.member}", "bold"), f", up {up}, {volumes}")
    if daemon.suspended:
        yield from out.wrapped(f"SUSPENDED: {daemon.suspended}", "", "bad")
        yield ("  See what it does not know: holdfast audit",)
        yield ("  Then say that it counts:   holdfast resume",)


def _pools(out: Screen, pools: list[PoolView]) -> Iterator[Line]:
    if not pools:
        yield (Span("No pool yet. Make one: holdfast pool create NAME --driver dir --set source=PATH", "dim"),)
        return
    yield from tables.lines(out, _POOLS, [_pool(out, pool) for pool in pools], remark=True)


def _pool(out: Screen, pool: PoolView) -> list[Cell]:
    ready = pool.ready and fill.percent(pool) is not None
    why = "" if ready else f"not ready: {pool.reason or 'its place does not say how much room it has'}"
    return [pool.name, fill.bar(out, pool), fill.room(pool), fill.promised(pool), Span(why, "bad")]


def _operations(out: Screen, found: Page) -> Iterator[Line]:
    daemon = found.daemon
    yield (Span("Operations: ", "bold"), _count(daemon.unfinished - daemon.parked, "under way"), ", ",
           Span(_count(daemon.parked, "parked"), "warn" if daemon.parked else ""))  # fmt: skip
    for view in found.underway[:_MOST]:
        yield ("  ", *timeline.title(view))
    for view in found.parked:
        yield ("  ", *timeline.title(view))
        yield from timeline.waits(out, view, "    ")
    hidden = daemon.unfinished - len(found.underway[:_MOST]) - len(found.parked)
    if hidden > 0:
        yield (Span(f"  and {hidden} more: holdfast op list", "dim"),)


def _count(number: int, what: str) -> str:
    return f"{number or 'none'} {what}"


def _findings(daemon: StatusView) -> Iterator[Line]:
    found = daemon.findings
    if found.at is None:
        yield (Span("Last audit: ", "bold"), "none since the daemon started; run one: holdfast audit")
        return
    age = f"{words.lasting(words.since(found.at))} ago, "
    if not found.kinds:
        yield (Span("Last audit: ", "bold"), f"{age}records and world agree")
        return
    kinds = ", ".join(f"{number} {kind}" for kind, number in sorted(found.kinds.items()))
    yield (Span("Last audit: ", "bold"), age, Span(kinds, "bad"), "  (holdfast audit tells more)")


def _wrong(found: Page) -> list[str]:
    """What needs somebody; nothing if all is well."""
    away = sum(not pool.ready for pool in found.pools)
    full = sum(fill.is_full(pool) for pool in found.pools)
    seen = sum(found.daemon.findings.kinds.values())
    counted = (
        (away, f"{words.count(away, 'pool')} not ready"), (full, f"{words.count(full, 'pool')} nearly full"),
        (found.daemon.parked, f"{words.count(found.daemon.parked, 'operation')} parked"),
        (seen, words.count(seen, "finding")),
    )  # fmt: skip
    return [*(["suspended"] if found.daemon.suspended else []), *(text for number, text in counted if number)]
