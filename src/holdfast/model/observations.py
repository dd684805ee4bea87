"""What a look at the world can answer about an object.

`Unknown` is an answer of its own: never read as `Absent`, never a reason to destroy (rule 3).
"""

from typing import Generic, TypeVar

import msgspec

F = TypeVar("F")


class Absent(msgspec.Struct, frozen=True):
    """Proven not to be there, by a place that proved its identity."""


class Present(msgspec.Struct, Generic[F], frozen=True):
    """There, ours, with these facts."""

    facts: F


class ForeignObject(msgspec.Struct, frozen=True):
    """Something is there under our name that does not prove to be ours."""

    evidence: str


class Unknown(msgspec.Struct, frozen=True):
    """The look failed; nothing follows from it but waiting, for `within` seconds at most, if that is not 0."""

    reason: str
    within: float = 0.0


Observation = Absent | Present[F] | ForeignObject | Unknown
