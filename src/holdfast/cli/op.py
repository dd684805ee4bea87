"""`holdfast op`."""

import sys
from typing import Annotated

from cyclopts import App, Parameter

from holdfast.cli import output
from holdfast.cli.common import Form, Yes, client, confirm
from holdfast.client.client import ended_well
from holdfast.model.operations import OperationView

app = App(name="op", help="Operations: what runs, what waits and why, what ended how.")


@app.command(name="list")
def list_(*, state: str = "", limit: Annotated[int, Parameter(negative=())] = 50, form: Form = "table") -> None:
    """Show the newest operations.

    Parameters
    ----------
    state
        Only those in this state: queued, running, undoing, parked, done, undone, abandoned.
    limit
        How many at the most.
    """
    found = client().operations(state, limit)
    if form != "table":
        output.dump(found, form)
        return
    rows = []
    for op in found:
        why = op.reason or (op.error.detail if op.error else "")
        rows.append([op.id, op.kind, op.resource.path, op.state, output.when(op.created_at), why])
    output.table(("ID", "KIND", "RESOURCE", "STATE", "CREATED", "REASON"), rows, "There is no operation.")


@app.command
def show(op: str, *, form: Form = "table") -> None:
    """Show one operation and its steps.

    Parameters
    ----------
    op
        Its id.
    """
    found = client().operation(op)
    if form != "table":
        output.dump(found, form)
    else:
        print("\n".join(output.timeline(found)))


@app.command
def watch(op: str, *, form: Form = "table") -> None:
    """Follow an operation until it ends.

    Parameters
    ----------
    op
        Its id.
    """
    connection = client()
    if form == "table" and sys.stdout.isatty():
        view = _live(op)
    else:
        view, said = connection.operation(op), ""
        while True:
            now = "\n".join(output.timeline(view))
            if form == "table" and now != said:
                print(now, flush=True)
            said = now
            if view.ended:
                break
            view = connection.operation(op, wait=2.0)
        if form != "table":
            output.dump(view, form)
    ended_well(view)


def _live(op: str) -> OperationView:
    from rich.live import Live
    from rich.text import Text

    connection = client()
    view = connection.operation(op)
    with Live(Text("\n".join(output.timeline(view))), refresh_per_second=8) as live:
        while not view.ended:
            view = connection.operation(op, wait=0.5)
            live.update(Text("\n".join(output.timeline(view))))
    return view


def _exit(op: str, verb: str, form: str, reason: str = "") -> None:
    view = client().exit(op, verb, reason)
    if form != "table":
        output.dump(view, form)
    else:
        print("\n".join(output.timeline(view)))


@app.command
def retry(op: str, *, form: Form = "table") -> None:
    """Make a waiting operation try now.

    Parameters
    ----------
    op
        Its id.
    """
    _exit(op, "retry", form)


@app.command
def cancel(op: str, *, yes: Yes = False, form: Form = "table") -> None:
    """Undo an operation that is not past its point of no return.

    Parameters
    ----------
    op
        Its id.
    """
    confirm(f"undo what the operation {op} has done so far", yes)
    _exit(op, "cancel", form)


@app.command
def abandon(op: str, *, reason: str, yes: Yes = False, form: Form = "table") -> None:
    """End a waiting operation without touching the world. Its resource stays recorded, with a condition.

    Parameters
    ----------
    op
        Its id.
    reason
        Why; kept with the resource.
    """
    confirm(f"give up the operation {op} and leave the world just as it is", yes)
    _exit(op, "abandon", form, reason)
