"""Times, lengths of time and labels, as people write and read them."""

import pytest

from holdfast.cli import words
from holdfast.model.errors import Invalid


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "0 s"), (0, "0 s"), (59.9, "59 s"), (60, "1 min"), (61, "1 min"), (3600, "1 h"), (3660, "1 h 1 min"),
        (7500, "2 h 5 min"), (86400, "1 d"), (90000, "1 d 1 h"),
    ],
)  # fmt: skip
def test_a_length_of_time_has_at_most_two_units(seconds: float, text: str) -> None:
    assert words.lasting(seconds) == text


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("5m", 300), ("12h", 43200), ("30d", 2592000), ("1w", 604800)]
)
def test_a_length_of_time_is_a_number_and_a_unit(text: str, seconds: float) -> None:
    assert words.parse_lasting(text) == seconds


@pytest.mark.parametrize("text", ["", "5", "d", "-1d", "1.5h", "1 d", "1month", "١d", "1d "])
def test_anything_else_is_no_length_of_time(text: str) -> None:
    with pytest.raises(Invalid):
        words.parse_lasting(text)


def test_labels_are_name_and_value_and_the_value_may_have_an_equals_sign() -> None:
    assert words.parse_labels(["a=b", "c=d=e", "f="]) == {"a": "b", "c": "d=e", "f": ""}
    assert words.parse_labels(None) == {}


@pytest.mark.parametrize("given", [["a"], ["a=1", "a=2"]])
def test_a_label_without_a_value_or_given_twice_is_refused(given: list[str]) -> None:
    with pytest.raises(Invalid):
        words.parse_labels(given)


def test_a_filter_may_have_no_value() -> None:
    assert words.parse_filter(["a", "b=c", "d="]) == {"a": None, "b": "c", "d": ""}
