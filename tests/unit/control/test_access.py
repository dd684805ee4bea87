"""Failed attempts are counted by address, for a minute; whoever failed too often is told so. A good token lets in."""

import pytest

from holdfast.control.tokens import Tokens
from holdfast.faces.rest import auth
from holdfast.faces.rest.auth import Access
from holdfast.model.errors import TooMany, Unauthenticated
from tests.unit.control.conftest import Universe

MOST = 3


class Door:
    """An access that forgives a few failures, and one good token."""

    def __init__(self, universe: Universe) -> None:
        self.tokens = universe.do(lambda: Tokens(universe.runtime, universe.records))
        _, token = universe.do(lambda: self.tokens.create("good", "operator", None))
        self.good = f"Bearer {token}"
        self.access = Access(universe.runtime, self.tokens, failures=MOST)

    def fails(self, header: str = "Bearer hf_x_y", address: str = "192.0.2.1") -> None:
        """A wrong one."""
        with pytest.raises(Unauthenticated):
            self.access.of_token(header, address)

    def opens(self, address: str = "192.0.2.1") -> None:
        """The good one."""
        assert self.access.of_token(self.good, address).name == "token:good"

    def is_shut(self, address: str = "192.0.2.1") -> None:
        """For wrong ones; never for the good one."""
        with pytest.raises(TooMany):
            self.access.of_token("Bearer hf_x_y", address)
        self.opens(address)


@pytest.fixture
def door(universe: Universe) -> Door:
    """Nobody failed yet."""
    return Door(universe)


def test_after_too_many_failures_the_next_are_told_to_wait_for_a_minute(universe: Universe, door: Door) -> None:
    for _ in range(MOST - 1):
        door.fails()
    door.opens()
    door.fails()
    door.is_shut()
    universe.passes(59)
    door.is_shut()
    universe.passes(1)
    door.fails()


def test_the_minute_begins_with_the_first_failure_and_then_anew(universe: Universe, door: Door) -> None:
    door.fails()
    universe.passes(59)
    door.fails()
    universe.passes(2)
    for _ in range(MOST - 1):
        door.fails()
    door.opens()
    door.fails()
    door.is_shut()


def test_other_addresses_are_not_shut_out(door: Door) -> None:
    for _ in range(MOST):
        door.fails()
    door.opens("192.0.2.2")
    door.is_shut()


def test_no_token_is_a_failure_too(door: Door) -> None:
    for _ in range(MOST):
        door.fails("")
    door.is_shut()


def test_another_scheme_is_a_failure_too(door: Door) -> None:
    for _ in range(MOST):
        door.fails("Basic aGY6aGY=")
    door.is_shut()


def test_a_look_whether_a_stream_may_go_on_is_no_attempt(door: Door) -> None:
    assert door.access.knows(door.good)
    for _ in range(3 * MOST):
        assert not door.access.knows("Bearer hf_x_y")
    door.opens()


def test_what_is_remembered_is_bounded(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auth, "_MOST", 10)
    for number in range(100):
        door.fails(address=f"192.0.2.{number}")
    assert len(door.access._failures) == 10


def test_who_fails_again_is_not_the_oldest(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auth, "_MOST", 10)
    for turn in range(MOST):
        door.fails(address="198.51.100.1")
        for number in range(9):
            door.fails(address=f"192.0.2.{10 * turn + number}")
    door.is_shut("198.51.100.1")
