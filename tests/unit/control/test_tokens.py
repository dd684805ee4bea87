"""Tokens: what lets in, and until when."""

import pytest

from holdfast.control.tokens import Tokens
from holdfast.model.errors import Exists, Invalid, NotFound, Unauthenticated
from holdfast.records import tokens as rows
from tests.unit.control.conftest import Universe


@pytest.fixture
def tokens(universe: Universe) -> Tokens:
    """None yet."""
    return universe.do(lambda: Tokens(universe.runtime, universe.records))


def test_a_token_lets_its_own_name_and_role_in(universe: Universe, tokens: Tokens) -> None:
    made, secret = universe.do(lambda: tokens.create("deploy", "operator", None))
    universe.do(lambda: tokens.create("other", "admin", None))
    assert tokens.check(secret) == made
    assert (made.name, made.role, made.expires_at) == ("deploy", "operator", None)


def test_nothing_else_does(universe: Universe, tokens: Tokens) -> None:
    made, token = universe.do(lambda: tokens.create("deploy", "operator", None))
    _, ident, secret = token.split("_")
    assert ident == made.id
    for wrong in (
        "", "hf", "hf_", "hf__", secret, f"hf_{ident}", f"hf_{ident}_", f"hf_{ident}_{secret[:-1]}", f"{token}0",
        f"HF_{ident}_{secret}", f"hf_{ident}_{secret.upper()}", f"hf_{'0' * 16}_{secret}", f"hf_{ident}_\u00e9",
        f" {token}",
    ):  # fmt: skip
        with pytest.raises(Unauthenticated):
            tokens.check(wrong)


def test_two_tokens_have_nothing_in_common(universe: Universe, tokens: Tokens) -> None:
    secrets = [universe.do(lambda n=n: tokens.create(f"t{n}", "viewer", None))[1] for n in range(20)]  # type: ignore[misc]
    assert len({secret.split("_")[2] for secret in secrets}) == 20
    assert all(len(secret.split("_")[2]) == 64 for secret in secrets)


def test_the_database_has_no_secret(universe: Universe, tokens: Tokens) -> None:
    _, token = universe.do(lambda: tokens.create("deploy", "operator", None))
    row = universe.do(lambda: universe.records.read(rows.every))[0]
    assert token.split("_")[2] not in repr(row)
    assert len(row.digest) == 64


def test_a_token_ends_with_its_lifetime_by_the_wall_clock(universe: Universe, tokens: Tokens) -> None:
    _, token = universe.do(lambda: tokens.create("brief", "viewer", 60.0))
    universe.passes(59)
    assert tokens.check(token).name == "brief"
    universe.passes(2)
    with pytest.raises(Unauthenticated, match="expired"):
        tokens.check(token)


@pytest.mark.parametrize("lifetime", [0.0, 0.99, -1.0, float("nan"), float("inf"), 101 * 366 * 86400.0])
def test_a_lifetime_that_makes_no_sense_is_invalid(universe: Universe, tokens: Tokens, lifetime: float) -> None:
    with pytest.raises(Invalid):
        universe.do(lambda: tokens.create("never", "viewer", lifetime))
    assert tokens.every() == []


@pytest.mark.parametrize("name", ["", "a b", "a/b", "-a", "x" * 64, "a\n"])
def test_a_name_that_is_none_is_invalid(universe: Universe, tokens: Tokens, name: str) -> None:
    with pytest.raises(Invalid):
        universe.do(lambda: tokens.create(name, "viewer", None))


def test_a_name_is_there_once_and_free_again_once_revoked(universe: Universe, tokens: Tokens) -> None:
    made, token = universe.do(lambda: tokens.create("deploy", "viewer", None))
    with pytest.raises(Exists):
        universe.do(lambda: tokens.create("deploy", "admin", None))
    assert tokens.check(token).role == "viewer"
    assert universe.do(lambda: tokens.revoke("deploy")) == made
    with pytest.raises(Unauthenticated):
        tokens.check(token)
    with pytest.raises(NotFound):
        universe.do(lambda: tokens.revoke("deploy"))
    universe.do(lambda: tokens.create("deploy", "admin", None))


def test_a_restart_changes_nothing(universe: Universe, tokens: Tokens) -> None:
    kept, token = universe.do(lambda: tokens.create("kept", "admin", 600.0))
    gone, other = universe.do(lambda: tokens.create("gone", "admin", None))
    universe.do(lambda: tokens.revoke(gone.id))
    again = universe.do(lambda: Tokens(universe.runtime, universe.records))
    assert again.check(token) == kept
    assert again.every() == [kept]
    with pytest.raises(Unauthenticated):
        again.check(other)
