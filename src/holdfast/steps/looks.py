"""From what a look saw to a verdict: the one shape that all steps share."""

from collections.abc import Callable
from typing import Any, TypeVar

from holdfast.drivers.contract import PoolRef
from holdfast.drivers.registry import Drivers
from holdfast.model.errors import Kept
from holdfast.model.observations import Absent, ForeignObject, Observation, Present, Unknown
from holdfast.model.step import Conflict, Context, Done, Round, Step, Unclear, Verdict

F = TypeVar("F")
_KEPT = "kept: "
# Seconds.
_SHORTEST = 0.05


def settled(ctx: Context, seconds: float, found: Observation[F], *, taken: bool = False) -> Observation[F]:
    """`found`, but an Absent that is younger than the back end's `seconds` of settling is Unknown.

    With `taken` the step takes away what it sees: then an Absent behind an act that was answered counts at once, for
    the look before it saw the thing; unless something that was not answered may still bring it back.
    """
    if isinstance(found, Absent) and not _is_settled(ctx, seconds, taken=taken):
        return Unknown(_unsettled(ctx, seconds), _left(ctx, seconds))
    return found


def long_past(ctx: Context, seconds: float, verdict: Verdict, *, taken: bool = False) -> Verdict:
    """`verdict`, but a Done that says "as before" is Unclear while the back end may still show what was before."""
    if isinstance(verdict, Done) and not _is_settled(ctx, seconds, taken=taken):
        return Unclear(_unsettled(ctx, seconds), _left(ctx, seconds))
    return verdict


def _is_settled(ctx: Context, seconds: float, *, taken: bool) -> bool:
    return ctx.quiet >= seconds or (taken and ctx.answered and ctx.doubt >= seconds)


def _unsettled(ctx: Context, seconds: float) -> str:
    return f"the back end may take {seconds:g} s to show a change; {ctx.quiet:.1f} s have passed"


def _left(ctx: Context, seconds: float) -> float:
    """However often it was tried before: a look counts then."""
    return max(_SHORTEST, seconds - ctx.quiet)


def verdict(found: Observation[F], present: Callable[[F], Verdict], absent: Verdict, hint: str = "") -> Verdict:
    """What is foreign is a Conflict, with `hint`; what is unknown is Unclear; the rest is for the step to say."""
    match found:
        case Present(facts):
            return present(facts)
        case Absent():
            return absent
        case ForeignObject(evidence):
            return Conflict(evidence, hint=hint)
        case Unknown(reason, within):
            return Unclear(reason, within)


def kept_so_far(ctx: Context) -> str:
    """Why the back end keeps what was removed, if an earlier round of this step heard so."""
    return ctx.progress.removeprefix(_KEPT) if ctx.progress.startswith(_KEPT) else ""


def taking(act: Callable[[], bool | None]) -> Round | None:
    """One round of a removal, which is over unless it says False."""
    try:
        return Round("removing") if act() is False else None
    except Kept as error:
        return Round(_KEPT + error.detail)


class Placed(Step, frozen=True):
    """Acts in a pool, whose back end may take its time."""

    pool: PoolRef

    def lasting(self, ctx: Context) -> float:
        """As the pool says."""
        return ctx.tool(Drivers).of(self.pool).settle(self.pool)


class Stays(Step, frozen=True):
    """What it did is left as it is by an undo: nobody sees a difference, or it goes with what it was done to."""

    def undone(self, ctx: Context, baseline: Any) -> Verdict:
        """As before."""
        return Done()

    def unapply(self, ctx: Context, baseline: Any) -> Round | None:
        """Nothing."""
        return None


class NoWayBack(Stays, frozen=True):
    """A pivot: past it nothing is undone, and before it nothing was done."""

    pivot = True
