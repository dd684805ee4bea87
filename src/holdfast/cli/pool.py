"""`holdfast pool`."""

from typing import Annotated

from cyclopts import App, Parameter

from holdfast.cli import output
from holdfast.cli.common import Form, Wait, Yes, client, confirm, finish, seconds
from holdfast.model.errors import Invalid
from holdfast.model.sizes import format_size

app = App(name="pool", help="Places where volumes live.")


@app.command
def create(
    name: str,
    *,
    driver: str = "dir",
    set_: Annotated[list[str] | None, Parameter(name="--set", negative=())] = None,
    limit: str | None = None,
    wait: Wait = True,
    form: Form = "table",
) -> None:
    """Make a pool.

    Example: holdfast pool create fast --driver dir --set source=/srv/fast

    Parameters
    ----------
    name
        Its name.
    driver
        Its kind.
    set_
        An option of the driver, as key=value.
    limit
        The most that its volumes' sizes may sum up to, as in 500GiB.
    """
    config = {}
    for option in set_ or []:
        key, equals, value = option.partition("=")
        if not equals:
            raise Invalid(f"--set {option} is not key=value.")
        config[key] = value
    finish(client().create_pool(name, config, driver, limit, seconds(wait)), form)


@app.command(name="list")
def list_(*, form: Form = "table") -> None:
    """Show all pools."""
    found = client().pools()
    if form != "table":
        output.dump(found, form)
        return
    rows = []
    for pool in found:
        used = f"{100 * (pool.total - (pool.free or 0)) // pool.total} %" if pool.total else "?"
        where = ", ".join(pool.config.values())
        state = "ready" if pool.ready else f"not ready: {pool.reason}"
        rows.append([pool.name, pool.driver, where, format_size(pool.provisioned), used, state])
    output.table(
        ("NAME", "DRIVER", "WHERE", "PROVISIONED", "DISK USED", "STATE"), rows,
        "There is no pool yet. Make one: holdfast pool create NAME --driver dir --set source=PATH",
    )  # fmt: skip


@app.command
def show(name: str, *, form: Form = "table") -> None:
    """Show one pool.

    Parameters
    ----------
    name
        Its name.
    """
    found = client().pool(name)
    output.dump(found, "yaml" if form == "table" else form)


@app.command
def delete(name: str, *, yes: Yes = False, wait: Wait = True, form: Form = "table") -> None:
    """Delete an empty pool: remove its mark, leave the directory.

    Parameters
    ----------
    name
        Its name.
    """
    connection = client()
    where = ", ".join(connection.pool(name).config.values())
    confirm(f"remove the pool {name}'s mark from {where}", yes)
    finish(connection.delete_pool(name, seconds(wait)), form)


@app.command
def forget(name: str, *, yes: Yes = False, wait: Wait = True, form: Form = "table") -> None:
    """Drop a pool's records and touch nothing: for a back end that is gone for good.

    Parameters
    ----------
    name
        Its name.
    """
    connection = client()
    count = sum(1 for _ in connection.volumes(name))
    confirm(f"forget the pool {name} and its {count} volumes; their data stay where they are, unmanaged", yes)
    finish(connection.delete_pool(name, seconds(wait), forget=True), form)
