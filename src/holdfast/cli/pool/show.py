"""`holdfast pool show`."""

from collections.abc import Iterator
from typing import Annotated

from cyclopts import Parameter

from holdfast.cli import fill, output, screen, words
from holdfast.cli.common import Address, Form, PoolName, client
from holdfast.cli.history import conditions, recent
from holdfast.cli.screen import Cell, Line, Screen, Span
from holdfast.cli.timeline import state
from holdfast.model.operations import OperationView
from holdfast.model.views import PoolView


def run(
    name: PoolName,
    /,
    *,
    operations: Annotated[int, Parameter(metavar="N")] = 5,
    form: Form = "table",
    address: Address = "",
) -> None:
    """Show one pool: its room, its labels, what is known of it, and its last operations.

    As JSON and YAML: `pool` and `operations`, each as REST has it.

    Example: holdfast pool show fast

    Parameters
    ----------
    operations
        How many of its last operations to show.
    """
    with client(address) as connection:
        found = connection.pool(name)
        last = connection.operations(resource=found.uid, limit=operations) if operations > 0 else []
    if form != "table":
        output.dump({"pool": found, "operations": last}, form)
        return
    out = screen.out()
    out.show(*_lines(out, found, last))


def _lines(out: Screen, pool: PoolView, last: list[OperationView]) -> Iterator[Line]:
    yield from output.page(out, _fields(pool))
    yield from recent(out, last)


def _fields(pool: PoolView) -> list[tuple[str, list[Cell]]]:
    ready: list[Cell] = [state(pool.state)]
    if pool.state == "ready" and not pool.ready:
        ready = [Span(f"not ready: {pool.reason}", "bad")]
    config: list[tuple[str, list[Cell]]] = [(key, [value]) for key, value in pool.config.items()]
    return [
        ("name", [Span(pool.name, "bold")]), ("state", ready), ("driver", [pool.driver]),
        *config,
        ("used", [fill.share(pool)]), ("room", [fill.room(pool)]),
        ("provisioned", [fill.promised(pool)]), ("labels", [words.labels(pool.labels)]),
        ("conditions", conditions(pool.conditions)), ("made", [words.ago(pool.created_at)]),
        ("uid", [pool.uid]),
    ]  # fmt: skip
