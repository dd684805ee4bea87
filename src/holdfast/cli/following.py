"""Following an operation until it ends, or waits for the world: by short questions, so that a terminal stays alive."""

import time
from collections.abc import Iterator
from typing import NoReturn

from holdfast.cli import screen, timeline
from holdfast.cli.screen import Line, Screen, Span
from holdfast.client import Client
from holdfast.model.errors import Unavailable
from holdfast.model.operations import OperationView

# Seconds that one question waits at the daemon; whatever ends sooner is never drawn as a timeline.
LEG = 0.5
# Seconds for which a daemon that is being restarted is tried again, and the pause between tries.
PATIENCE = 60.0
_PAUSE = 0.25
LONGEST = 3600.0
INTERRUPTED = 130


def views(connection: Client, view: OperationView) -> Iterator[OperationView]:
    """The operation as it is, now and again and again, at last once it ended. Raises Unavailable."""
    silent_since: float | None = None
    while not view.ended:
        yield view
        try:
            view = connection.operation(view.id, wait=LEG)
            silent_since = None
        except Unavailable as error:
            silent_since = time.monotonic() if silent_since is None else silent_since
            if time.monotonic() - silent_since > PATIENCE:
                hint = f"The operation goes on when the daemon is back: holdfast op watch {view.id}"
                raise Unavailable(error.detail, hint) from error
            time.sleep(_PAUSE)
    yield view


def quietly(connection: Client, view: OperationView) -> OperationView:
    """Wait until it ended or is parked, as programs want it; at most an hour. Whose turn is first is told once."""
    end, told = time.monotonic() + LONGEST, False
    for now in views(connection, view):
        view = now
        if view.state == "queued" and view.reason and not told:
            told = True
            screen.err().show((Span("waits:", "warn"), f" {view.reason}  (holdfast op watch {view.id})"))
        if view.state == "parked" or time.monotonic() > end:
            break
    return view


def printed(connection: Client, view: OperationView) -> OperationView:
    """Wait until it ended, and print it whenever it changed."""
    out, said = screen.out(), ""
    for now in views(connection, view):
        view, changed = now, _what(now)
        if changed != said:
            out.show(*timeline.lines(out, now))
            said = changed
    return view


def _what(view: OperationView) -> str:
    return repr((view.state, view.reason, view.exits, view.steps))


def live(connection: Client, view: OperationView) -> OperationView:
    """Wait until it ended, with its timeline drawn in one place of the terminal, which is clean afterwards."""
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    out = screen.out()
    leave: Line = (Span("  Ctrl-C stops watching; the operation goes on.", "dim"),)

    def drawn() -> Text:
        return Text.from_ansi("\n".join(out.paint(line) for line in (*timeline.lines(out, view), leave)))

    # What is drawn has its colours already; rich moves the cursor.
    console = Console(file=out.stream, no_color=not out.colour, highlight=False, width=out.width)
    with Live(console=console, get_renderable=drawn, transient=True, refresh_per_second=4):
        for now in views(connection, view):
            view = now
    return view


def interrupted(view: OperationView) -> NoReturn:
    """Say that nobody cancelled anything, and end."""
    told = screen.err()
    told.show(
        (Span("interrupted:", "warn"), f" {view.kind} {view.resource.path} was not cancelled; it goes on."),
        (f"  {told.sign('→', '->')} Follow it: holdfast op watch {view.id}",),
    )
    raise SystemExit(INTERRUPTED)


def can_draw(out: Screen, form: str) -> bool:
    """Whether a timeline can be drawn over itself."""
    return form == "table" and out.live
