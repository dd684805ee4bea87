"""Times, lengths of time, shares and labels, for people and from them."""

import re
import time
from collections.abc import Mapping

from holdfast.model.errors import Invalid

_UNITS = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))
_DURATION = re.compile(r"([0-9]{1,9})([smhdwy])", re.ASCII)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400, "y": 365 * 86400}


def split_target(pool: str, name: str) -> tuple[str, str]:
    """The pool of `POOL/NAME`, or the one given for a name alone; and the name."""
    before, slash, after = name.partition("/")
    return (before, after) if slash else (pool, name)


def lasting(seconds: float) -> str:
    """A length of time in at most two units: `3 min`, `2 h 5 min`, `4 d`."""
    left = max(0, int(seconds))
    for number, (unit, size) in enumerate(_UNITS[:-1]):
        if left >= size:
            below, less = _UNITS[number + 1]
            rest = left % size // less
            return f"{left // size} {unit}" + (f" {rest} {below}" if rest and number < 2 else "")
    return f"{left} s"


def when(seconds: float | None) -> str:
    """A local time."""
    return "" if seconds is None else time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))


def since(seconds: float) -> float:
    """How many seconds ago that was; 0 for a clock that is ahead of ours."""
    return max(0.0, time.time() - seconds)


def ago(seconds: float) -> str:
    """A local time, and how long ago that was."""
    return f"{when(seconds)}, {lasting(since(seconds))} ago"


def count(number: int, one: str, many: str = "") -> str:
    """`1 volume`, `2 volumes`."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def labels(found: Mapping[str, str]) -> str:
    """As they are given: `app=shop, tier=db`."""
    return ", ".join(f"{name}={value}" for name, value in sorted(found.items()))


def parse_labels(given: list[str] | None) -> dict[str, str]:
    """From NAME=VALUE texts; raise Invalid."""
    return parse_pairs("--label", given)


def parse_pairs(option: str, given: list[str] | None) -> dict[str, str]:
    """From NAME=VALUE texts that `option` was given; raise Invalid."""
    found: dict[str, str] = {}
    for text in given or []:
        name, equals, value = text.partition("=")
        if not equals:
            raise Invalid(f"{option} {text} has no value.", f"Write {option} {text}=VALUE.")
        if name in found:
            raise Invalid(f"{option} {name} is given twice.", "Give each name once.")
        found[name] = value
    return found


def parse_filter(given: list[str] | None) -> dict[str, str | None]:
    """From texts NAME=VALUE, or NAME for any value."""
    pairs = (text.partition("=") for text in given or [])
    return {name: value if equals else None for name, equals, value in pairs}


def parse_lasting(text: str) -> float:
    """Seconds of `30d`, `12h` and the like; raise Invalid."""
    found = _DURATION.fullmatch(text)
    if found is None:
        raise Invalid(f"{ascii(text)} is not a length of time.", "Write a number and s, m, h, d, w or y: 12h, 30d, 1y.")
    return float(int(found[1]) * _SECONDS[found[2]])
