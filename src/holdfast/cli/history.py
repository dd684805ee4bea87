"""What happened to a resource: its conditions and its last operations."""

from collections.abc import Iterator, Sequence

from holdfast.cli import tables, timeline, words
from holdfast.cli.screen import Cell, Line, Screen, Span, Style
from holdfast.model.conditions import ABANDONED, Condition
from holdfast.model.operations import OperationView

# Narrower terminals are not told who asked; `op show` tells.
_WIDE = 100


def conditions(found: Sequence[Condition]) -> list[Cell]:
    """A line each: the type, why, and since when."""
    return [_condition(each) for each in found]


def _condition(found: Condition) -> Cell:
    style: Style = "warn" if found.type == ABANDONED or not found.status else ""
    holds = found.reason or ("yes" if found.status else "no")
    return Span(f"{found.type}: {holds} (since {words.when(found.since)})", style)


def table(out: Screen, found: Sequence[OperationView]) -> Iterator[Line]:
    """Operations as a table: for people with their age, for programs with their time."""
    by = not out.terminal or out.width >= _WIDE
    head = ("ID", "STATE", "AGE" if out.terminal else "CREATED", "WHAT", *(["BY"] if by else []), "REASON")
    yield from tables.lines(out, head, [_row(view, age=out.terminal, by=by) for view in found], remark=True)


def _row(view: OperationView, *, age: bool, by: bool) -> list[Cell]:
    why = view.reason or (view.error.detail if view.error else "")
    when = words.lasting(words.since(view.created_at)) if age else words.when(view.created_at)
    return [
        view.id, timeline.state(view.state), when, f"{view.kind} {view.resource.path}", *([view.actor] if by else []),
        Span(why, "bad" if view.ended else "warn"),
    ]  # fmt: skip


def recent(out: Screen, found: Sequence[OperationView]) -> Iterator[Line]:
    """The last operations, if there are any."""
    if found:
        yield ()
        yield (Span("Last operations", "bold"),)
        yield from table(out, found)
