"""The btrfs driver keeps the contract on the simulated machine too."""

from collections.abc import Iterator

import pytest

from holdfast.drivers.btrfs.driver import BtrfsDriver
from holdfast.host import mounttable
from holdfast.testing.conformance.copies import copied, taken_of
from holdfast.testing.conformance.drivers import (
    CopyConformance,
    ImportConformance,
    PoolConformance,
    VolumeConformance,
)
from holdfast.testing.conformance.kernel.checks import device, made, mount
from holdfast.testing.conformance.kernel.filesystems import formatted
from holdfast.testing.simulation.nodes import SUBVOLUME
from tests.conformance.dir_harness import KINDS
from tests.conformance.kernels.simulated import SCRATCH, SimulatedHarness
from tests.conformance.simulated_dir_harness import SimulatedDirHarness


@pytest.fixture
def harness() -> Iterator[SimulatedDirHarness]:
    """A machine per test, and a directory on a btrfs with quotas of it."""
    machine = SimulatedHarness()
    where = made(machine.kernel, f"{SCRATCH}/mounted")
    with device(machine.kernel, formatted(machine, "disk", "btrfs")) as loop:
        mount(machine.kernel, "btrfs", loop.path, where)
        machine.quotas(where)
        found = SimulatedDirHarness(machine.machine, made(machine.kernel, f"{where}/base"), driver=BtrfsDriver)
        yield found
        assert found.ended() <= {"disk.raw"}, "the driver holds something between calls"
        assert found.other.descriptors == []
        assert mounttable.below(f"{where}/base", kernel=found.other) == []
        machine.kernel.umount(where)


class TestPools(PoolConformance):
    """See there."""


class TestVolumes(VolumeConformance):
    """See there."""


class TestCopies(CopyConformance):
    """See there."""


class TestImports(ImportConformance):
    """See there."""


def test_directories_are_subvolumes_here_too(harness: SimulatedDirHarness) -> None:
    """Else the suite would have asked nothing of them."""
    pool = harness.ready()
    volume = harness.made(pool, KINDS[0])
    snapshot = taken_of(harness, volume)
    copied(harness, pool, volume, snapshot)
    for each in (volume, snapshot):
        assert harness.other.stat(f"{pool.config['source']}/volumes/{each.uid}/data").st_ino == SUBVOLUME
