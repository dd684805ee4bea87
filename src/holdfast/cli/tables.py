"""Tables: aligned text; on a terminal with colours, folded to its width, and never through the first column."""

from collections.abc import Iterator, Sequence

from holdfast.cli.screen import Cell, Line, Screen, Span, fold, width

Row = Sequence[Cell]
# More rows than this are for programs like less and grep, even on a terminal.
PLAIN_FROM = 200
_GAP = 2
# A column that must give way keeps at least this many signs; a remark stands beside its row from so much room on.
_LEAST = 12
_REMARK = 60


def lines(screen: Screen, head: Sequence[str], rows: Sequence[Row], *, remark: bool = False) -> Iterator[Line]:
    """The table. With `remark` the last column is prose, which goes below its row where it finds no room beside it."""
    if not screen.terminal or len(rows) > PLAIN_FROM:
        widths = [max(width(row[at]) for row in (head, *rows)) for at in range(len(head))]
        yield from (_bare(row, widths) for row in (head, *rows))
        return
    prose = [row[-1] for row in rows] if remark else []
    if remark and not _beside(screen, head, rows, prose):
        yield from _below(screen, head[:-1], [row[:-1] for row in rows], prose)
        return
    yield from _framed(head, rows, _sizes(head, rows, screen.width))


def _bare(row: Row, widths: list[int]) -> Line:
    padded = [_text(cell) + " " * (size - width(cell)) for cell, size in zip(row, widths, strict=True)]
    return ((" " * _GAP).join(padded).rstrip(),)


def _text(cell: Cell) -> str:
    return cell if isinstance(cell, str) else cell.text


def _beside(screen: Screen, head: Sequence[str], rows: Sequence[Row], prose: list[Cell]) -> bool:
    """Whether there is room for the remarks at the right; none at all need none."""
    longest = max((width(text) for text in prose), default=0)
    others = sum(_natural(head[:-1], [row[:-1] for row in rows])) + _GAP * (len(head) - 1)
    return longest > 0 and (others + longest <= screen.width or screen.width - others >= _REMARK)


def _below(screen: Screen, head: Sequence[str], rows: list[Row], prose: list[Cell]) -> Iterator[Line]:
    sizes = _sizes(head, rows, screen.width)
    yield from _framed(head, [], sizes)
    for row, text in zip(rows, prose, strict=True):
        yield from _row(row, sizes)
        if width(text):
            said = Span(text) if isinstance(text, str) else text
            yield from screen.wrapped(said.text, "    ", said.style)


def _framed(head: Sequence[str], rows: Sequence[Row], sizes: list[int]) -> Iterator[Line]:
    yield from _row([Span(title, "bold") for title in head], sizes)
    for row in rows:
        yield from _row(row, sizes)


def _natural(head: Sequence[str], rows: Sequence[Row]) -> list[int]:
    return [max(width(row[at]) for row in (head, *rows)) for at in range(len(head))]


def _sizes(head: Sequence[str], rows: Sequence[Row], most: int) -> list[int]:
    """How wide each column is: the widest give way until all fit. The first never does: it is what one copies."""
    sizes = _natural(head, rows)
    least = [min(size, max(_LEAST, len(title))) for size, title in zip(sizes, head, strict=True)]
    over = sum(sizes) + _GAP * (len(sizes) - 1) - most
    while over > 0:
        giving = [at for at in range(1, len(sizes)) if sizes[at] > least[at]]
        if not giving:
            break
        sizes[max(giving, key=lambda at: sizes[at])] -= 1
        over -= 1
    return sizes


def _row(row: Row, sizes: list[int]) -> Iterator[Line]:
    """One row in as many lines as its tallest cell has."""
    cells = [
        [Span(line, "" if isinstance(cell, str) else cell.style) for line in fold(_text(cell), size if at else 0)]
        for at, (cell, size) in enumerate(zip(row, sizes, strict=True))
    ]
    for number in range(max(map(len, cells))):
        line: list[Cell] = []
        for folded, size in zip(cells, sizes, strict=True):
            cell = folded[number] if number < len(folded) else Span("")
            line += [cell, " " * (size - width(cell) + _GAP)]
        while line and not _text(line[-1]).strip():
            line.pop()
        yield line
