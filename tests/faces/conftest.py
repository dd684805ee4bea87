"""A daemon per test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.daemon import RealDaemon, real_daemon, scratch
from tests.needs import need_root


@pytest.fixture
def daemon() -> Iterator[RealDaemon]:
    """Not started; what is left of it is removed afterwards."""
    need_root()
    with real_daemon() as found:
        yield found


@pytest.fixture
def place() -> Iterator[Path]:
    """A scratch directory beside the daemon's."""
    need_root()
    with scratch() as root:
        yield root
