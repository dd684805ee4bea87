"""The engine's face to the rest: submit, watch, exits, start, stop."""

from collections.abc import Callable

import structlog

from holdfast.engine import views
from holdfast.engine.codec import Codec, UnknownTag, encode
from holdfast.engine.exits import Exits
from holdfast.engine.journal import Journal
from holdfast.engine.live import Clock, Live
from holdfast.engine.observer import Observer
from holdfast.engine.queue import Queue
from holdfast.engine.request import Request
from holdfast.engine.runner import Runner, Undertaker
from holdfast.engine.submit import Caller, Submission
from holdfast.engine.waits import Answer, Ended, Later
from holdfast.engine.watch import Watch
from holdfast.model.errors import NoSpace, NotFound, Suspended, Unavailable
from holdfast.model.operations import OperationView
from holdfast.records import keys, operations, steps
from holdfast.records.contract import Records, Tx
from holdfast.records.operations import StaleEpoch
from holdfast.runtime.api import Runtime, Task

log = structlog.get_logger()
# Seconds: what is nearer than that to a deadline may be no time at all to a clock that was up for long.
SOONEST = 0.001

KEEP_KEYS = 7 * 86400.0
KEEP_OPERATIONS = 30 * 86400.0
MOST_OPERATIONS = 100_000
# Operations on their callers' threads at once: the face has twice as many, so that half stay for everything else.
MOST_LED = 8


