"""Group commit: the first caller leads, runs all that wait in one transaction, commits once, answers them."""

from collections.abc import Callable
from typing import Any, Protocol

from holdfast.records.contract import Tx
from holdfast.runtime.api import Runtime

# Bounds one leader's turn; far above what a full set of threads can queue.
_MOST = 256


class Connection(Protocol):
    """One connection, used by one caller at a time."""

    def begin(self) -> Tx:
        """Start a transaction."""
        ...

    def commit(self) -> None:
        """Make it durable. An error here is fatal: what is on disk is unknown."""
        ...

    def rollback(self) -> None:
        """Undo it."""
        ...

    def savepoint(self, tx: Tx, fn: Callable[[Tx], Any]) -> Any:
        """Run `fn` so that its error undoes only its own changes, unless the transaction does not stand any more."""
        ...

    def stands(self) -> bool:
        """Whether the transaction is still there: a full disk can take all of it."""
        ...


class _Waiter:
    __slots__ = ("answer", "error", "fn", "over")

    def __init__(self, fn: Callable[[Tx], Any]) -> None:
        self.fn = fn
        self.answer: Any = None
        self.error: BaseException | None = None
        self.over = False


class GroupCommit:
    """Serialises transactions on one connection. `twice` runs every fn twice, the first time rolled back."""

    def __init__(self, runtime: Runtime, connection: Connection, *, twice: bool = False) -> None:
        self._runtime = runtime
        self._connection = connection
        self._twice = twice
        self._turn = runtime.condition()
        self._waiting: list[_Waiter] = []
        self._leading = False

    def submit(self, fn: Callable[[Tx], Any]) -> Any:
        """Run `fn`, alone or with others; return its answer once committed."""
        mine = _Waiter(fn)
        with self._turn:
            self._waiting.append(mine)
        while (batch := self._turn_of(mine)) is not None:
            self._lead(batch)
        if mine.error is not None:
            raise mine.error
        return mine.answer

    def _turn_of(self, mine: _Waiter) -> list[_Waiter] | None:
        """Wait until `mine` is answered (None), or its thread is to lead these, which need not include it."""
        with self._turn:
            while self._leading and not mine.over:
                self._turn.wait()
            if mine.over:
                return None
            self._leading = True
            batch, self._waiting = self._waiting[:_MOST], self._waiting[_MOST:]
            return batch

    def _lead(self, batch: list[_Waiter]) -> None:
        try:
            self._runtime.effect("records.commit", lambda: self._commit(batch))
        except BaseException as error:
            for waiter in batch:
                waiter.error = error
            if not isinstance(error, Exception):
                raise
        finally:
            with self._turn:
                for waiter in batch:
                    waiter.over = True
                self._leading = False
                self._turn.notify_all()

    def _commit(self, batch: list[_Waiter]) -> None:
        if self._twice:
            self._together(batch)
            self._connection.rollback()
        if not self._together(batch):
            self._connection.rollback()
            self._one_by_one(batch)
        self._connection.commit()

    def _together(self, batch: list[_Waiter]) -> bool:
        tx = self._connection.begin()
        try:
            for waiter in batch:
                waiter.answer = waiter.fn(tx)
        except Exception:  # noqa: BLE001 - each is rerun alone, where its own error becomes its answer
            return False
        return True

    def _one_by_one(self, batch: list[_Waiter]) -> None:
        tx = self._connection.begin()
        for waiter in batch:
            try:
                waiter.answer = self._connection.savepoint(tx, waiter.fn)
            except Exception as error:
                if not self._connection.stands():
                    raise  # what the others wrote is gone too, so it is everybody's answer
                waiter.error = error

    def read(self, fn: Callable[[Tx], Any]) -> Any:
        """Run `fn` between commits and roll back."""
        with self._turn:
            while self._leading:
                self._turn.wait()
            self._leading = True
        try:
            tx = self._connection.begin()
            try:
                return fn(tx)
            finally:
                self._connection.rollback()
        finally:
            with self._turn:
                self._leading = False
                self._turn.notify_all()
