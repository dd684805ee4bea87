"""`holdfast op watch`."""

import sys
import time
from collections.abc import Iterator
from typing import Annotated

import msgspec
from cyclopts import Parameter

from holdfast.cli import completing, following, output, screen, timeline, words
from holdfast.cli.common import Address, Form, client
from holdfast.cli.screen import Cell, Line, Screen, Span, width
from holdfast.client import Client, ended_well
from holdfast.client.wire import Event
from holdfast.model.errors import Unavailable
from holdfast.model.operations import OperationView

# Seconds between tries to take the stream of events up again.
_PAUSE = 1.0


def run(
    op: Annotated[str, Parameter(metavar="ID", completer=completing.operations)] = "",
    /,
    *,
    form: Form = "table",
    address: Address = "",
) -> None:
    """Follow an operation until it ends; without an id, follow all as they change, until interrupted.

    As JSON and YAML: the operation once it ended. Without an id: a JSON object a line, or a YAML document each.

    Example: holdfast op watch 876433c40a8444818d92e221ba3fdf77
    Example: holdfast op watch -o json | jq -r 'select(.state == "parked") | .reason'

    Parameters
    ----------
    op
        The operation's id.
    """
    with client(address) as connection:
        if op:
            _one(connection, op, form)
        else:
            _all(connection, form)


def _one(connection: Client, op: str, form: str) -> None:
    out = screen.out()
    view = connection.operation(op)
    try:
        if following.can_draw(out, form):
            view = following.live(connection, view)
            out.show(*timeline.lines(out, view, error=False))
        elif form == "table":
            view = following.printed(connection, view)
        else:
            for now in following.views(connection, view):
                view = now
            output.dump(view, form)
    except KeyboardInterrupt:
        following.interrupted(view)
    ended_well(view)


def _all(connection: Client, form: str) -> None:
    """Until interrupted; a daemon that was there once is waited for."""
    out, last = screen.out(), ""
    while True:
        try:
            for event in connection.events(last):
                last = event.id
                _told(out, event, form)
        except Unavailable as error:
            if not last:
                raise
            screen.err().show((Span(f"{error.detail}; trying again", "warn"),))
        time.sleep(_PAUSE)


def _told(out: Screen, event: Event, form: str) -> None:
    if event.operation is None:
        return
    if form == "json":
        sys.stdout.buffer.write(msgspec.json.encode(event.operation) + b"\n")
        sys.stdout.flush()
    elif form == "yaml":
        print("---")
        output.dump(event.operation, form)
        sys.stdout.flush()
    else:
        out.show(*_lines(out, event.operation))


def _lines(out: Screen, view: OperationView) -> Iterator[Line]:
    """In a pipe one line; on a terminal the time of day is enough, and why is below where it finds no room."""
    at, word, why = words.when(time.time()), timeline.state(view.state), _why(view)
    line: list[Cell] = [
        Span(at.partition(" ")[2] if out.terminal else at, "dim"), f"  {view.id}  ",
        Span(f"{word.text:<9}", word.style), f" {view.kind} {view.resource.path}",
    ]  # fmt: skip
    beside = not out.terminal or sum(map(width, line)) + 2 + width(why) <= out.width
    yield [*line, Span(f"  {why}", "dim")] if beside and why else line
    if why and not beside:
        yield from out.wrapped(why, "    ", "dim")


def _why(view: OperationView) -> str:
    """Its error, why it waits, or the step that it is at."""
    if view.error is not None:
        return view.error.detail
    if view.state in ("parked", "queued", "abandoned"):
        return view.reason
    return next((f"{step.summary} {step.progress}".rstrip() for step in view.steps if step.state == "intent"), "")