class Engine:
    """Durable operations of one member. `tools` are what steps may use, by class.

    `fatal(reason)` is told when a thread meets an error that leaves the engine's own state unknown.
    """

    def __init__(
        self,
        runtime: Runtime,
        records: Records,
        codec: Codec,
        tools: dict[type, object],
        undertaker: Undertaker,
        *,
        member: str,
        owner: str,
        threads: int = 8,
        fatal: Callable[[str], None] = lambda _reason: None,
        admit: Callable[[], None] = lambda: None,
        observer: Observer | None = None,
    ) -> None:
        self._runtime = runtime
        self._records = records
        self._codec = codec
        self._member = member
        self._threads = threads
        self._fatal = fatal
        self._admit = admit
        self.watch = Watch(runtime, self.get)
        observer = observer or Observer()
        self._journal = Journal(runtime, records, self.watch.changed, observer)
        self._runner = Runner(runtime, self._journal, tools, undertaker, observer)
        self._queue = Queue(runtime, threads)
        self._submission = Submission(runtime, self._journal, codec, member, owner)
        self.exits = Exits(self._journal, records, codec, self._queue, undertaker, self._runner.cancelled, self._forget)
        # With the term in which they were loaded: each resumption begins another, and has new epochs.
        self._handed: dict[str, tuple[int, Live]] = {}
        self._term = 0
        self._clocks: dict[str, Clock] = {}
        self._tasks: list[Task] = []
        self._stopping = False
        self.suspended = ""

    def start(self) -> None:
        """Resume every unfinished operation of this member under a new epoch, and begin to work."""
        if not self.suspended:
            self._resume()
        self._tasks = [self._runtime.spawn(f"engine-{n}", self._work) for n in range(self._threads)]

    def lift(self) -> None:
        """End the suspension: resume what waited for it. The door opens once all of it has its new epoch."""
        if self.suspended:
            self._resume()

    def _resume(self) -> None:
        def take_over(tx: Tx) -> list[str]:
            operations.begin(tx)
            rows = operations.unended(tx, self._member)
            for row in rows:
                operations.new_epoch(tx, row.id)
            return [row.id for row in rows]

        taken = self._journal.write("resume", take_over)
        self._term += 1
        self._clocks.clear()
        self._handed.clear()
        self.suspended = ""
        for op in taken:
            self._queue.put(op)

    def not_ready(self) -> str:
        """Why no request is taken now, or an empty text."""
        return "The daemon is stopping." if self._stopping else self.suspended

    def stop(self, timeout: float = 30.0) -> bool:
        """Finish the steps under way, begin no others; False if some did not end in time."""
        self._stopping = True
        self._queue.close()
        return self._queue.quiet(timeout) and all(task.join(timeout) for task in self._tasks)

    def submit(
        self,
        request: Request,
        caller: Caller | None = None,
        *,
        key: str = "",
        allowance: float | None = None,
        said: Request | None = None,
        begun: Callable[[str], None] | None = None,
        durable: bool = True,
    ) -> OperationView:
        """Store the request as an operation and begin it; the same key and body give the same operation.

        Raises the errors of `bind` and `plan`, KeyReused, Suspended, NoSpace or Unavailable. `allowance`
        is the time in seconds until it undoes by itself. `said` is the request as the caller wrote it, where
        `request` is its canonical form: the key is bound to it. With `begun`, whoever calls waits for the operation
        anyway: it is told its id, and then, while few others run, works on it itself, until it ends or waits. One that
        is not `durable` may never have been, after a loss of power before its first durable intent or its end: for
        callers who then ask again.
        """
        if self._stopping:
            raise Unavailable("The daemon is stopping.", "Try again when it runs.")
        if self.suspended:
            raise Suspended(self.suspended, "Check that the database is the current one, then `holdfast resume`.")
        self._admit()
        op, term = self._runtime.new_id(), self._term
        # Its id is known to others as soon as it is committed: nobody may run it until it is handed over here.
        self._queue.reserve(op)
        try:
            found = self._submission.store(
                op, request, caller or Caller(), key, allowance, said or request, durable=durable
            )
        except BaseException:
            self._queue.put_back(op, None)
            raise
        if isinstance(found, str):
            self._queue.put_back(op, None)
            return self.get(found)
        self._clocks[op] = found.clock
        self._journal.tell(op, found.row.state)
        if found.row.state == "queued":
            self._queue.put_back(op, 0.0)
            return self.get(op)
        self._handed[op] = term, found
        if begun is None or not self._queue.lead(op, MOST_LED):
            view = views.of_live(found)
            self._queue.put_back(op, 0.0)
            return view
        return self._turn(op, lambda: begun(op), found) or self.get(op)

    def earlier(self, said: Request, caller: Caller, key: str) -> OperationView | None:
        """The operation made under this key, if any; raise KeyReused for another request."""
        op = self._records.read(lambda tx: keys.find(tx, caller.scope(key), encode(said)))
        return self.get(op) if op else None

    def get(self, op: str) -> OperationView:
        """The operation as it is now; raise NotFound."""
        return self._records.read(lambda tx: views.read(tx, op, self._codec))

    def since(self, change: int, most: int) -> list[OperationView]:
        """Operations changed after a number, each once, as it is now, in the order of their last change."""

        def read(tx: Tx) -> list[OperationView]:
            rows = operations.since(tx, change, most)
            return [views.view(row, steps.of(tx, row.id), self._codec) for row in rows]

        return self._records.read(read)

    def latest(self) -> int:
        """The number of the last change of any operation."""
        return self._records.read(operations.latest)

    def prune(self) -> None:
        """Forget old operations and keys."""
        now = self._runtime.now()

        def fn(tx: Tx) -> None:
            operations.prune(tx, now - KEEP_OPERATIONS, MOST_OPERATIONS)
            keys.prune(tx, now - KEEP_KEYS)

        self._records.write(fn)

    def _work(self) -> None:
        while (op := self._queue.take()) is not None:
            self._turn(op)

    def _turn(
        self, op: str, first: Callable[[], None] = lambda: None, live: Live | None = None
    ) -> OperationView | None:
        """This thread's turn with an operation; how it is then, if that is asked by giving it `live`."""
        after: float | None = None
        structlog.contextvars.bind_contextvars(operation=op)
        try:
            first()
            after = self._one(op)
            return None if live is None else views.of_live(live)
        except StaleEpoch:
            log.info("operation was taken over")
        except NoSpace as error:
            after = 5.0
            log.warning("the journal has no space", error=error.detail)
        except Unavailable as error:
            log.error("the journal cannot be written", error=error.detail)
            if not self._stopping:  # a stop takes the children and the records away from what did not end in time
                self._fatal(error.detail)
        except Exception as error:
            log.exception("an operation met a fault of Holdfast itself")
            self._fatal(f"operation {op}: {error!r}")
        finally:
            structlog.contextvars.unbind_contextvars("operation")
            self._queue.put_back(op, after)
        return None

    def _forget(self, op: str) -> None:
        """The operation is over, or somebody else's."""
        self._handed.pop(op, None)
        self._clocks.pop(op, None)
        self._runner.cancelled.discard(op)

    def _one(self, op: str) -> float | None:
        if self.suspended:
            return None  # `lift` puts all of them again
        term = self._term
        handed = self._handed.pop(op, None)
        found = handed[1] if handed and handed[0] == term else self._load(op)
        answer = self._runner.leg(found, lambda: self._stopping) if isinstance(found, Live) else found
        if isinstance(answer, Ended):
            self._forget(op)
            for successor in answer.successors:
                self._queue.put(successor)
            return None
        if answer is None:
            return None
        if isinstance(found, Live) and answer.seconds == 0 and not self._stopping:
            self._handed[op] = term, found
        return answer.seconds

    def _load(self, op: str) -> Live | Answer | None:
        """The operation as the journal has it; or how it ended, or when to ask again (None: when it is put)."""
        row = self._records.read(lambda tx: operations.get(tx, op))
        if row is None:
            raise NotFound(f"There is no operation {ascii(op)}.")
        if row.state in ("done", "undone", "abandoned"):
            self._forget(op)
            return None
        clock = self._clocks.setdefault(op, self._submission.fresh_clock(queued=row.state == "queued"))
        try:
            if row.state == "queued":
                granted = self._submission.grant(row, clock)
                if granted is None:
                    left = row.allowance - row.spent - (self._runtime.monotonic() - clock.mark)
                    return Later(max(left, SOONEST)) if row.allowance else None
                return Ended(granted) if isinstance(granted, tuple) else granted
            rows, children = self._records.read(lambda tx: (steps.of(tx, op), steps.children(tx, op)))
            return Live(row, rows, children, self._codec, clock)
        except UnknownTag as error:
            reason = f"it was begun by a newer Holdfast ({error}); start that version to end it"
            self._journal.write("newer", lambda tx: operations.change(tx, op, row.epoch, state="parked", reason=reason))
            self._journal.tell(op, "parked")
            return None
