"""Tables: aligned text; on a terminal with colours, folded to its width, and never through the first column."""

from collections.abc import Iterator, Sequence

from holdfast.cli.screen import Cell, Line, Screen, Span, fold, span, width

Row = Sequence[Cell]
# More rows than this are for programs like less and grep, even on a terminal.
PLAIN_FROM = 200
_GAP = 2
# A column gives way only if it is wider than this, and keeps its longest word whole up to it; a remark stands beside
# its row from so much room on.
_WORD = 28
_REMARK = 60
_INDENT = "    "


def lines(screen: Screen, head: Sequence[str], rows: Sequence[Row], *, remark: bool = False) -> Iterator[Line]:
    """The table. With `remark` the last column is prose, which goes below its row where it finds no room beside it."""
    if not screen.terminal or len(rows) > PLAIN_FROM:
        widths = _natural(head, rows)
        yield from (_bare(row, widths) for row in (head, *rows))
        return
    columns = len(head)
    if remark and not _beside(screen, head, rows):
        columns -= 1
    while columns > 1 and _needs(head[:columns], [row[:columns] for row in rows]) > screen.width:
        columns -= 1
    yield from _framed(screen, head, rows, columns, prose=remark)


def _bare(row: Row, widths: list[int]) -> Line:
    padded = [span(cell).text + " " * (size - width(cell)) for cell, size in zip(row, widths, strict=True)]
    return ((" " * _GAP).join(padded).rstrip(" "),)


def _beside(screen: Screen, head: Sequence[str], rows: Sequence[Row]) -> bool:
    """Whether there are remarks, and room for them at the right."""
    longest = max((width(row[-1]) for row in rows), default=0)
    others = sum(_natural(head[:-1], [row[:-1] for row in rows])) + _GAP * (len(head) - 1)
    return longest > 0 and (others + longest <= screen.width or screen.width - others >= _REMARK)


def _natural(head: Sequence[str], rows: Sequence[Row]) -> list[int]:
    return [max(width(row[at]) for row in (head, *rows)) for at in range(len(head))]


def _least(head: Sequence[str], rows: Sequence[Row]) -> list[int]:
    """How narrow each column may become. The first never gives way: it is what one copies."""
    natural = _natural(head, rows)
    longest = [_longest([row[at] for row in rows]) for at in range(len(head))]
    least = [
        size if size <= _WORD else max(len(title), min(_WORD, word))
        for title, size, word in zip(head, natural, longest, strict=True)
    ]
    return [*natural[:1], *least[1:]]


def _longest(cells: Sequence[Cell]) -> int:
    """The width of the longest word."""
    return max((width(word) for cell in cells for word in span(cell).text.split()), default=0)


def _needs(head: Sequence[str], rows: Sequence[Row]) -> int:
    return sum(_least(head, rows)) + _GAP * (len(head) - 1)


def _sizes(head: Sequence[str], rows: Sequence[Row], most: int) -> list[int]:
    """How wide each column is: the widest give way until all fit."""
    sizes, least = _natural(head, rows), _least(head, rows)
    over = sum(sizes) + _GAP * (len(sizes) - 1) - most
    while over > 0:
        giving = [at for at in range(1, len(sizes)) if sizes[at] > least[at]]
        if not giving:
            break
        sizes[max(giving, key=lambda at: sizes[at])] -= 1
        over -= 1
    return sizes


def _framed(screen: Screen, head: Sequence[str], rows: Sequence[Row], columns: int, *, prose: bool) -> Iterator[Line]:
    """The first columns side by side, what has no room there below its row, with its title unless it is prose."""
    sizes = _sizes(head[:columns], [row[:columns] for row in rows], screen.width)
    yield from _row([Span(title, "bold") for title in head[:columns]], sizes)
    for row in rows:
        yield from _row(row[:columns], sizes)
        last = len(row) - 1 if prose else len(row)
        below = [f"{head[at].lower()}: {span(row[at]).text}" for at in range(columns, last) if span(row[at]).text]
        yield from ((_INDENT, line) for line in _packed(below, screen.width - len(_INDENT)))
        if prose and columns < len(row) and span(row[-1]).text:
            yield from screen.wrapped(span(row[-1]).text, _INDENT, span(row[-1]).style)


def _packed(texts: Sequence[str], most: int) -> list[str]:
    """The texts in as few lines as they fit in, each whole."""
    found: list[str] = []
    for text in texts:
        joined = f"{found[-1]}  {text}" if found else ""
        if found and width(joined) <= most:
            found[-1] = joined
        else:
            found.append(text)
    return found


def _row(row: Row, sizes: list[int]) -> Iterator[Line]:
    """One row in as many lines as its tallest cell has."""
    cells = [
        [Span(line, span(cell).style) for line in _folded(span(cell).text, size)]
        for cell, size in zip(row, sizes, strict=True)
    ]
    for number in range(max(map(len, cells))):
        line: list[Cell] = []
        for folded, size in zip(cells, sizes, strict=True):
            cell = folded[number] if number < len(folded) else Span("")
            line += [cell, " " * (size - width(cell) + _GAP)]
        while line and not span(line[-1]).text.strip(" "):
            line.pop()
        yield line


def _folded(text: str, most: int) -> Iterator[str]:
    """A cell in lines: between words, and in words that are longer than a line behind a separator if there is one."""
    for line in fold(text, most):
        rest = line
        while most and width(rest) > most:
            at = max(rest.rfind(sign, most // 2, most) for sign in "/:,=.") + 1 or most
            yield rest[:at]
            rest = rest[at:]
        yield rest
