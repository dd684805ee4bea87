"""`holdfast token revoke`."""

from typing import Annotated

from cyclopts import Parameter

from holdfast.cli import completing, output, screen, words
from holdfast.cli.common import Address, Form, Yes, client, confirm
from holdfast.cli.screen import Cell, Line
from holdfast.cli.token.list import expiry
from holdfast.model.errors import NotFound


def run(
    token: Annotated[str, Parameter(metavar="NAME", completer=completing.tokens)],
    /,
    *,
    yes: Yes = False,
    form: Form = "table",
    address: Address = "",
) -> None:
    """Revoke a token: from then on it lets nobody in.

    Example: holdfast token revoke dashboard

    Parameters
    ----------
    token
        Its name or its id.
    """
    with client(address) as connection:
        found = next((each for each in connection.tokens() if token in (each.name, each.id)), None)
        if found is None:
            raise NotFound(f"There is no token {ascii(token)}.", "`holdfast token list` shows them.")

        def touched() -> list[Line]:
            fields: list[tuple[str, list[Cell]]] = [
                ("role", [found.role]), ("made", [words.ago(found.created_at)]), ("expires", [expiry(found)]),
                ("id", [found.id]),
            ]  # fmt: skip
            return list(output.page(screen.out(), fields))

        confirm(f"revoke the token {found.name}: who uses it is shut out at once", yes, touched, form=form)
        gone = connection.revoke_token(found.id)
    if form != "table":
        output.dump(gone, form)
    else:
        print(f"The token {gone.name} is revoked.")
