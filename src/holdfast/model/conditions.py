"""Conditions: what is true of a resource now, since when and why."""

import msgspec

# An operation on it was abandoned, so nobody knows how it is.
ABANDONED = "Abandoned"
# What is on it is not what was made there, as a mount saw that was refused; until one succeeds, or a check is clean.
DAMAGED = "Damaged"


class Condition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One aspect of a resource. `since` is a wall-clock time in seconds since the epoch."""

    type: str
    status: bool
    since: float
    reason: str = ""


def put(conditions: tuple[Condition, ...], new: Condition) -> tuple[Condition, ...]:
    """Set `new`; `since` moves only when the status or the reason changes."""
    kept = []
    for old in conditions:
        if old.type != new.type:
            kept.append(old)
        elif (old.status, old.reason) == (new.status, new.reason):
            return conditions
    return (*kept, new)


def without(conditions: tuple[Condition, ...], type_: str) -> tuple[Condition, ...]:
    """All but those of that type."""
    return tuple(each for each in conditions if each.type != type_)


def renew(conditions: tuple[Condition, ...], new: Condition) -> tuple[Condition, ...]:
    """Set `new` with its own `since`: of what was looked at anew, and came out the same."""
    return (*without(conditions, new.type), new)


def holds(conditions: tuple[Condition, ...], type_: str) -> bool:
    """Whether the condition of that type is there and true."""
    return any(c.type == type_ and c.status for c in conditions)
