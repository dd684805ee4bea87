"""The YAML that we write is read back as what was written, by a reader of YAML 1.1, which misreads the most."""

from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]  # its stubs are not worth a dependency
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.cli.yaml import encode

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner))


@settings(deadline=None)
@given(VALUES)
def test_what_is_written_is_read_back(value: Any) -> None:
    assert yaml.safe_load(encode(value)) == value


TRICKY = [
    "", " ", "no", "No", "ON", "y", "null", "~", "1", "1e3", "0x1f", "1_000", "12:30:45", "2001-01-01", ".5", "-",
    "- a", "a: b", "a #b", "#a", "a:", "*a", "&a", "!a", "%a", "@a", "`a", "|", ">", "[]", "{}", "a\nb", "a\n", "\t",
    "'a'", '"a"', "a\\b", "\u2028", "\ufeff", "\x00", "\x85", "ä", "\U0001f600", "=", "<<", "?", "? a", "---", "...",
    "true ", " true",
]  # fmt: skip


@pytest.mark.parametrize("text", TRICKY)
def test_a_text_that_looks_like_something_else_stays_a_text(text: str) -> None:
    for value in (text, [text], {text: text}, {"a": [{"b": text}]}):
        assert yaml.safe_load(encode(value)) == value


@pytest.mark.parametrize("text", ["y", "N", "yes", "Off"])
def test_what_the_oldest_readers_take_for_a_boolean_is_quoted(text: str) -> None:
    assert encode(text) == f'"{text}"\n'


def test_what_needs_no_quotes_has_none() -> None:
    value = {
        "name": "fast",
        "path": "/srv/fast",
        "items": [{"kind": "volume.create", "size": 1}],
        "none": None,
        "all": [],
    }
    assert encode(value) == (
        "name: fast\npath: /srv/fast\nitems:\n  - kind: volume.create\n    size: 1\nnone: null\nall: []\n"
    )
