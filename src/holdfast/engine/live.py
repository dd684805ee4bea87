"""An operation in memory while a thread runs it, and the context its steps see."""

from collections.abc import Callable
from typing import TypeVar, cast

import msgspec

from holdfast.engine.codec import Codec, decode_facts, decode_result
from holdfast.engine.request import Bound, Request, Results
from holdfast.model.operations import Problem
from holdfast.model.step import ChildIdentity, Step
from holdfast.records.operations import OperationRow
from holdfast.records.steps import StepRow

T = TypeVar("T")
S = TypeVar("S", bound=msgspec.Struct)


class Clock(msgspec.Struct):
    """What an operation's waiting must not forget, in monotonic seconds of this run; never stored.

    `mark` is up to when `spent` counts, `last_sending` when a step may last have sent anything, `doubtful` when it last
    did so and nobody knows whether that is over, `acted` when each step first acted. `unanswered` is when each step
    last did what was not answered; of one that is not there it is `before`, when an earlier run may have.
    """

    mark: float
    last_sending: float
    doubtful: float
    before: float
    acted: dict[int, float] = {}
    unanswered: dict[int, float] = {}


class Live:
    """Rows and their decoded forms."""

    def __init__(
        self,
        row: OperationRow,
        steps: list[StepRow],
        children: list[ChildIdentity],
        codec: Codec,
        clock: Clock,
    ) -> None:
        self.row = row
        self.rows = steps
        self.children = children
        self.clock = clock
        self.request: Request = codec.request(row.request)
        self.bound = msgspec.json.decode(row.ids, type=Bound)
        self.steps: list[Step] = [codec.step(step.body) for step in steps]
        # The step whose apply (or unapply) returned in this epoch: only its Done needs no persist.
        self.returned: int | None = None
        # The steps whose last act returned, in this leg.
        self.answered: set[int] = set()
        # The step whose intent was written by this very leg, so that its judge need not be asked again.
        self.fresh: int | None = None

    @property
    def id(self) -> str:
        """The operation's id."""
        return self.row.id

    def set_row(self, **columns: object) -> None:
        """Follow a committed change of the operation."""
        self.row = msgspec.structs.replace(self.row, **columns)

    def set_step(self, idx: int, **columns: object) -> None:
        """Follow a committed change of a step."""
        self.rows[idx] = msgspec.structs.replace(self.rows[idx], **columns)

    def spent(self, now: float) -> float:
        """Seconds that count towards the deadline."""
        return self.row.spent + now - self.clock.mark

    def facts(self, idx: int) -> object:
        """The baseline's facts of a step."""
        return decode_facts(self.steps[idx], self.rows[idx].baseline)

    def results(self) -> Results:
        """The results so far."""
        found = [decode_result(step, row.result) for step, row in zip(self.steps, self.rows, strict=True)]
        return Results([result for result in found if result is not None])

    def past_pivot(self) -> bool:
        """Whether the pivot's intent is durable, so that there is no way back."""
        return any(
            step.pivot and row.state in ("intent", "done") for step, row in zip(self.steps, self.rows, strict=True)
        )

    def problem(self) -> Problem | None:
        """Why it failed, if it did."""
        return msgspec.json.decode(self.row.error, type=Problem) if self.row.error else None


class StepContext:
    """What one step sees of its operation; see `holdfast.model.step.Context`."""

    def __init__(
        self,
        live: Live,
        idx: int,
        tools: dict[type, object],
        now: float,
        started: Callable[[ChildIdentity], None],
    ) -> None:
        self._live = live
        self._idx = idx
        self._tools = tools
        self._started = started
        self._now = now

    @property
    def operation(self) -> str:
        """The operation's id."""
        return self._live.id

    @property
    def attempt(self) -> int:
        """The journalled attempt."""
        return max(1, self._live.rows[self._idx].attempt)

    @property
    def quiet(self) -> float:
        """Seconds since the last possible sending."""
        return self._now - self._live.clock.last_sending

    @property
    def doubt(self) -> float:
        """Seconds since what may not be over."""
        return self._now - self._live.clock.doubtful

    @property
    def answered(self) -> bool:
        """Whether this step's last act returned, in this leg."""
        return self._idx in self._live.answered

    @property
    def elapsed(self) -> float:
        """Seconds since the step first acted in this run."""
        return self._now - self._live.clock.acted.get(self._idx, self._now)

    @property
    def progress(self) -> str:
        """What the last round returned."""
        return self._live.rows[self._idx].progress

    def tool(self, kind: type[T]) -> T:
        """A tool by its class."""
        return cast("T", self._tools[kind])

    def result(self, kind: type[S]) -> S:
        """An earlier step's result."""
        return self._live.results().get(kind)

    def facts(self, kind: type[S]) -> S | None:
        """This step's baseline."""
        found = self._live.facts(self._idx)
        return found if isinstance(found, kind) else None

    def child_started(self, child: ChildIdentity) -> None:
        """Journal a child."""
        self._started(child)

    def child_ended(self, child: ChildIdentity) -> None:
        """Forget a child that is proven dead."""
        self._live.children.remove(child)
