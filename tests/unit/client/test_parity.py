"""Both clients can do the same, by the same names, arguments and types."""

import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator
from typing import Any, get_args, get_origin, get_type_hints

import pytest

from holdfast.client import Client
from holdfast.client.aio import AsyncClient

OWN = {"__enter__": "__aenter__", "__exit__": "__aexit__", "__init__": "__init__"}
PIECEWISE: dict[Any, Any] = {Iterator: AsyncIterator, Generator: AsyncGenerator}


def public(kind: type) -> dict[str, Any]:
    return {name: each for name, each in vars(kind).items() if not name.startswith("_")}


def test_both_clients_have_the_same_methods() -> None:
    assert list(public(Client)) == list(public(AsyncClient))


@pytest.mark.parametrize("name", [*public(Client), *OWN])
def test_a_method_takes_the_same_in_both(name: str) -> None:
    one, other = getattr(Client, name), getattr(AsyncClient, OWN.get(name, name))
    assert [str(each) for each in inspect.signature(one).parameters.values()] == [
        str(each) for each in inspect.signature(other).parameters.values()
    ]


@pytest.mark.parametrize("name", public(Client))
def test_a_method_gives_the_same_in_both_awaited_or_piece_by_piece(name: str) -> None:
    one, other = getattr(Client, name), getattr(AsyncClient, name)
    given, awaited = get_type_hints(one)["return"], get_type_hints(other)["return"]
    if inspect.iscoroutinefunction(other):
        assert str(given) == str(awaited)  # each has a type variable of its own
    else:
        assert PIECEWISE[get_origin(given)] is get_origin(awaited)
        assert get_args(given)[0] == get_args(awaited)[0]


@pytest.mark.parametrize("name", public(Client))
@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_every_method_says_what_it_does(kind: type, name: str) -> None:
    assert (vars(kind)[name].__doc__ or "").strip().endswith(".")
