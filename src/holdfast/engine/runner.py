"""The engine's cycle: one leg of one operation, until it ends or waits.

Theory of operation. A leg belongs to one thread and one epoch. It first proves dead what earlier legs
abandoned, then goes forward or back. Each step is looked at, its intent made durable, acted on, and looked
at again; only the look decides. See DESIGN's engine section; the words here are the same.
"""

from collections.abc import Callable

from holdfast.engine.journal import Cancelled, Journal
from holdfast.engine.live import Live, StepContext
from holdfast.engine.observer import Observer
from holdfast.engine.undo import Undo
from holdfast.engine.verbs import Failure, Verbs
from holdfast.engine.waits import Answer, Ended, Later, problem_of
from holdfast.model.operations import Problem
from holdfast.model.step import ChildIdentity, Conflict, Done, Round, Todo, Unclear, Verdict
from holdfast.runtime.api import Runtime

Undertaker = Callable[[ChildIdentity], bool]
_CANCELLED = Problem("cancelled", "The operation was cancelled.")


class Runner:
    """Runs legs. `undertaker` kills a child and tells whether it is proven dead."""

    def __init__(
        self,
        runtime: Runtime,
        journal: Journal,
        tools: dict[type, object],
        undertaker: Undertaker,
        observer: Observer,
    ) -> None:
        self._runtime = runtime
        self._journal = journal
        self._tools = tools
        self._undertaker = undertaker
        self._observer = observer
        self.cancelled: set[str] = set()

    def leg(self, live: Live, stopping: Callable[[], bool]) -> Answer:
        """Go on until the operation ends, waits, ended a round, or the engine stops."""
        verbs = Verbs(self._runtime, self._journal, live, self._context, self._observer)
        for child in list(live.children):
            if not self._undertaker(child):
                return verbs.wait(f"a killed child (pid {child.pid}) is not proven dead yet")
            live.children.remove(child)
        if live.row.direction == "undo":
            return Undo(self._journal, live, verbs).leg()
        return self._forward(live, verbs, stopping)

    def _context(self, live: Live, idx: int) -> StepContext:
        now = self._runtime.monotonic()
        return StepContext(live, idx, self._tools, now, lambda child: self._journal.child(live, child))

    def _forward(self, live: Live, verbs: Verbs, stopping: Callable[[], bool]) -> Answer:
        idx = live.row.cursor
        while idx < len(live.steps):
            if stopping():
                return Later(0)
            why = self._wants_undo(live)
            if why is not None:
                return self._turn(live, verbs, why)
            if live.rows[idx].state == "pending":
                answer = self._begin(live, verbs, idx)
            elif live.rows[idx].state == "intent":
                answer = self._pursue(live, verbs, idx)
            else:
                answer = None
            if answer is not None:
                return answer
            if live.rows[idx].state in ("done", "skipped"):
                idx += 1
        late = verbs.late()
        if late > 0:  # whoever comes next would meet it
            why = self._wants_undo(live)
            if why is not None:
                return self._turn(live, verbs, why)
            return verbs.wait(f"what was not answered may still take effect, for another {late:.1f} s", late)
        successors = self._journal.end(live, "done", lambda tx: live.request.outcome(tx, live.bound, live.results()))
        return Ended(tuple(successors))

    def _wants_undo(self, live: Live) -> Problem | None:
        if live.past_pivot():
            return None
        if live.row.cancel or live.id in self.cancelled:
            return _CANCELLED
        allowance = live.row.allowance
        if allowance and live.spent(self._runtime.monotonic()) > allowance:
            last = f" It waited for: {live.row.reason}" if live.row.reason else ""
            return Problem("deadline", f"The operation did not end within {allowance:g} s.{last}")
        return None

    def _turn(self, live: Live, verbs: Verbs, problem: Problem) -> Answer:
        self._journal.undoing(live, problem)
        live.returned = None  # that an apply returned says nothing of what undo will find
        live.answered.clear()
        return Undo(self._journal, live, verbs).leg()

    def _begin(self, live: Live, verbs: Verbs, idx: int) -> Answer | None:
        """First look, then intent."""
        verdict = Todo() if live.steps[idx].minted else verbs.judge(idx)
        if isinstance(verdict, Unclear):
            return verbs.wait(verdict.reason, verdict.within)
        if isinstance(verdict, Conflict):
            return self._hindered(live, verbs, Problem(verdict.code, verdict.evidence, verdict.hint))
        if isinstance(verdict, Done):
            failure = verbs.persist(idx)
            if failure is not None:
                return verbs.wait(failure.reason)
        try:
            self._journal.intent(live, idx, verdict)
        except Cancelled:
            return self._turn(live, verbs, _CANCELLED)
        live.fresh = idx
        return None

    def _pursue(self, live: Live, verbs: Verbs, idx: int) -> Answer | None:
        """A step whose intent is durable: look unless this leg just did, act, look again."""
        if live.fresh != idx:
            verdict = verbs.judge(idx)
            if not isinstance(verdict, Todo):
                return self._settle(live, verbs, idx, verdict, None)
            if not live.rows[idx].progress:
                self._journal.attempt(live, idx)
        live.fresh = None
        answer = verbs.apply(idx)
        if isinstance(answer, Round):
            self._journal.progress(live, idx, answer.progress)
            return Later(0)
        if live.children:
            return verbs.wait("a call passed its deadline and its child is not proven dead yet")
        return self._settle(live, verbs, idx, verbs.judge(idx), answer)

    def _settle(self, live: Live, verbs: Verbs, idx: int, verdict: Verdict, failure: Failure | None) -> Answer | None:
        """Done wins, whatever apply said."""
        if isinstance(verdict, Done):
            lost = None if live.returned == idx else verbs.persist(idx)
            if lost is not None:
                return verbs.wait(lost.reason)
            self._journal.step_done(live, idx, verdict)
            return None
        if isinstance(verdict, Conflict):
            return self._hindered(live, verbs, Problem(verdict.code, verdict.evidence, verdict.hint))
        if failure is not None and failure.permanent is not None:
            return self._hindered(live, verbs, problem_of(failure.permanent))
        if isinstance(verdict, Unclear):
            return verbs.wait(verdict.reason, verdict.within)
        reason = failure.reason if failure else verdict.reason or "the change was made, but is not seen yet"
        return verbs.wait(reason, verdict.within)

    def _hindered(self, live: Live, verbs: Verbs, problem: Problem) -> Answer:
        """It cannot be reached: undo before the pivot, park after it."""
        if live.past_pivot():
            return verbs.wait(problem.detail)
        return self._turn(live, verbs, problem)
