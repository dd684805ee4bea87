"""One universe per test."""

from collections.abc import Iterator

import pytest

from tests.unit.engine.lab import Lab


@pytest.fixture
def lab() -> Iterator[Lab]:
    universe = Lab()
    yield universe
    universe.close()
