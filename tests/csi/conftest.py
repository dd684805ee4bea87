"""Fixtures of the tests of CSI."""

from collections.abc import Iterator

import pytest

from tests.csi.plugin import Plugin, with_csi
from tests.daemon import RealDaemon, real_daemon
from tests.needs import need_root


@pytest.fixture
def daemon() -> Iterator[RealDaemon]:
    """With a pool `p`, serving CSI."""
    need_root()
    with real_daemon() as found:
        with_csi(found).with_pool()
        yield found


@pytest.fixture
def plugin(daemon: RealDaemon) -> Iterator[Plugin]:
    found = Plugin(f"{daemon.run}/csi.sock")
    yield found
    found.close()
