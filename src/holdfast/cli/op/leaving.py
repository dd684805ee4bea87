"""What `retry`, `cancel` and `abandon` share: they answer with the operation as it is then."""

from holdfast.cli import output, screen, timeline
from holdfast.cli.screen import Line, Screen
from holdfast.model.operations import OperationView


def told(view: OperationView, form: str) -> None:
    """Show it."""
    if form != "table":
        output.dump(view, form)
        return
    out = screen.out()
    out.show(*timeline.lines(out, view))


def steps(out: Screen, view: OperationView) -> list[Line]:
    """The operation with its steps, for who is asked."""
    return list(timeline.lines(out, view))
