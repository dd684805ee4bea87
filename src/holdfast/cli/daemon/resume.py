"""`holdfast resume`."""

from typing import Annotated

from cyclopts import Parameter

from holdfast.cli import output, screen, timeline, words
from holdfast.cli.common import Address, Form, Yes, client, confirm
from holdfast.cli.screen import Line, Span
from holdfast.client import Client
from holdfast.model.views import ResumeView

# Names of a pool's differences that are shown at the most.
_SHOWN = 20


def run(
    *,
    preview: Annotated[bool, Parameter(negative=())] = False,
    yes: Yes = False,
    form: Form = "table",
    address: Address = "",
) -> None:
    """Say that this database is the current one, after a restore from a backup: its operations go on.

    It is asked first, and shown: which operations would go on, what the pools hold that this database does not know
    (`holdfast pool adopt` records it), and what it knows that is not there. `--preview` shows that, and does nothing.

    As JSON and YAML: with `--preview` `suspended`, `operations` and `pools`, as REST has them.

    Example: holdfast resume --preview
    Example: holdfast resume

    Parameters
    ----------
    preview
        Only show what would be done, and what would be found.
    """
    with client(address) as connection:
        if preview:
            seen = connection.resume_preview()
            if form == "table":
                screen.out().show(*_told(seen, connection))
            else:
                output.dump(seen, form)
            return
        confirm("let operations resume from this database", yes, lambda: _touched(connection), form=form)
        found = connection.resume()
    if form != "table":
        output.dump(found, form)
    else:
        print("Resumed.")


def _touched(connection: Client) -> list[Line]:
    return _told(connection.resume_preview(), connection)


def _told(found: ResumeView, connection: Client) -> list[Line]:
    """Why it is suspended, what would go on, and how pools and database differ."""
    lines: list[Line] = [(Span(found.suspended or "It is not suspended; nothing will change.", "warn"),)]
    lines += [timeline.title(view) for view in found.operations]
    lines.append((f"recorded: {words.count(connection.status().volumes, 'volume')}",))
    for pool in found.pools:
        if pool.reason:
            lines.append((Span(f"pool {pool.pool}: not known: {pool.reason}", "warn"),))
        if pool.unrecorded:
            lines.append((f"pool {pool.pool}: not recorded, then `holdfast pool adopt`: {_some(pool.unrecorded)}",))
        if pool.missing:
            lines.append((Span(f"pool {pool.pool}: recorded, and not there: {_some(pool.missing)}", "warn"),))
    return lines


def _some(names: list[str]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
