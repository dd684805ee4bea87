"""Fixtures of the tests with an array."""

from collections.abc import Iterator

import pytest

from tests.array.world import ArrayWorld, array_world
from tests.needs import need, need_root


@pytest.fixture
def world() -> Iterator[ArrayWorld]:
    need_root()
    need("openssl")
    with array_world() as found:
        yield found
