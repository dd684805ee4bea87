"""Sizes: whole positive bytes up to 1 EiB; 1GB is not 1GiB."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.model.errors import Invalid
from holdfast.model.sizes import LARGEST, format_size, parse_size

UNITS = {"": 1, "B": 1}
for _n, _letter in enumerate("KMGTPE", start=1):
    UNITS[f"{_letter}B"], UNITS[f"{_letter}iB"] = 1000**_n, 1024**_n


@given(st.integers(1, LARGEST))
def test_bytes_are_taken_as_they_are(size: int) -> None:
    assert parse_size(size) == parse_size(str(size)) == parse_size(f"{size}B") == parse_size(f" {size} B ") == size


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("1GB", 10**9), ("1GiB", 2**30), ("1 GiB", 2**30), ("0.5KiB", 512), ("1.5TiB", 3 * 2**39), ("1EiB", 2**60),
        ("1.000000001GB", 10**9 + 1), ("007KB", 7000),
    ],
)  # fmt: skip
def test_units_mean_what_they_say(text: str, size: int) -> None:
    assert parse_size(text) == size


@given(st.integers(0, 10**6), st.text("0123456789", max_size=9), st.sampled_from(sorted(UNITS)))
def test_it_is_exact_or_refused(whole: int, fraction: str, unit: str) -> None:
    text = f"{whole}.{fraction}{unit}" if fraction else f"{whole}{unit}"
    exact = Fraction(f"{whole}.{fraction or 0}") * UNITS[unit]
    if exact.denominator == 1 and 0 < exact <= LARGEST:
        assert parse_size(text) == exact
    else:
        with pytest.raises(Invalid):
            parse_size(text)


BAD: list[str | int] = [
    "", " ", "x", "0", 0, -1, "-1", "+1", "-1GiB", "0.0GiB", "1.5", "0.1B", "1.GiB", ".5GiB", "1,5GiB", "1e9", "1E400",
    "1e9999999999GiB", "9" * 400, "9" * 20 + "EiB", LARGEST + 1, "1048577TiB", "2EiB", "1gb", "1Gib", "1G", "1 G iB",
    "1GiB/s", "1GiBx", "\u0661GiB", "1\u00a0GiB", "\uff11", "0x10", "1_000", "inf", "nan", "1GiB\0", True, False,
]  # fmt: skip


@pytest.mark.parametrize("text", BAD, ids=lambda text: ascii(text)[:20])
def test_what_is_no_size_is_refused(text: str | int) -> None:
    with pytest.raises(Invalid):
        parse_size(text)


@given(st.text(max_size=30))
def test_any_text_is_a_size_within_bounds_or_invalid(text: str) -> None:
    try:
        size = parse_size(text)
    except Invalid:
        return
    assert 0 < size <= LARGEST


@given(st.integers(1, 1023), st.integers(0, 5))
def test_what_a_unit_divides_is_shown_exactly(count: int, power: int) -> None:
    assert parse_size(format_size(count * 1024**power)) == count * 1024**power


def test_sizes_for_people() -> None:
    assert [format_size(n) for n in (1, 1023, 1024, 1536, 2**60)] == ["1 B", "1023 B", "1 KiB", "1.5 KiB", "1 EiB"]
