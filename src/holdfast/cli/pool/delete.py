"""`holdfast pool delete`."""

from holdfast.cli import fill, output, screen, words
from holdfast.cli.changing import Change
from holdfast.cli.common import Address, Form, PoolName, Wait, Yes, confirm
from holdfast.cli.screen import Line


def run(name: PoolName, /, *, yes: Yes = False, wait: Wait = True, form: Form = "table", address: Address = "") -> None:
    """Delete an empty pool: remove its mark, leave the directory. Refused while there is a volume in it.

    Example: holdfast pool delete fast
    """
    change = Change(address, form, wait)
    found = change.client.pool(name)
    where = ", ".join(found.config.values())

    def touched() -> list[Line]:
        fields = [
            ("goes", [f"the pool's record, and its mark in {where}"]), ("stays", [f"{where} and what else is in it"]),
            ("room", [fill.room(found)]), ("labels", [words.labels(found.labels)]),
            ("made", [words.ago(found.created_at)]),
        ]  # fmt: skip
        return list(output.page(screen.out(), fields))

    confirm(f"remove the pool {name}'s mark from {where}", yes, touched, form=form)
    change.end(change.client.delete_pool(name, change.seconds))
