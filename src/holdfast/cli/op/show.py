"""`holdfast op show`."""

from holdfast.cli import output, screen, timeline, words
from holdfast.cli.common import Address, Form, OperationId, client
from holdfast.cli.screen import Span


def run(op: OperationId, /, *, form: Form = "table", address: Address = "") -> None:
    """Show one operation and its steps: why it waits and how to end that, or how it failed.

    Example: holdfast op show 876433c40a8444818d92e221ba3fdf77
    """
    with client(address) as connection:
        found = connection.operation(op)
    if form != "table":
        output.dump(found, form)
        return
    out = screen.out()
    asked = f"  asked for by {found.actor or 'nobody known'} on {words.ago(found.created_at)}"
    first, *rest = timeline.lines(out, found)
    out.show(first, (Span(asked, "dim"),), *rest)
