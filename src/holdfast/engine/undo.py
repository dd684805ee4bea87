"""The way back: in reverse through the same look and act, to the baseline, then one look at all together."""

from holdfast.engine.journal import Journal
from holdfast.engine.live import Live
from holdfast.engine.verbs import Verbs
from holdfast.engine.waits import Answer, Ended, Later
from holdfast.model.step import Conflict, Done, Round, Unclear
from holdfast.records.contract import Tx


class Undo:
    """One leg backwards. It has no deadline; when it cannot go on it parks with a reason."""

    def __init__(self, journal: Journal, live: Live, verbs: Verbs) -> None:
        self._journal = journal
        self._live = live
        self._verbs = verbs

    def leg(self) -> Answer:
        """Undo what was done, last first."""
        for idx in reversed(range(len(self._live.steps))):
            if self._live.rows[idx].state in ("intent", "done"):
                answer = self._step(idx)
                if answer is not None:
                    return answer
        return self._finish()

    def _step(self, idx: int) -> Answer | None:
        verdict = self._verbs.undone(idx)
        if isinstance(verdict, Done):
            return self._accept(idx)
        if isinstance(verdict, Unclear):
            return self._verbs.wait(verdict.reason, verdict.within)
        if isinstance(verdict, Conflict):
            return self._verbs.wait(f"undo would touch what is not this operation's: {verdict.evidence}")
        answer = self._verbs.unapply(idx)
        if isinstance(answer, Round):
            self._journal.progress(self._live, idx, answer.progress)
            return Later(0)
        if self._live.children:
            return self._verbs.wait("a call passed its deadline and its child is not proven dead yet")
        verdict = self._verbs.undone(idx)
        if isinstance(verdict, Done):
            return self._accept(idx)
        if answer is not None:
            return self._verbs.wait(answer.reason)
        if isinstance(verdict, Unclear):
            return self._verbs.wait(verdict.reason, verdict.within)
        return self._verbs.wait("the change was undone, but is still seen")

    def _accept(self, idx: int) -> Answer | None:
        lost = None if self._live.returned == idx else self._verbs.persist(idx)
        if lost is not None:
            return self._verbs.wait(lost.reason)
        self._journal.step_undone(self._live, idx)
        return None

    def _finish(self) -> Answer:
        """Undos that are right one by one may still compose into a leak; so look at all of them again."""
        for idx in reversed(range(len(self._live.steps))):
            if self._live.rows[idx].state != "undone":
                continue
            verdict = self._verbs.undone(idx)
            if isinstance(verdict, Unclear):
                return self._verbs.wait(verdict.reason, verdict.within)
            if not isinstance(verdict, Done):
                self._journal.step_undone(self._live, idx, state="intent")
                return self._verbs.wait(f"{self._live.steps[idx].describe()}: undone, but seen again")
        return Ended(tuple(self._journal.end(self._live, "undone", self._withdraw)))

    def _withdraw(self, tx: Tx) -> None:
        live, problem = self._live, self._live.problem()
        if problem is not None:
            live.request.failed(tx, live.bound, problem)
        live.request.withdrawn(tx, live.bound)
