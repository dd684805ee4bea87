"""What people and programs see: plain tables when piped or long, rich ones on a terminal, JSON and YAML on demand."""

import json
import sys
import time
from collections.abc import Sequence
from typing import Any

import msgspec

from holdfast.model.operations import OperationView

PLAIN_FROM = 200
_MARKS = {"done": "✔", "skipped": "–", "intent": "…", "pending": "·", "undone": "↶"}


def dump(value: Any, form: str) -> None:
    """Print as JSON or YAML."""
    plain = msgspec.to_builtins(value)
    print(json.dumps(plain, indent=2) if form == "json" else _yaml(plain).lstrip("\n"))


def _yaml(value: Any, depth: int = 0) -> str:
    pad = "  " * depth
    if isinstance(value, dict) and value:
        return "".join(f"\n{pad}{key}: {_yaml(item, depth + 1).lstrip(' ')}" for key, item in value.items())
    if isinstance(value, list) and value:
        return "".join(f"\n{pad}- {_yaml(item, depth + 1).strip()}" for item in value)
    return json.dumps(value)


def table(head: Sequence[str], rows: list[list[str]], empty: str) -> None:
    """A table; a rich one of thousands of rows would take seconds."""
    if not rows:
        print(empty)
        return
    if sys.stdout.isatty() and len(rows) < PLAIN_FROM:
        from rich import box
        from rich.console import Console
        from rich.table import Table

        shown = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
        for number, title in enumerate(head):  # the first is what one copies into the next command
            shown.add_column(title, no_wrap=number == 0, overflow="fold")
        for row in rows:
            shown.add_row(*row)
        Console(highlight=False).print(shown)
        return
    widths = [max(len(row[i]) for row in [list(head), *rows]) for i in range(len(head))]
    for row in [list(head), *rows]:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def when(seconds: float | None) -> str:
    """A local time."""
    return "" if seconds is None else time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))


def timeline(view: OperationView) -> list[str]:
    """An operation as lines: what it is, each step, why it waits or failed, what one can do."""
    lines = [f"{view.kind} {view.resource.path}: {view.state}  ({view.id})"]
    for step in view.steps:
        more = f"  [{step.progress}]" if step.progress else ""
        tries = f"  (attempt {step.attempt})" if step.attempt > 1 else ""
        lines.append(f"  {_MARKS.get(step.state, '?')} {step.summary}{tries}{more}")
    if view.reason and not view.ended:
        lines.append(f"  waits: {view.reason}")
    if view.error is not None:
        lines.append(f"  error: {view.error.detail} {view.error.hint}".rstrip())
    if view.exits and not view.ended:
        lines.append(f"  exits: {', '.join(view.exits)}  (holdfast op VERB {view.id})")
    return lines
