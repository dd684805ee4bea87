"""The bars, whether they are met, and the table that says so."""

from collections.abc import Sequence
from typing import NamedTuple


class Bar(NamedTuple):
    """`ours` over `theirs`, both keys of the measures, is at least or at most `limit`."""

    what: str
    ours: str
    theirs: str
    at_least: bool
    limit: float


class Limit(NamedTuple):
    """The measure under `key` is at least or at most `limit`."""

    what: str
    key: str
    at_least: bool
    limit: float

    @property
    def wanted(self) -> str:
        """For a table."""
        return f"{'≥' if self.at_least else '≤'} {shown(self.key, self.limit)}"

    def met(self, value: float) -> bool:
        """Whether it is so."""
        return value >= self.limit if self.at_least else value <= self.limit


class Result(NamedTuple):
    """A bar and what was measured."""

    what: str
    ours: float
    theirs: float
    ratio: float
    bar: str
    met: bool


PEER_BARS = (
    Bar("create, 8 clients", "create_rate_per_s", "create_rate_per_s", True, 5),
    Bar("create, alone, p50", "create_p50_s", "create_p50_s", False, 0.4),
    Bar("delete, 8 clients", "delete_rate_per_s", "delete_rate_per_s", True, 5),
    Bar("delete, alone, p50", "delete_p50_s", "delete_p50_s", False, 0.4),
    Bar("list of all volumes", "list_s", "list_s", False, 1 / 200),
    Bar("start to first answer", "start_s", "start_s", False, 1),
    Bar("memory, PSS to RSS", "memory_pss_bytes", "memory_rss_bytes", False, 1),
)


def judge(bar: Bar, ours: float, theirs: float) -> Result:
    """Compare one pair."""
    ratio = ours / theirs
    limit = Limit(bar.what, "ratio", bar.at_least, bar.limit)
    return Result(bar.what, ours, theirs, ratio, limit.wanted, limit.met(ratio))


def shown(key: str, value: float) -> str:
    """A measure with the unit that its name ends in."""
    if key.endswith("_per_s"):
        return f"{value:.1f}/s"
    if key.endswith("_bytes"):
        return f"{value / (1 << 20):.1f} MiB"
    if key.endswith("_s"):
        return f"{value * 1000:.2f} ms"
    return f"{value:g}"


def table(rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as they must be, the first row above a line."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])


def verdict(met: bool) -> str:
    """For a table."""
    return "met" if met else "MISSED"
