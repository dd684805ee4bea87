"""Structured logs: one line an event on standard error, whatever is in it.

What the engine binds with `structlog.contextvars` (`operation=ID`) is on every line of that thread. Lines are
written with one write(2) each, so that those of several threads never mix; a line that cannot be written, because
the disk is full or the reader gone, is lost: a log never stops the daemon.
"""

import contextlib
import json
import logging
import math
import os
import re
from typing import Any, Final

import structlog
from structlog.typing import EventDict, Processor

_STDERR: Final = 2
# First on every line; the rest follows as it was said.
_HEAD = ("timestamp", "level", "event", "operation")
# What ends a line, moves a cursor, reorders text (Unicode's bidirectional and separator controls), or is no character.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
_QUOTED = re.compile(r'[\s"=\\]')


def configure(level: str, form: str) -> None:
    """Log `level` (debug, info, warning, error) and above, as `form` (logfmt, json).

    What libraries tell the standard `logging`, and Python's own warnings, come in the same form from warning on.
    """
    number = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer(form),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=_Line,
        cache_logger_on_first_use=True,
    )
    root = logging.getLogger()
    root.handlers = [_Routed()]
    root.setLevel(max(number, logging.WARNING))
    logging.captureWarnings(True)


def renderer(form: str) -> Processor:
    """The last processor: an event as the text of its line."""
    as_line = _json if form == "json" else _logfmt
    return lambda _logger, _method, event: as_line({key: _plain(value) for key, value in _ordered(event)})


def _ordered(event: EventDict) -> list[tuple[str, Any]]:
    head = [(key, event[key]) for key in _HEAD if key in event]
    return head + [(key, value) for key, value in event.items() if key not in _HEAD]


def _plain(value: object) -> str | float | bool | None:
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, float) and math.isfinite(value):  # JSON has no other
        return value
    try:
        return str(value)
    except Exception as error:  # noqa: BLE001 - an object that cannot be shown is shown as that
        return f"<{type(value).__name__} that cannot be shown: {type(error).__name__}>"


def _json(event: dict[str, str | float | bool | None]) -> str:
    return json.dumps(event)  # ASCII: every other character is escaped


def _logfmt(event: dict[str, str | float | bool | None]) -> str:
    return " ".join(f"{key}={_word(value)}" for key, value in event.items())


def _word(value: str | float | bool | None) -> str:
    if not isinstance(value, str):
        return "" if value is None else str(value).lower()
    if value and not _QUOTED.search(value) and not _UNSAFE.search(value):
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{_UNSAFE.sub(_escape, escaped)}"'


def _escape(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode()


class _Line:
    """Where a finished line goes; its methods are named as structlog calls them."""

    def __init__(self, *_: object) -> None:
        pass

    @staticmethod
    def msg(line: str) -> None:
        """Write it, in pieces if the kernel takes it so."""
        left = line.encode("utf-8", "backslashreplace") + b"\n"
        with contextlib.suppress(OSError):
            while left:
                left = left[os.write(_STDERR, left) :]

    debug = info = warning = error = critical = exception = fatal = log = msg


class _Routed(logging.Handler):
    """Records of the standard `logging` as events."""

    def emit(self, record: logging.LogRecord) -> None:
        """Say it again; what cannot be formatted is said with its arguments beside it."""
        try:
            event = record.getMessage()
        except (TypeError, ValueError, KeyError):
            event = f"{record.msg} {record.args!r}"
        level = min(record.levelno // 10 * 10, logging.CRITICAL)  # structlog knows none between
        structlog.get_logger().log(level, event, logger=record.name, exc_info=record.exc_info or None)
