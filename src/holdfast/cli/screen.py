"""What a stream can show: colours, signs and a width on a terminal; else plain text of any length."""

import os
import sys
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple, TextIO

Style = Literal["", "good", "warn", "bad", "dim", "bold"]
# Select Graphic Rendition (ECMA-48, section 8.3.117), the sixteen colours that each terminal's theme makes readable.
_SGR = {"good": "32", "warn": "33", "bad": "31", "dim": "2", "bold": "1"}
# Narrower than this nothing is wrapped to fit: the terminal does it.
_NARROWEST = 40


class Span(NamedTuple):
    """A text and how it looks where there are colours."""

    text: str
    style: Style = ""


Cell = str | Span
Line = Sequence[Cell]


def span(cell: Cell) -> Span:
    """The cell with its style."""
    return cell if isinstance(cell, Span) else Span(cell)


class Screen:
    """One stream, as it is when the command starts."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.terminal = stream.isatty()
        # Whether what was written can be written over.
        self.live = self.terminal and os.environ.get("TERM", "dumb") != "dumb"
        self.colour = self.live and not os.environ.get("NO_COLOR")  # no-color.org
        self.width = _columns(stream) if self.terminal else 0

    def sign(self, sign: str, plain: str) -> str:
        """The sign, or what stands for it where the stream cannot encode it."""
        try:
            sign.encode(self.stream.encoding or "ascii")
        except UnicodeEncodeError:
            return plain
        return sign

    def paint(self, line: Line) -> str:
        """A line as it is written."""
        return "".join(self._painted(cell) for cell in line)

    def _painted(self, cell: Cell) -> str:
        text, style = visible(span(cell).text), span(cell).style
        return f"\x1b[{_SGR[style]}m{text}\x1b[0m" if style and text and self.colour else text

    def show(self, *lines: Line) -> None:
        """Write lines."""
        print("\n".join(self.paint(line) for line in lines), file=self.stream, flush=True)

    def wrapped(self, text: str, indent: str, style: Style = "") -> Iterator[Line]:
        """A text below something, in as many lines as the terminal wants."""
        for line in fold(text, max(_NARROWEST, self.width - len(indent)) if self.width else 0):
            yield (indent, Span(line, style))


def out() -> Screen:
    """Standard output."""
    return Screen(sys.stdout)


def err() -> Screen:
    """Standard error."""
    return Screen(sys.stderr)


def visible(text: str) -> str:
    """The text with its control characters escaped: names and evidence come from disks that others write to."""
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode("ascii") for sign in text)


def width(cell: Cell) -> int:
    """How many columns it takes."""
    text = visible(span(cell).text)
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(sign) else 2 if east_asian_width(sign) in "WF" else 1 for sign in text)


def fold(text: str, most: int) -> list[str]:
    """The text in lines of at most so many columns, but never within a word: it may be one to copy. 0 for one line."""
    if not most or width(text) <= most:
        return [text]
    from textwrap import wrap

    return wrap(visible(text), most, break_on_hyphens=False, break_long_words=False) or [""]


def _columns(stream: TextIO) -> int:
    told = os.environ.get("COLUMNS", "")
    if told.isdecimal() and int(told):
        return int(told)
    try:
        return os.get_terminal_size(stream.fileno()).columns or 80
    except OSError:
        return 80
