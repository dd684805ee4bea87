"""The journal: every durable change of an operation, each conditional on its epoch and each a failpoint."""

from collections.abc import Callable
from typing import TypeVar

from holdfast.engine.codec import encode, encode_baseline
from holdfast.engine.live import Live
from holdfast.engine.observer import Observer
from holdfast.model.operations import Problem
from holdfast.model.step import ChildIdentity, Done, Todo
from holdfast.records import claims, operations, steps
from holdfast.records.contract import Records, Tx, Value
from holdfast.runtime.api import Runtime

T = TypeVar("T")
# An operation's id, its state, and what a thread holds of it in memory, if one does.
Changed = Callable[[str, str, Live | None], None]


class Cancelled(Exception):
    """A cancel was promised before the pivot's intent could be written."""


class Journal:
    """Writes for one engine. `changed` is told after each commit."""

    def __init__(self, runtime: Runtime, records: Records, changed: Changed, observer: Observer) -> None:
        self._runtime = runtime
        self._records = records
        self._changed = changed
        self._observer = observer

    def write(self, name: str, fn: Callable[[Tx], T], *, durable: bool = True) -> T:
        """One transaction between two failpoints."""
        return self._runtime.effect(f"journal.{name}", lambda: self._records.write(fn, durable=durable))

    def now(self) -> float:
        """Wall-clock seconds, for people."""
        return self._runtime.now()

    def tell(self, op: str, state: str) -> None:
        """Tell the watchers of a change that was committed without a runner."""
        self._changed(op, state, None)

    def _told(self, live: Live) -> None:
        self._changed(live.id, live.row.state, live)

    def _commit(
        self, name: str, live: Live, columns: dict[str, Value], more: Callable[[Tx], T], *, durable: bool = True
    ) -> T:
        """Change the operation's row under its epoch, and what belongs to it; then follow in memory."""
        now = self._runtime.monotonic()
        columns.setdefault("spent", live.spent(now))

        def fn(tx: Tx) -> tuple[int, T]:
            return operations.change(tx, live.id, live.row.epoch, **columns), more(tx)

        number, answer = self.write(name, fn, durable=durable)
        live.clock.mark = now
        live.set_row(changed=number, **columns)
        return answer

    def _step(self, name: str, live: Live, idx: int, columns: dict[str, Value], **step: Value) -> None:
        durable = not live.steps[idx].volatile
        self._commit(name, live, columns, lambda tx: self._write_step(tx, live, idx, step), durable=durable)
        live.set_step(idx, **step)
        self._told(live)

    @staticmethod
    def _write_step(tx: Tx, live: Live, idx: int, columns: dict[str, Value]) -> None:
        if idx > 0:  # the previous step's result rides with this step's intent
            before = live.rows[idx - 1]
            steps.change(tx, live.id, idx - 1, state=before.state, result=before.result, progress=before.progress)
        steps.change(tx, live.id, idx, **columns)

    def intent(self, live: Live, idx: int, verdict: Done | Todo) -> None:
        """The step begins: its baseline is kept for ever. Raises Cancelled at a pivot if a cancel came before it."""
        columns: dict[str, Value] = {
            "state": "intent" if isinstance(verdict, Todo) else "skipped",
            "baseline": encode_baseline(verdict), "attempt": 1, "result": _result(verdict),
        }  # fmt: skip

        def fn(tx: Tx) -> None:
            if live.steps[idx].pivot and isinstance(verdict, Todo):
                row = operations.get(tx, live.id)
                if row is not None and row.cancel:
                    raise Cancelled
            self._write_step(tx, live, idx, columns)

        row: dict[str, Value] = {"state": "running", "reason": "", "cursor": idx, "tries": 0}
        self._commit("intent", live, row, fn, durable=not live.steps[idx].volatile)
        live.set_step(idx, **columns)
        self._told(live)

    def attempt(self, live: Live, idx: int) -> None:
        """Another apply is about to begin under a new number."""
        self._step("attempt", live, idx, {"state": "running"}, attempt=live.rows[idx].attempt + 1)

    def progress(self, live: Live, idx: int, progress: str) -> None:
        """A round ended."""
        columns: dict[str, Value] = {"state": "undoing" if live.row.direction == "undo" else "running"}
        if live.row.direction == "forward":
            columns["spent"] = 0.0  # the deadline counts from the last progress
        self._step("progress", live, idx, {**columns, "reason": "", "tries": 0}, progress=progress)

    @staticmethod
    def step_done(live: Live, idx: int, verdict: Done) -> None:
        """Keep the result; it is written with the next step's intent, or with the outcome."""
        live.set_step(idx, state="done", result=_result(verdict), progress="")

    def undoing(self, live: Live, problem: Problem) -> None:
        """The way back begins."""
        columns: dict[str, Value] = {"state": "undoing", "direction": "undo", "error": encode(problem), "reason": ""}
        rows = list(live.rows)

        def fn(tx: Tx) -> None:
            for row in rows:
                if row.state in ("done", "skipped"):
                    steps.change(tx, live.id, row.idx, state=row.state, result=row.result, progress="")

        self._commit("undoing", live, {**columns, "tries": 0}, fn)
        self._told(live)

    def step_undone(self, live: Live, idx: int, state: str = "undone") -> None:
        """A step is back at its baseline, as its last round may have said; or, found to have moved again, is not."""
        columns: dict[str, Value] = {"state": "undoing", "reason": "", "cursor": idx}
        step: dict[str, Value] = {"state": state, "progress": live.rows[idx].progress if state == "undone" else ""}
        self._commit("undone", live, columns, lambda tx: steps.change(tx, live.id, idx, **step))
        live.set_step(idx, **step)
        self._told(live)

    def park(self, live: Live, reason: str, next_try: float) -> None:
        """Wait, visibly."""
        columns: dict[str, Value] = {
            "state": "parked", "reason": reason, "next_try": next_try, "tries": live.row.tries + 1,
        }  # fmt: skip
        self._commit("park", live, columns, lambda _tx: None)
        self._told(live)

    def end(self, live: Live, state: str, rows: Callable[[Tx], None], error: str | None = None) -> list[str]:
        """Outcome rows, the end, and the release of claims, together; returns who may be next."""
        columns: dict[str, Value] = {"state": state, "ended": self._runtime.now(), "reason": ""}
        if error is not None:
            columns["error"] = error
        last = live.rows[-1] if live.rows else None

        def fn(tx: Tx) -> list[str]:
            if last is not None and state == "done":
                steps.change(tx, live.id, last.idx, state=last.state, result=last.result, progress="")
            rows(tx)
            steps.forget_children(tx, live.id)
            return claims.release(tx, live.id)

        successors = self._commit("end", live, columns, fn)
        self._told(live)
        self._observer.ended(live.row.kind, state, max(0.0, live.row.ended - live.row.created))
        return successors

    def child(self, live: Live, child: ChildIdentity) -> None:
        """A child is about to act. Its end needs no commit: a look tells, and after a loss of power it is over."""
        self._commit("child", live, {}, lambda tx: steps.add_child(tx, live.id, child), durable=False)
        live.children.append(child)


def _result(verdict: Done | Todo) -> str:
    return encode(verdict.result) if isinstance(verdict, Done) and verdict.result is not None else ""
