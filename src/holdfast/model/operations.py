"""An operation as the faces show it."""

from typing import Literal

import msgspec

State = Literal["queued", "running", "undoing", "parked", "done", "undone", "abandoned"]
Direction = Literal["forward", "undo"]
StepState = Literal["pending", "intent", "done", "skipped", "undone"]
ENDED: frozenset[str] = frozenset({"done", "undone", "abandoned"})


class Problem(msgspec.Struct, frozen=True):
    """Why an operation failed."""

    code: str
    detail: str
    hint: str = ""


class ResourceRef(msgspec.Struct, frozen=True):
    """What an operation is about; `path` is POOL, POOL/VOLUME or POOL/VOLUME:PATH."""

    kind: str
    uid: str
    path: str


class StepView(msgspec.Struct, frozen=True):
    """One step of a plan, for people and programs."""

    kind: str
    summary: str
    state: StepState
    attempt: int = 0
    progress: str = ""


class OperationView(msgspec.Struct, frozen=True, kw_only=True):
    """An operation: its state, why it waits, how it failed, what it does. Times are seconds since the epoch.

    `actor` is who asked. `changed` is the number of its last change among all operations: an event's id.
    """

    id: str
    kind: str
    state: State
    direction: Direction
    resource: ResourceRef
    actor: str = ""
    changed: int = 0
    reason: str = ""
    error: Problem | None = None
    created_at: float
    ended_at: float | None = None
    next_try_at: float | None = None
    deadline_in: float | None = None
    exits: tuple[str, ...] = ()
    steps: tuple[StepView, ...] = ()

    @property
    def ended(self) -> bool:
        """Whether the operation is over, whatever its outcome."""
        return self.state in ENDED
