"""Names: ASCII, 1 to 63 characters, nothing that a path or a URL could misread."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.model.errors import Invalid
from holdfast.model.names import LONGEST, check_name, split_volume

INNER = string.ascii_letters + string.digits + "._-"
OUTER = string.ascii_letters + string.digits
GOOD = st.builds(
    lambda first, inner, last: (first + inner + last)[:LONGEST].rstrip("._-"),
    st.sampled_from(OUTER), st.text(INNER, max_size=61), st.sampled_from(OUTER),
)  # fmt: skip
BAD = [
    "", "x" * 64, "x" * 300, ".", "..", "../x", "x/../y", "/x", "x/", "a/b", "-x", "x-", ".x", "x.", "_x", "a b", " a",
    "a\n", "a\0b", "a\tb", "\x7f", "a\x1b[31m", "p\u0430ge", "\uff41", "e\u0301", "\u200bx", "x\u202ey", "stra\u00dfe",
    "\u0661", "a%2fb", "a@b", "a:b", "a\\b", "a*", "~", "$x", "a\ud800",
]  # fmt: skip


@given(GOOD)
def test_a_good_name_is_returned_as_it_is(name: str) -> None:
    assert check_name("volume", name) == name


@pytest.mark.parametrize("name", BAD, ids=ascii)
def test_a_bad_name_is_refused_and_says_so_in_ascii(name: str) -> None:
    with pytest.raises(Invalid) as caught:
        check_name("volume", name)
    assert caught.value.detail.isascii()
    assert "volume name" in caught.value.detail


@given(st.text(max_size=80))
def test_whatever_passes_is_one_harmless_path_component(name: str) -> None:
    try:
        check_name("pool", name)
    except Invalid:
        return
    assert name.isascii()
    assert name.isprintable()
    assert not set(name) & set("/\\ %:@")
    assert name not in ("", ".", "..")
    assert len(name) <= 63


@given(GOOD, GOOD)
def test_a_volume_is_pool_slash_name(pool: str, volume: str) -> None:
    assert split_volume(f"{pool}/{volume}") == (pool, volume)


@pytest.mark.parametrize("name", ["", "/", "p", "p/", "/v", "p/v/w", "p//v", "../v", "p/..", "p /v"])
def test_what_is_not_pool_slash_volume_is_refused(name: str) -> None:
    with pytest.raises(Invalid):
        split_volume(name)
