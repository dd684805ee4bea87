"""`holdfast resume`."""

from holdfast.cli import output, timeline, words
from holdfast.cli.common import Address, Form, Yes, client, confirm
from holdfast.cli.screen import Line, Span
from holdfast.client import Client


def run(*, yes: Yes = False, form: Form = "table", address: Address = "") -> None:
    """Say that this database is the current one, after a restore from a backup: its operations go on.

    Run `holdfast audit` first: it tells what the database does not know.

    Example: holdfast resume
    """
    with client(address) as connection:
        confirm("let operations resume from this database", yes, lambda: _touched(connection), form=form)
        found = connection.resume()
    if form != "table":
        output.dump(found, form)
    else:
        print("Resumed.")


def _touched(connection: Client) -> list[Line]:
    """Why it is suspended, and what would go on."""
    status = connection.status()
    lines: list[Line] = [(Span(status.suspended or "It is not suspended; nothing will change.", "warn"),)]
    lines += [timeline.title(view) for view in connection.operations() if not view.ended]
    return [*lines, (f"recorded: {words.count(status.volumes, 'volume')}",)]
