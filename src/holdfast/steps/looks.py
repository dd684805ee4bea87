"""From what a look saw to a verdict: the one shape that all steps share."""

from collections.abc import Callable
from typing import Any, TypeVar

from holdfast.model.observations import Absent, ForeignObject, Observation, Present, Unknown
from holdfast.model.step import Conflict, Context, Done, Round, Step, Unclear, Verdict

F = TypeVar("F")


def settled(ctx: Context, seconds: float, found: Observation[F]) -> Observation[F]:
    """`found`, but an Absent that is younger than the back end's `seconds` of settling is Unknown."""
    if isinstance(found, Absent) and ctx.quiet < seconds:
        return Unknown(_unsettled(ctx, seconds))
    return found


def long_past(ctx: Context, seconds: float, verdict: Verdict) -> Verdict:
    """`verdict`, but a Done that says "as before" is Unclear while the back end may still show what was before."""
    if isinstance(verdict, Done) and ctx.quiet < seconds:
        return Unclear(_unsettled(ctx, seconds))
    return verdict


def _unsettled(ctx: Context, seconds: float) -> str:
    return f"the back end may take {seconds:g} s to show a change; {ctx.quiet:.1f} s have passed"


def verdict(found: Observation[F], present: Callable[[F], Verdict], absent: Verdict, hint: str = "") -> Verdict:
    """What is foreign is a Conflict, with `hint`; what is unknown is Unclear; the rest is for the step to say."""
    match found:
        case Present(facts):
            return present(facts)
        case Absent():
            return absent
        case ForeignObject(evidence):
            return Conflict(evidence, hint=hint)
        case Unknown(reason):
            return Unclear(reason)


class NoWayBack(Step, frozen=True):
    """A pivot: past it nothing is undone, and before it nothing was done."""

    pivot = True

    def undone(self, ctx: Context, baseline: Any) -> Verdict:
        """As before."""
        return Done()

    def unapply(self, ctx: Context, baseline: Any) -> Round | None:
        """Nothing."""
        return None
