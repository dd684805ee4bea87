"""The dir driver keeps the contract on the simulated machine too, with the suite that it keeps it with on the real one.

So what the simulation proves of the driver, it proves of a driver that works there as it does here.
"""

from collections.abc import Callable, Iterator

import msgspec
import pytest

from holdfast.drivers.contract import Absent, PoolRef, Present, Unknown
from holdfast.host import mounttable
from holdfast.model.errors import HoldfastError
from holdfast.model.resources import FileSystem
from holdfast.testing.conformance.drivers import (
    CopyConformance,
    ImportConformance,
    PoolConformance,
    VolumeConformance,
)
from holdfast.testing.conformance.harness import OWNER, Kind
from holdfast.testing.conformance.kernel.checks import device, made, mount
from holdfast.testing.conformance.kernel.filesystems import SYSTEMS, formatted
from holdfast.testing.simulation.kernel import SimulatedKernel
from tests.conformance.dir_harness import KINDS
from tests.conformance.kernels import broken
from tests.conformance.kernels.simulated import SCRATCH, SimulatedHarness
from tests.conformance.simulated_dir_harness import SimulatedDirHarness


@pytest.fixture(params=["plain", *SYSTEMS])
def place(request: pytest.FixtureRequest) -> Iterator[tuple[SimulatedHarness, str]]:
    """A machine, and a directory on such a file system of it."""
    machine = SimulatedHarness()
    if request.param == "plain":
        yield machine, made(machine.kernel, f"{SCRATCH}/base")
        return
    where = made(machine.kernel, f"{SCRATCH}/mounted")
    with device(machine.kernel, formatted(machine, "disk", request.param)) as loop:
        mount(machine.kernel, request.param, loop.path, where)
        yield machine, made(machine.kernel, f"{where}/base")
        machine.kernel.umount(where)


@pytest.fixture
def harness(place: tuple[SimulatedHarness, str]) -> Iterator[SimulatedDirHarness]:
    """A machine per test."""
    machine, base = place
    found = SimulatedDirHarness(machine.machine, base)
    yield found
    # A failpoint right after a file's creation loses the descriptor that the call returned; nothing else may stay.
    assert found.ended() <= {"disk.raw"}, "the driver holds something between calls"
    assert found.other.descriptors == []
    assert mounttable.below(base, kernel=found.other) == []


class TestPools(PoolConformance):
    """See there."""


class TestVolumes(VolumeConformance):
    """See there."""


class TestCopies(CopyConformance):
    """See there."""


class TestImports(ImportConformance):
    """See there."""


@pytest.mark.parametrize("fs", SYSTEMS)
def test_a_pool_at_the_root_of_a_disk_is_known_again_and_unknown_while_it_is_away(fs: FileSystem) -> None:
    machine = SimulatedHarness()
    kernel, where = machine.kernel, made(machine.kernel, f"{SCRATCH}/at")
    harness = SimulatedDirHarness(machine.machine, SCRATCH)
    pool = PoolRef(harness.runtime.new_id(), OWNER, "dir", {"source": where})
    image = formatted(machine, "disk", fs)
    with device(kernel, image) as loop:
        mount(kernel, fs, loop.path, where)
        harness.driver.make_pool(pool, harness.making())
        pool = msgspec.structs.replace(pool, identity=harness.driver.identity(pool))
        kernel.umount(where)
    assert isinstance(harness.driver.look_pool(pool), Unknown)
    with device(kernel, formatted(machine, "other", fs)), device(kernel, image) as loop:
        mount(kernel, fs, loop.path, where)
        assert isinstance(harness.driver.look_pool(pool), Present)
        assert harness.driver.identity(pool) == pool.identity, "the same after a remount, whatever its device"
        harness.driver.remove_pool(pool)
        assert isinstance(harness.driver.look_pool(pool), Absent)
        kernel.umount(where)


@pytest.mark.parametrize("fs", SYSTEMS)
def test_another_empty_disk_at_the_same_path_proves_nothing(fs: FileSystem) -> None:
    machine = SimulatedHarness()
    kernel, where = machine.kernel, made(machine.kernel, f"{SCRATCH}/at")
    harness = SimulatedDirHarness(machine.machine, SCRATCH)
    pool = PoolRef(harness.runtime.new_id(), OWNER, "dir", {"source": where})
    identities = []
    for name in ("one", "two"):
        with device(kernel, formatted(machine, name, fs)) as loop:
            mount(kernel, fs, loop.path, where)
            identities.append(harness.driver.identity(pool))
            kernel.umount(where)
    assert identities[0] != identities[1]


@pytest.mark.parametrize(
    ("model", "test"),
    [
        (broken.SeesNoMounts, VolumeConformance.test_a_volume_in_use_says_by_whom_and_is_not_removed),
        (broken.KeepsFiles, VolumeConformance.test_a_removed_volume_leaves_nothing),
    ],
)
def test_a_driver_on_a_machine_that_is_wrong_in_one_thing_fails_the_suite(
    model: type[SimulatedKernel], test: Callable[[VolumeConformance, SimulatedDirHarness, Kind], None]
) -> None:
    machine = SimulatedHarness()
    with pytest.raises((AssertionError, HoldfastError, pytest.fail.Exception)):
        test(VolumeConformance(), SimulatedDirHarness(machine.machine, SCRATCH, model), KINDS[0])
