"""`holdfast token list`."""

from holdfast.cli import output, words
from holdfast.cli.common import Address, Form, client
from holdfast.cli.screen import Cell, Span
from holdfast.model.views import TokenView

_NONE = "There is no token. Make one: holdfast token create NAME --role viewer"


def run(*, form: Form = "table", address: Address = "") -> None:
    """Show the tokens, without their secrets.

    Example: holdfast token list
    """
    with client(address) as connection:
        found = connection.tokens()
    if form != "table":
        output.dump(found, form)
        return
    output.table(("NAME", "ROLE", "MADE", "EXPIRES", "ID"), [_row(token) for token in found], _NONE)


def _row(token: TokenView) -> list[Cell]:
    return [token.name, token.role, words.when(token.created_at), expiry(token), token.id]


def expiry(token: TokenView) -> Cell:
    """When it ends, or that it has."""
    if token.expires_at is None:
        return "never"
    over = words.since(token.expires_at) > 0
    return Span(words.when(token.expires_at) + (" (expired)" if over else ""), "bad" if over else "")
