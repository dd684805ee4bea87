"""The flasharray driver keeps the contract: over HTTPS, on a simulated array, with real devices and file systems."""

from collections.abc import Iterator

import pytest

from holdfast.host.children import ForkServerChildren
from holdfast.runtime.threads import ThreadRuntime
from holdfast.testing.conformance.connecting import ConnectingConformance
from holdfast.testing.conformance.copies import CopyConformance
from holdfast.testing.conformance.drivers import PoolConformance, VolumeConformance
from holdfast.testing.conformance.harness import Kind
from holdfast.testing.conformance.imports import ImportConformance
from holdfast.testing.flasharray.server import serving
from tests.conformance.flasharray_harness import KINDS, FlashArrayHarness
from tests.lingering import loops_below
from tests.needs import need_root


@pytest.fixture(scope="module")
def children() -> Iterator[ForkServerChildren]:
    runtime = ThreadRuntime()
    found = ForkServerChildren(runtime)
    yield found
    found.close()


@pytest.fixture
def harness(children: ForkServerChildren) -> Iterator[FlashArrayHarness]:
    need_root()
    with serving() as server:
        found = FlashArrayHarness(server, ThreadRuntime(), children)
        yield found
        found.array_driver.close()
        assert loops_below(server.root) == [], "a device is left"  # type: ignore[arg-type]  # a path


@pytest.fixture(params=KINDS, ids=lambda kind: kind.fs or kind.content)
def kind(request: pytest.FixtureRequest) -> Kind:
    found: Kind = request.param
    return found


class TestPools(PoolConformance):
    """See there."""


class TestVolumes(VolumeConformance):
    """See there."""


class TestImports(ImportConformance):
    """See there."""


class TestCopies(CopyConformance):
    """See there."""


class TestConnections(ConnectingConformance):
    """See there."""
