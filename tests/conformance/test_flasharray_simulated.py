"""The flasharray driver keeps the contract on the simulated machine too, as it does over HTTPS and real devices.

So what the simulation proves of the driver, it proves of a driver that works there as it does here.
"""

from collections.abc import Iterator

import pytest

from holdfast.drivers.connecting import DeviceFacts
from holdfast.drivers.contract import Observation, Present
from holdfast.drivers.transports.contract import Options
from holdfast.model.errors import HoldfastError
from holdfast.testing.conformance.connecting import ConnectingConformance
from holdfast.testing.conformance.copies import CopyConformance
from holdfast.testing.conformance.drivers import PoolConformance, VolumeConformance
from holdfast.testing.conformance.harness import Kind
from holdfast.testing.flasharray.fabric import LoopFabric
from tests.conformance.flasharray_harness import KINDS
from tests.conformance.kernels.simulated import SimulatedHarness
from tests.conformance.simulated_flasharray_harness import SimulatedFlashArrayHarness


@pytest.fixture
def harness() -> Iterator[SimulatedFlashArrayHarness]:
    """A machine and an array per test."""
    machine = SimulatedHarness().machine
    found = SimulatedFlashArrayHarness(machine)
    yield found
    assert machine.loops == {}, "a device is left"


@pytest.fixture(params=KINDS, ids=lambda kind: kind.fs or kind.content)
def kind(request: pytest.FixtureRequest) -> Kind:
    found: Kind = request.param
    return found


class TestPools(PoolConformance):
    """See there."""


class TestVolumes(VolumeConformance):
    """See there."""


class TestCopies(CopyConformance):
    """See there."""


class TestConnections(ConnectingConformance):
    """See there."""


class SeesNoHolders(LoopFabric):
    """Wrong in one thing."""

    def look(self, options: Options, serial: str) -> Observation[DeviceFacts]:
        """Nobody has it, whoever does."""
        found = super().look(options, serial)
        return Present(DeviceFacts(found.facts.path)) if isinstance(found, Present) else found


def test_a_transport_that_is_wrong_in_one_thing_fails_the_suite() -> None:
    harness = SimulatedFlashArrayHarness(SimulatedHarness().machine, SeesNoHolders)
    with pytest.raises((AssertionError, HoldfastError, pytest.fail.Exception)):
        ConnectingConformance().test_a_busy_device_says_by_whom_and_stays_with_its_connection(harness)
