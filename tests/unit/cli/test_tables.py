"""Tables: plain where nobody looks, never through the first column, nothing lost where there is no room."""

import io
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.cli import tables
from holdfast.cli.screen import Cell, Screen, Span, fold, visible, width


def screen(columns: int) -> Screen:
    """A terminal so wide; 0 for a pipe."""
    found = Screen(io.StringIO())
    found.terminal = columns > 0
    found.width = columns
    return found


def drawn(columns: int, head: list[str], rows: list[list[Cell]], *, remark: bool = False) -> list[str]:
    out = screen(columns)
    return [out.paint(line) for line in tables.lines(out, head, rows, remark=remark)]


HEAD = ["NAME", "STATE", "WHERE", "REASON"]
PATH = "/srv/a/place/with/a/long/path"
ROWS: list[list[Cell]] = [
    ["p/first", Span("ready", "good"), PATH, ""],
    ["p/the-second", "making", "/srv", "its disk is away, and nobody knows when it comes back to us again"],
]


def test_in_a_pipe_a_row_is_a_line_whatever_its_length() -> None:
    found = drawn(0, HEAD, ROWS, remark=True)
    assert found[0].split() == HEAD
    assert found[1].split() == ["p/first", "ready", PATH]
    assert found[2].endswith("comes back to us again")
    assert len({line.index(word) for line, word in zip(found, ("STATE", "ready", "making"), strict=True)}) == 1


def test_a_remark_goes_below_its_row_where_it_finds_no_room() -> None:
    assert drawn(80, HEAD, ROWS, remark=True) == [
        "NAME          STATE   WHERE",
        f"p/first       ready   {PATH}",
        "p/the-second  making  /srv",
        "    its disk is away, and nobody knows when it comes back to us again",
    ]  # fmt: skip
    assert len(drawn(200, HEAD, ROWS, remark=True)) == 3


def test_columns_without_room_go_below_their_row_with_their_title() -> None:
    assert drawn(24, HEAD, [["p/the-second", "making", PATH, "away"]]) == [
        "NAME          STATE",
        "p/the-second  making",
        f"    where: {PATH}",
        "    reason: away",
    ]


def test_the_first_column_never_gives_way() -> None:
    name = "a name that fills nearly all of it"
    assert drawn(40, ["NAME", "STATE"], [[name, "making"]]) == ["NAME", name, "    state: making"]


def test_more_than_two_hundred_rows_are_plain_even_on_a_terminal() -> None:
    rows: list[list[Cell]] = [[f"p/{number}", "ready", PATH * 4, ""] for number in range(201)]
    assert len(drawn(80, HEAD, rows)) == 202
    assert len(drawn(80, HEAD, rows[:200])) > 201


def signs(text: str) -> Counter[str]:
    return Counter("".join(text.split()))


@settings(deadline=None)
@given(
    st.lists(st.lists(st.text(max_size=60), min_size=3, max_size=3), min_size=1, max_size=5),
    st.integers(min_value=20, max_value=200),
    st.booleans(),
)
def test_the_first_column_is_whole_and_no_text_is_lost(rows: list[list[str]], columns: int, remark: bool) -> None:
    found = drawn(columns, ["A", "B", "C"], [[*row] for row in rows], remark=remark)
    text = "\n".join(found)
    for row in rows:
        assert visible(row[0]).rstrip() in text
    assert signs(visible("".join("".join(row) for row in rows))) <= signs(text)


@pytest.mark.parametrize(("text", "columns"), [("abc", 3), ("漢字", 4), ("e\u0301", 1), ("\x1b[31m", 8), ("", 0)])
def test_the_width_is_that_on_the_terminal(text: str, columns: int) -> None:
    assert width(text) == columns


def test_control_characters_are_shown_and_not_sent() -> None:
    assert visible("a\x1b[2Jb\n\x9b") == "a\\x1b[2Jb\\n\\x9b"


def test_text_is_folded_between_words_and_never_within_one() -> None:
    assert fold("holdfast op watch 876433c40a8444818d92e221ba3fdf77 now", 20) == [
        "holdfast op watch", "876433c40a8444818d92e221ba3fdf77", "now",
    ]  # fmt: skip
