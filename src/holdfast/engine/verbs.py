"""The verbs of a step as the runner asks them: errors become answers, none is dropped."""

from collections.abc import Callable
from typing import Any

import msgspec
import structlog

from holdfast.engine.journal import Journal
from holdfast.engine.live import Live, StepContext
from holdfast.engine.observer import Observer
from holdfast.engine.waits import Later, backoff, describe
from holdfast.model.errors import Again, HoldfastError, NoSpace, Unavailable
from holdfast.model.step import Round, Unclear, Verdict
from holdfast.records.operations import StaleEpoch
from holdfast.runtime.api import Runtime

log = structlog.get_logger()


class Failure(msgspec.Struct, frozen=True):
    """An act that raised. `permanent` is set if another try would be refused again, `answered` if it was told so."""

    reason: str
    permanent: HoldfastError | None = None
    answered: bool = False


class Verbs:
    """Asks one operation's steps."""

    def __init__(
        self,
        runtime: Runtime,
        journal: Journal,
        live: Live,
        context: Callable[[Live, int], StepContext],
        observer: Observer,
    ) -> None:
        self._runtime = runtime
        self._journal = journal
        self._live = live
        self._context = context
        self._observer = observer

    def wait(self, reason: str, within: float = 0.0) -> Later:
        """Park with a durable backoff, of `within` seconds at most, if that is not 0."""
        seconds = backoff(self._runtime, self._live.row.tries)
        seconds = min(seconds, within) if within else seconds
        if self._live.row.tries == 0 or self._live.row.reason != reason:
            log.warning("an operation waits", kind=self._live.row.kind, path=self._live.row.ref_path, reason=reason)
        self._live.fresh = None
        self._journal.park(self._live, reason, self._runtime.now() + seconds)
        return Later(seconds)

    def judge(self, idx: int) -> Verdict:
        """Look at a step's goal; a failing look is Unclear."""
        step = self._live.steps[idx]
        return self._look("judge", idx, lambda: step.judge(self._context(self._live, idx)))

    def undone(self, idx: int) -> Verdict:
        """Look at a step's baseline."""
        step, facts = self._live.steps[idx], self._live.facts(idx)
        return self._look("undone", idx, lambda: step.undone(self._context(self._live, idx), facts))

    def apply(self, idx: int) -> Failure | Round | None:
        """Act towards the goal."""
        step = self._live.steps[idx]
        self._live.clock.acted.setdefault(idx, self._runtime.monotonic())
        return self._act("apply", idx, lambda: step.apply(self._context(self._live, idx)))

    def unapply(self, idx: int) -> Failure | Round | None:
        """Act towards the baseline."""
        step, facts = self._live.steps[idx], self._live.facts(idx)
        return self._act("unapply", idx, lambda: step.unapply(self._context(self._live, idx), facts))

    def persist(self, idx: int) -> Failure | None:
        """Make durable what was looked at."""
        step = self._live.steps[idx]

        def call() -> None:
            step.persist(self._context(self._live, idx))

        failure = self._guarded("persist", idx, call)
        return failure if isinstance(failure, Failure) else None

    def late(self) -> float:
        """Seconds for which something that was sent, and never answered, may still take effect."""
        clock, now = self._live.clock, self._runtime.monotonic()
        left = 0.0
        for idx, step in enumerate(self._live.steps):
            sent = clock.unanswered.get(idx, clock.before)
            left = max(left, sent + step.lasting(self._context(self._live, idx)) - now)
        return left

    def _look(self, verb: str, idx: int, call: Callable[[], Verdict]) -> Verdict:
        answer = self._guarded(verb, idx, call)
        return Unclear(answer.reason) if isinstance(answer, Failure) else answer

    def _act(self, verb: str, idx: int, call: Callable[[], Round | None]) -> Failure | Round | None:
        self._live.returned, before = None, self._live.clock.doubtful
        self._live.answered.discard(idx)
        try:
            answer: Failure | Round | None = self._guarded(verb, idx, call)
        finally:
            self._live.clock.last_sending = self._live.clock.doubtful = self._runtime.monotonic()
        if isinstance(answer, Failure) and not answer.answered:
            self._live.clock.unanswered[idx] = self._runtime.monotonic()
        else:
            self._live.clock.doubtful = before
        if answer is None:
            self._live.returned = idx
            self._live.answered.add(idx)
        return answer

    def _guarded(self, verb: str, idx: int, call: Callable[[], Any]) -> Any:
        step = self._live.steps[idx]
        summary, begun = step.describe(), self._runtime.monotonic()
        try:
            return call()
        except (StaleEpoch, NoSpace, Unavailable):
            raise  # the journal's, or the fork server's: not the step's; the daemon stops and starts anew
        except Again as error:
            return Failure(error.detail)
        except Exception as error:
            known = describe(error, summary)
            if known is None:
                log.exception("a step failed in a way nobody foresaw", step=summary)
                return Failure(f"{summary}: {error!r}")
            if isinstance(known, Again):
                return Failure(known.detail)
            return Failure(known.detail, permanent=known, answered=known is error)
        finally:
            self._observer.acted(str(step.__struct_config__.tag), verb, self._runtime.monotonic() - begun)
