"""Real parts for the host layer, and a proof after each test that nothing of it is left."""

import os
import tempfile
from collections.abc import Iterator

import pytest

from holdfast.host.children import ForkServerChildren
from holdfast.runtime.threads import ThreadRuntime
from tests.host.parts import Keeper, clean, leftovers, need_root


@pytest.fixture(scope="session")
def children() -> Iterator[ForkServerChildren]:
    """One fork server for all tests."""
    server = ForkServerChildren(ThreadRuntime())
    yield server
    server.close()


@pytest.fixture
def runtime() -> ThreadRuntime:
    """The real one; a test may set its hook."""
    return ThreadRuntime()


@pytest.fixture
def keeper() -> Keeper:
    """Records children as the journal would."""
    return Keeper()


@pytest.fixture
def scratch() -> Iterator[str]:
    """An empty directory on a real disk; at the end no mount or loop device of the test may be left."""
    need_root()
    path = os.path.realpath(
        tempfile.mkdtemp(prefix="holdfast-host-", dir=os.environ.get("HOLDFAST_SCRATCH", "/var/tmp"))
    )
    yield path
    left = leftovers(path)
    clean(path)
    assert left == [], "the test left something behind"
