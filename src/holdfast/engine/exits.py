"""The exits of whatever waits: retry, cancel, abandon."""

from collections.abc import Callable

import msgspec

from holdfast.engine.codec import Codec, UnknownTag, decode_result
from holdfast.engine.journal import Journal
from holdfast.engine.queue import Queue
from holdfast.engine.request import Bound, Results
from holdfast.model.errors import Invalid, NotFound, WrongState
from holdfast.model.operations import ENDED
from holdfast.model.step import ChildIdentity
from holdfast.records import claims, operations, steps
from holdfast.records.contract import Records, Tx
from holdfast.records.operations import OperationRow


class Exits:
    """What a person can do with an operation that is not over."""

    def __init__(
        self,
        journal: Journal,
        records: Records,
        codec: Codec,
        queue: Queue,
        undertaker: Callable[[ChildIdentity], bool],
        cancelled: set[str],
        forget: Callable[[str], None],
    ) -> None:
        self._journal = journal
        self._records = records
        self._codec = codec
        self._queue = queue
        self._undertaker = undertaker
        self._cancelled = cancelled
        self._forget = forget

    def _get(self, tx: Tx, op: str) -> OperationRow:
        row = operations.get(tx, op)
        if row is None:
            raise NotFound(f"There is no operation {ascii(op)}.", "`holdfast op list` shows them.")
        return row

    def retry(self, op: str) -> None:
        """Try now instead of at the next time; nothing to do for one that is over or runs."""
        row = self._records.read(lambda tx: self._get(tx, op))
        if row.state not in ENDED:
            self._queue.put(op)

    def cancel(self, op: str) -> None:
        """Undo it at the next boundary; raise WrongState past the pivot or once over."""

        def fn(tx: Tx) -> OperationRow | None:
            row = self._get(tx, op)
            if row.state == "undone" or row.cancel:
                return None
            if row.state in ENDED:
                raise WrongState(f"The operation {op} is already {row.state}.")
            rows = steps.of(tx, op)
            try:
                plan = [self._codec.step(step.body) for step in rows]
            except UnknownTag as error:
                raise _newer(op, error) from error
            past = [s for s, r in zip(plan, rows, strict=True) if s.pivot and r.state in ("intent", "done")]
            if past:
                raise WrongState(
                    f"The operation {op} is past the point of no return ({past[0].describe()}).",
                    "It goes on by itself; `retry` makes it try now, `abandon` leaves the world as it is.",
                )
            operations.change(tx, op, row.epoch, cancel=1)
            return row

        row = self._journal.write("cancel", fn)
        if row is not None:
            self._cancelled.add(op)
            self._queue.put(op)
            self._journal.tell(op, row.state)

    def abandon(self, op: str, reason: str) -> None:
        """End it without touching the world: claims go, rows stay with a condition. Only for one that waits."""
        if not reason.strip():
            raise Invalid("Abandoning needs a reason.", "Say why with --reason; it is kept with the resource.")
        row = self._records.read(lambda tx: self._get(tx, op))
        if row.state in ENDED:
            raise WrongState(f"The operation {op} is already {row.state}.")
        if not self._queue.hold(op):
            raise WrongState(f"The operation {op} runs right now.", "Try again when it waits.")
        now = self._journal.now()
        try:
            self._bury(op)
            successors = self._journal.write("take-over", lambda tx: self._take_over(tx, op, reason, now))
        except BaseException:
            self._queue.put_back(op, 0.0)  # its timer was taken with it
            raise
        self._forget(op)
        self._queue.put_back(op, None)
        self._journal.tell(op, "abandoned")
        for successor in successors:
            self._queue.put(successor)

    def _bury(self, op: str) -> None:
        """What a living child of it may still do must not meet whoever comes next (rule 9)."""
        for child in self._records.read(lambda tx: steps.children(tx, op)):
            if not self._undertaker(child):
                raise WrongState(
                    f"The process {child.pid} of the operation {op} cannot be killed yet: it sleeps in the kernel.",
                    "Abandon it when that ended; what it waits for may come back, and a reboot ends it for sure.",
                )

    def _take_over(self, tx: Tx, op: str, reason: str, now: float) -> list[str]:
        row = self._get(tx, op)
        if row.state in ENDED:
            raise WrongState(f"The operation {op} is already {row.state}.")
        epoch = operations.new_epoch(tx, op)
        was_queued = row.state == "queued"
        try:
            request = self._codec.request(row.request)
        except UnknownTag as error:
            raise _newer(op, error) from error
        if not was_queued:
            bound = msgspec.json.decode(row.ids, type=Bound)
            request.learned(tx, bound, self._results(tx, op))
            request.abandoned(tx, bound, f"operation {op} abandoned: {reason}")
        operations.change(tx, op, epoch, state="abandoned", reason=reason, ended=now)
        steps.forget_children(tx, op)
        return claims.release(tx, op)

    def _results(self, tx: Tx, op: str) -> Results:
        """Of the steps that are known: one of a newer version tells nothing here."""
        found = []
        for row in steps.of(tx, op):
            try:
                found.append(decode_result(self._codec.step(row.body), row.result))
            except UnknownTag:
                continue
        return Results([result for result in found if result is not None])


def _newer(op: str, error: UnknownTag) -> WrongState:
    return WrongState(f"The operation {op} was begun by a newer Holdfast ({error}).", "Start that version first.")
