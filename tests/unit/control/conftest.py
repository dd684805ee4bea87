"""A simulated universe with one database."""

import itertools
from collections.abc import Callable, Iterator
from typing import TypeVar

import apsw
import pytest

from holdfast.records.sqlite import SqliteRecords
from holdfast.runtime.simulated import Scheduler, SimulatedRuntime

T = TypeVar("T")
_serial = itertools.count()


class Universe:
    """`do` runs something in it and gives its result or raises its error."""

    def __init__(self) -> None:
        self.scheduler = Scheduler(1)
        self.runtime = SimulatedRuntime(self.scheduler)
        name = f"/control-{next(_serial)}"
        self._keeps = apsw.Connection(name, vfs="memdb")
        self.records = SqliteRecords(self.runtime, name, vfs="memdb", twice=True)

    def do(self, fn: Callable[[], T]) -> T:
        """As a task of its own."""
        results: list[T] = []
        errors: list[Exception] = []

        def task() -> None:
            try:
                results.append(fn())
            except Exception as error:  # noqa: BLE001 - raised below
                errors.append(error)

        self.runtime.spawn("test", task)
        self.scheduler.run(lambda: bool(results or errors))
        if errors:
            raise errors[0]
        return results[0]

    def close(self) -> None:
        """The end."""
        self.records.close()
        self._keeps.close()

    def passes(self, seconds: float) -> None:
        """Time goes by."""
        self.do(lambda: self.runtime.sleep(seconds))


@pytest.fixture
def universe() -> Iterator[Universe]:
    """Empty."""
    made = Universe()
    yield made
    made.close()
