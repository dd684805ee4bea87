"""How full a pool is: a share, a colour, a bar."""

from holdfast.cli.screen import Cell, Screen, Span, Style
from holdfast.model.sizes import format_size
from holdfast.model.views import PoolView

# From so many per cent on, a disk wants attention, or help.
_HIGH, _FULL = 80, 95
# From so many columns on there is room for a long bar.
_WIDE = 100


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


def share(pool: PoolView) -> Cell:
    """The share."""
    used = percent(pool)
    return "?" if used is None else Span(f"{used} %", fullness(used))


def bar(screen: Screen, pool: PoolView) -> Cell:
    """The share, on a terminal with a bar."""
    used = percent(pool)
    if used is None:
        return "?"
    cells = 0 if not screen.terminal else 10 if screen.width < _WIDE else 20
    filled = round(used * cells / 100)
    drawn = screen.sign("█", "#") * filled + screen.sign("░", ".") * (cells - filled)
    return Span(f"{drawn} {used:>3} %".lstrip(), fullness(used))


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
