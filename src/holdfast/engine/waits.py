"""What a leg of an operation answers to the worker that ran it, and how long to wait before the next."""

import msgspec

from holdfast.model.errors import HoldfastError, from_os_error
from holdfast.model.operations import Problem
from holdfast.runtime.api import Runtime

FIRST = 0.05
LONGEST = 60.0


class Ended(msgspec.Struct, frozen=True):
    """The operation is over; these may be granted now."""

    successors: tuple[str, ...] = ()


class Later(msgspec.Struct, frozen=True):
    """Come back after so many seconds."""

    seconds: float


Answer = Ended | Later


def backoff(runtime: Runtime, tries: int) -> float:
    """Seconds before try number `tries`: doubling from 50 ms to a minute, ±20 %."""
    return float(min(LONGEST, FIRST * 2 ** min(tries, 20)) * (0.8 + 0.4 * runtime.random()))


def describe(error: Exception, doing: str) -> HoldfastError | None:
    """The error as one of ours, or None for one that nobody foresaw."""
    if isinstance(error, HoldfastError):
        return error
    if isinstance(error, OSError):
        return from_os_error(error, doing)
    return None


def problem_of(error: HoldfastError) -> Problem:
    """The error as an operation keeps it."""
    return Problem(error.code, error.detail, error.hint)
