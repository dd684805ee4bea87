"""How full a pool is: a share, a colour, a bar."""

from holdfast.cli.screen import Screen, Span, Style
from holdfast.model.sizes import format_size
from holdfast.model.views import PoolView

# From so many per cent on, a disk wants attention, or help.
_HIGH, _FULL = 80, 95
_CELLS = 20


def percent(pool: PoolView) -> int | None:
    """How much of the place's room is used, by whomever; None where it cannot be asked."""
    if pool.total is None or pool.free is None or pool.total <= 0:
        return None
    return min(100, max(0, 100 * (pool.total - pool.free) // pool.total))


def fullness(used: int | None) -> Style:
    """The colour of a share."""
    return "" if used is None else "bad" if used >= _FULL else "warn" if used >= _HIGH else "good"


def is_full(pool: PoolView) -> bool:
    """Whether it needs help."""
    used = percent(pool)
    return used is not None and used >= _FULL


def bar(screen: Screen, used: int) -> list[Span]:
    """The share as a bar, for terminals."""
    filled = round(used * _CELLS / 100)
    full, empty = screen.sign("█", "#"), screen.sign("░", ".")
    return [Span(full * filled, fullness(used)), Span(empty * (_CELLS - filled), "dim")]


def room(pool: PoolView) -> str:
    """What is free of what there is."""
    if pool.total is None or pool.free is None:
        return "unknown"
    return f"{format_size(pool.free)} free of {format_size(pool.total)}"


def promised(pool: PoolView) -> str:
    """What its volumes may grow to, and how much of the limit that is."""
    said = format_size(pool.provisioned)
    if not pool.limit:
        return said
    return f"{said} of {format_size(pool.limit)} ({100 * pool.provisioned // pool.limit} %)"
