"""`holdfast op list`."""

from typing import Annotated

from cyclopts import Parameter

from holdfast.cli import completing, history, output, screen
from holdfast.cli.common import Address, Form, client
from holdfast.client import Client
from holdfast.model.operations import State


def run(
    *,
    state: State | None = None,
    resource: Annotated[str, Parameter(metavar="POOL[/VOLUME]", completer=completing.volumes)] = "",
    limit: Annotated[int, Parameter(metavar="N")] = 50,
    form: Form = "table",
    address: Address = "",
) -> None:
    """Show the newest operations.

    Example: holdfast op list --state parked
    Example: holdfast op list --resource fast/db

    Parameters
    ----------
    state
        Only those in this state.
    resource
        Only those on this pool or volume itself.
    limit
        How many at the most.
    """
    with client(address) as connection:
        found = connection.operations(state or "", limit, _uid(connection, resource) if resource else "")
    if form != "table":
        output.dump(found, form)
        return
    if not found:
        print("No operation is like that." if state or resource else "There is no operation.")
        return
    out = screen.out()
    out.show(*history.table(out, found))


def _uid(connection: Client, resource: str) -> str:
    pool, slash, volume = resource.partition("/")
    return connection.volume(pool, volume).uid if slash else connection.pool(pool).uid
