"""`holdfast token create`."""

from typing import Annotated

from cyclopts import Parameter

from holdfast.cli import output, screen, words
from holdfast.cli.common import Address, Form, client
from holdfast.cli.screen import Span
from holdfast.model.views import Role


def run(
    name: Annotated[str, Parameter(metavar="NAME")],
    /,
    *,
    role: Role = "viewer",
    expires: Annotated[str | None, Parameter(metavar="TIME")] = None,
    form: Form = "table",
    address: Address = "",
) -> None:
    """Make a token. Its secret is the only thing on standard output, this once; the daemon keeps none.

    As JSON and YAML: `token` and `secret`, as REST has them.

    Example: holdfast token create dashboard --expires 30d
    Example: holdfast token create ci --role operator >/root/holdfast-ci.token

    Parameters
    ----------
    name
        Its name; for `token revoke`, and as the actor of what it asks for.
    role
        A viewer sees all but tokens, an operator changes volumes and mounts, an admin may do everything.
    expires
        After how long: a number and s, m, h, d, w or y. Without it, never.
    """
    lifetime = None if expires is None else words.parse_lasting(expires)
    with client(address) as connection:
        made = connection.create_token(name, role, lifetime)
    if form != "table":
        output.dump(made, form)
        return
    until = "never expires" if made.token.expires_at is None else f"expires on {words.when(made.token.expires_at)}"
    told = f"The token {made.token.name} is made: role {made.token.role}, {until}. Keep it; it is shown this once."
    screen.err().show((Span(told, "dim"),))
    print(made.secret)
