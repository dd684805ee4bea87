"""An absence that may be too young to believe."""

from typing import TypeVar

from holdfast.model.observations import Absent, Observation, Unknown
from holdfast.model.step import Context

F = TypeVar("F")


def settled(ctx: Context, seconds: float, found: Observation[F]) -> Observation[F]:
    """`found`, but an Absent that is younger than the back end's `seconds` of settling is Unknown."""
    if isinstance(found, Absent) and ctx.quiet < seconds:
        return Unknown(f"the back end may take {seconds:g} s to show a change; {ctx.quiet:.1f} s have passed")
    return found
