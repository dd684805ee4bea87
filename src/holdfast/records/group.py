"""Group commit: the first caller leads, runs all that wait in one transaction, commits once, answers them."""

from collections.abc import Callable
from typing import Any, Protocol

from holdfast.records.contract import Tx
from holdfast.runtime.api import Condition, Runtime

# Bounds one leader's turn; far above what a full set of threads can queue.
_MOST = 256


class Connection(Protocol):
    """One connection, used by one caller at a time."""

    def sync(self, durable: bool) -> None:
        """Whether the transactions that are begun from now on are durable once committed."""
        ...

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
    """One call: `over` once it is answered, `leads` once it is its thread's turn to run what waits.

    Only one that finds another leading needs a bell: the leader rings for the others.
    """

    __slots__ = ("answer", "bell", "durable", "error", "fn", "leads", "over", "reads")

    def __init__(self, fn: Callable[[Tx], Any], *, reads: bool, durable: bool = False) -> None:
        self.fn = fn
        self.durable = durable
        self.bell: Condition | None = None
        self.reads = reads
        self.answer: Any = None
        self.error: BaseException | None = None
        self.over = False
        self.leads = False

    def ring(self, *, over: bool) -> None:
        """Wake its thread: it is answered, or it is to lead."""
        if self.bell is None:
            self.over, self.leads = over, not over
            return
        with self.bell:
            self.over, self.leads = over, not over
            self.bell.notify()

    def wait(self) -> bool:
        """Until woken; whether it is answered."""
        if self.bell is None:
            return self.over
        with self.bell:
            while not self.over and not self.leads:
                self.bell.wait()
            return self.over


class GroupCommit:
    """Serialises transactions on one connection. `twice` runs every fn twice, the first time rolled back.

    What waits is run by the thread of the first that does: reads first, answered at once, then writes together.
    Each waits at a bell of its own, so that one commit wakes those whom it answers and the next leader, nobody else.
    """

    def __init__(self, runtime: Runtime, connection: Connection, *, twice: bool = False) -> None:
        self._runtime = runtime
        self._connection = connection
        self._twice = twice
        self._turn = runtime.condition()
        self._waiting: list[_Waiter] = []
        self._leading = False

    def submit(self, fn: Callable[[Tx], Any], *, durable: bool = True) -> Any:
        """Run `fn`, alone or with others; return its answer once committed. See `Records.write`."""
        return self._ask(_Waiter(fn, reads=False, durable=durable))

    def read(self, fn: Callable[[Tx], Any]) -> Any:
        """Run `fn` between commits and roll back."""
        return self._ask(_Waiter(fn, reads=True))

    def _ask(self, mine: _Waiter) -> Any:
        with self._turn:
            self._waiting.append(mine)
            if self._leading:
                mine.bell = self._runtime.condition()
            else:
                self._leading = mine.leads = True
        while not mine.wait():
            mine.leads = False
            self._lead(mine)
        if mine.error is not None:
            raise mine.error
        return mine.answer

    def _lead(self, mine: _Waiter) -> None:
        """One batch, and whoever is next leads the next; `mine` is answered unless more than a batch was before it."""
        with self._turn:
            batch, self._waiting = self._waiting[:_MOST], self._waiting[_MOST:]
        try:
            for waiter in batch:
                if waiter.reads:
                    self._read(waiter)
                    waiter.ring(over=True)
            writes = [waiter for waiter in batch if not waiter.reads]
            if writes:
                self._runtime.effect("records.commit", lambda: self._commit(writes))
        except BaseException as error:
            for waiter in batch:
                waiter.error = waiter.error if waiter.over else error
            if not isinstance(error, Exception):
                raise
        finally:
            for waiter in batch:
                if not waiter.over:
                    waiter.ring(over=True)
            self._pass_on(mine)

    def _pass_on(self, mine: _Waiter) -> None:
        with self._turn:
            if not self._waiting:
                self._leading = False
                return
            successor = mine if not mine.over else self._waiting[0]
        successor.ring(over=False)

    def _read(self, waiter: _Waiter) -> None:
        tx = self._connection.begin()
        try:
            waiter.answer = waiter.fn(tx)
        except Exception as error:  # noqa: BLE001 - its own error is its answer, and nobody else's
            waiter.error = error
        finally:
            self._connection.rollback()

    def _commit(self, batch: list[_Waiter]) -> None:
        self._connection.sync(any(waiter.durable for waiter in batch))
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
