"""What people and programs see: tables and pages for people, JSON and YAML on demand."""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from holdfast.cli import screen, tables
from holdfast.cli.screen import Cell, Line, Screen, Span, fold, span, width


def dump(value: Any, form: str) -> None:
    """Print as JSON or YAML."""
    plain = msgspec.to_builtins(value)
    if form == "json":
        print(json.dumps(plain, indent=2))
        return
    from holdfast.cli import yaml

    print(yaml.encode(plain), end="")


def lines(found: Iterable[Line]) -> None:
    """Print lines."""
    screen.out().show(*found)


def table(head: Sequence[str], rows: Sequence[Sequence[Cell]], empty: str, *, remark: bool = False) -> None:
    """Print a table, or what is said of none; see `holdfast.cli.tables` for `remark`."""
    if rows:
        out = screen.out()
        out.show(*tables.lines(out, head, rows, remark=remark))
    else:
        print(empty)


def page(out: Screen, fields: Iterable[tuple[str, Sequence[Cell]]]) -> Iterator[Line]:
    """Names and values, a line or more each; a field without a value is left out."""
    said = [(name, [value for value in values if width(value)]) for name, values in fields]
    said = [(name, values) for name, values in said if values]
    size = max((len(name) for name, _ in said), default=0) + 2
    for name, values in said:
        title = name.ljust(size)
        for value in values:
            text, style = span(value)
            for line in fold(text, max(40, out.width - size) if out.width else 0):
                yield (Span(title, "dim"), Span(line, style))
                title = " " * size
