"""The step: the smallest durable act, as plain data with four verbs.

A step knows the world through the tools in its context, and knows neither recovery nor the
database. The engine knows when to ask, and knows neither hosts nor drivers. Theory of operation:

    judge    looks, and says how far the goal is: Done, Todo, Conflict or Unclear
    apply    acts; its return proves nothing, only the next judge does
    persist  makes what was looked at durable (fsync), asked before a Done counts that this run did not make
    undone   looks, and says how far the world is from the baseline
    unapply  acts towards the baseline

The engine holds one promise for each: apply and unapply are asked only while the operation's epoch is
current, after the intent is durable, and never while a child abandoned by this operation may be alive.
"""

import abc
from typing import Any, ClassVar, Protocol, TypeVar

import msgspec

T = TypeVar("T")
S = TypeVar("S", bound=msgspec.Struct)


class Done(msgspec.Struct, frozen=True):
    """The goal is reached. `result` is an instance of the step's `Result`, or None."""

    result: Any = None


class Todo(msgspec.Struct, frozen=True):
    """The goal is not reached and acting is safe. `facts` is an instance of the step's `Facts`, or None.

    `reason` says what is waited for if acting did not reach it, and `within` how many seconds at most, if not 0.
    """

    facts: Any = None
    reason: str = ""
    within: float = 0.0


class Conflict(msgspec.Struct, frozen=True):
    """The goal cannot be reached here, and acting could harm what is not ours. `code` names an error class."""

    evidence: str
    code: str = "foreign"
    hint: str = ""


class Unclear(msgspec.Struct, frozen=True):
    """The look failed or does not count yet; wait and look again, within so many seconds, if that is not 0."""

    reason: str
    within: float = 0.0


Verdict = Done | Todo | Conflict | Unclear


class Round(msgspec.Struct, frozen=True):
    """Answer of an apply or unapply that did a part (about a second's work) and gives the thread back."""

    progress: str = ""


class ChildIdentity(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A process that cannot be confused with another: pid, start time (clock ticks), boot id."""

    pid: int
    start: int
    boot: str


class Context(Protocol):
    """What a step may use."""

    @property
    def operation(self) -> str:
        """The operation's id; temporary names carry it."""
        ...

    @property
    def attempt(self) -> int:
        """The journalled number of this apply, from 1; names of earlier attempts may still be there."""
        ...

    @property
    def quiet(self) -> float:
        """Seconds, on the monotonic clock of this run, since the step may last have sent anything."""
        ...

    @property
    def doubt(self) -> float:
        """Seconds, likewise, since it last sent something that was not answered; infinite if it never did."""
        ...

    @property
    def answered(self) -> bool:
        """Whether this step's last act returned, and was asked for by a look of the same leg."""
        ...

    @property
    def elapsed(self) -> float:
        """Seconds, on the monotonic clock of this run, since this step first acted in it."""
        ...

    @property
    def progress(self) -> str:
        """What the last round of this step returned, or an empty text."""
        ...

    def tool(self, kind: type[T]) -> T:
        """The host, the drivers or another tool, by its class."""
        ...

    def result(self, kind: type[S]) -> S:
        """The result of that type, of an earlier step of this operation."""
        ...

    def facts(self, kind: type[S]) -> S | None:
        """What this step's first look said there was to do (its `Facts`); None before its intent."""
        ...

    def child_started(self, child: ChildIdentity) -> None:
        """Journal a child before it may change anything; returns when that is durable."""
        ...

    def child_ended(self, child: ChildIdentity) -> None:
        """Note that the child is proven dead."""
        ...


class _StepMeta(msgspec.StructMeta, abc.ABCMeta):
    """Plain data with abstract verbs."""


class Step(msgspec.Struct, metaclass=_StepMeta, frozen=True, forbid_unknown_fields=True):
    """Base of all steps. Subclasses set `tag` to NAME.VERSION; a changed meaning is a new tag.

    `minted` says that the object's name was made in this operation, so that nothing can be there yet and
    the first look is skipped. `pivot` marks the one step of a plan after which there is no way back. `looks`
    says that it only looks: its first Done is its work, and is shown as such. `volatile` says that nothing its acts
    change outlives a loss of power, such as a mount: then its intent need not either.
    """

    Result: ClassVar[type[msgspec.Struct] | None] = None
    Facts: ClassVar[type[msgspec.Struct] | None] = None
    pivot: ClassVar[bool] = False
    minted: ClassVar[bool] = False
    looks: ClassVar[bool] = False
    volatile: ClassVar[bool] = False

    @abc.abstractmethod
    def judge(self, ctx: Context) -> Verdict:
        """Look at the goal."""

    def lasting(self, ctx: Context) -> float:  # noqa: ARG002  most acts are over when they fail
        """Seconds for which an act of it that was not answered may still take effect."""
        return 0.0

    @abc.abstractmethod
    def apply(self, ctx: Context) -> Round | None:
        """Act towards the goal."""

    def persist(self, ctx: Context) -> None:
        """Make durable what judge looked at; nothing to do where the back end acknowledges only durable changes."""

    @abc.abstractmethod
    def undone(self, ctx: Context, baseline: Any) -> Verdict:
        """Look at the baseline: Done means as before."""

    @abc.abstractmethod
    def unapply(self, ctx: Context, baseline: Any) -> Round | None:
        """Act towards the baseline."""

    @abc.abstractmethod
    def describe(self) -> str:
        """One line for people, present tense."""
