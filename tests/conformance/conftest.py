"""For the drivers of pools that are directories, on this machine; others have their own of these names."""

from collections.abc import Iterator

import pytest

from holdfast.host.children import ForkServerChildren
from holdfast.testing.conformance.harness import Kind
from tests.conformance.dir_harness import KINDS, HurriedRuntime


@pytest.fixture(scope="module")
def runtime() -> HurriedRuntime:
    return HurriedRuntime()


@pytest.fixture(scope="module")
def children(runtime: HurriedRuntime) -> Iterator[ForkServerChildren]:
    server = ForkServerChildren(runtime)
    yield server
    server.close()


@pytest.fixture(params=KINDS, ids=lambda kind: kind.fs or kind.content)
def kind(request: pytest.FixtureRequest) -> Kind:
    found: Kind = request.param
    return found
