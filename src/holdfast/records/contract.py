"""What the two engines of the records share: a transaction, `write(fn)` and `read(fn)`."""

import abc
from collections.abc import Callable, Sequence
from typing import TypeVar

from holdfast.model.errors import SchemaTooNew
from holdfast.records.schema import MIGRATIONS, VERSION

T = TypeVar("T")
Value = str | int | float
Row = tuple[Value, ...]


class Tx(abc.ABC):
    """One transaction. Placeholders are `?`, in the order of `values`."""

    @abc.abstractmethod
    def run(self, sql: str, values: Sequence[Value] = ()) -> list[Row]:
        """Execute one statement and return all rows."""

    @abc.abstractmethod
    def change(self, sql: str, values: Sequence[Value] = ()) -> int:
        """Execute one statement and return how many rows it changed."""


class Records(abc.ABC):
    """The database. `fn` is rerunnable: it reads and writes only through its Tx and draws no ids or time."""

    @abc.abstractmethod
    def write(self, fn: Callable[[Tx], T], *, durable: bool = True) -> T:
        """Run `fn` in a transaction; return its answer once that is durable.

        One that is not `durable` outlives this process and comes before whatever is written later, but a loss of
        power may take it back: for what says nothing any more once the machine was off.
        """

    @abc.abstractmethod
    def read(self, fn: Callable[[Tx], T]) -> T:
        """Run `fn` on a consistent state; whatever it writes is rolled back."""

    @abc.abstractmethod
    def close(self) -> None:
        """Close all connections."""


def migrate(tx: Tx, version: int, words: dict[str, str]) -> None:
    """Bring a database of schema `version` up to date, or refuse one that is newer."""
    if version > VERSION:
        raise SchemaTooNew(
            f"The database has schema {version}; this Holdfast knows up to {VERSION}.",
            "Start the Holdfast that wrote it, or a newer one; or restore a backup made before the upgrade.",
        )
    for number in range(version, VERSION):
        for statement in MIGRATIONS[number]:
            tx.run(statement.format(**words))
