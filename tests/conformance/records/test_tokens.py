"""Tokens in the database."""

import pytest

from holdfast.model.errors import Exists
from holdfast.records import tokens
from holdfast.records.contract import Records
from holdfast.records.tokens import TokenRow
from tests.conformance.records.conftest import Open


def row(ident: str, name: str) -> TokenRow:
    """A token."""
    return TokenRow(ident, name, "operator", "d" * 64, 1.5, 0.0)


def test_a_token_comes_back_as_it_went_in_also_after_a_restart(open_records: Open) -> None:
    put = TokenRow("i", "name", "admin", "0" * 64, 1769860800.125, 1769860860.5)
    records = open_records()
    records.write(lambda tx: tokens.insert(tx, put))
    records.close()
    assert open_records().read(tokens.every) == [put]


def test_tokens_come_in_bytewise_order_of_their_names(records: Records) -> None:
    names = ["b", "B", "a-b", "a.b", "a0", "ab", "a_b"]
    for number, name in enumerate(names):
        put = row(str(number), name)
        records.write(lambda tx: tokens.insert(tx, put))  # noqa: B023 - run at once
    assert [found.name for found in records.read(tokens.every)] == sorted(names, key=str.encode)


def test_a_name_is_there_once(records: Records) -> None:
    records.write(lambda tx: tokens.insert(tx, row("i", "name")))
    with pytest.raises(Exists):
        records.write(lambda tx: tokens.insert(tx, row("j", "name")))
    assert [found.id for found in records.read(tokens.every)] == ["i"]


def test_a_deletion_takes_that_token_alone_and_is_repeatable(records: Records) -> None:
    records.write(lambda tx: tokens.insert(tx, row("i", "one")))
    records.write(lambda tx: tokens.insert(tx, row("j", "two")))
    for _ in range(2):
        records.write(lambda tx: tokens.delete(tx, "i"))
    assert [found.name for found in records.read(tokens.every)] == ["two"]
    records.write(lambda tx: tokens.insert(tx, row("k", "one")))
