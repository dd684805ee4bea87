"""What happened to a resource: its conditions and its last operations."""

from collections.abc import Iterator, Sequence

from holdfast.cli import tables, timeline, words
from holdfast.cli.screen import Cell, Line, Screen, Span, Style
from holdfast.model.conditions import ABANDONED, Condition
from holdfast.model.operations import OperationView

HEAD = ("ID", "STATE", "WHAT", "WHEN", "BY", "REASON")


def conditions(found: Sequence[Condition]) -> list[Cell]:
    """A line each: the type, why, and since when."""
    return [_condition(each) for each in found]


def _condition(found: Condition) -> Cell:
    style: Style = "warn" if found.type == ABANDONED or not found.status else ""
    holds = found.reason or ("yes" if found.status else "no")
    return Span(f"{found.type}: {holds} (since {words.when(found.since)})", style)


def row(view: OperationView) -> list[Cell]:
    """An operation as a row of `HEAD`."""
    why = view.reason or (view.error.detail if view.error else "")
    return [
        view.id, timeline.state(view.state), f"{view.kind} {view.resource.path}", words.when(view.created_at),
        view.actor, Span(why, "bad" if view.error and not view.reason else "warn"),
    ]  # fmt: skip


def recent(out: Screen, found: list[OperationView]) -> Iterator[Line]:
    """A table of the last operations, if there are any."""
    if found:
        yield ()
        yield (Span("Last operations", "bold"),)
        yield from tables.lines(out, HEAD, [row(view) for view in found], remark=True)
