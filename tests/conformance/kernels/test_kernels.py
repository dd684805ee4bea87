"""Both kernels, one suite."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.testing.conformance.kernel import (
    beneath,
    binds,
    content,
    copying,
    descriptors,
    device_bytes,
    device_users,
    devices,
    filesystems,
    guarding,
    looking,
    names,
    opening,
    subvolumes,
    table,
)
from holdfast.testing.conformance.kernel.harness import KernelHarness
from tests.conformance.kernels import linux, simulated


@pytest.fixture(params=["linux", "simulated"])
def machine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[KernelHarness]:
    if request.param == "simulated":
        with simulated.clean(simulated.SimulatedHarness()) as harness:
            yield harness
        return
    with linux.place(request.getfixturevalue("disk"), tmp_path.name) as scratch:
        yield linux.LinuxHarness(scratch)


class TestOpening(opening.OpeningConformance):
    """See there."""


class TestDescriptors(descriptors.DescriptorConformance):
    """See there."""


class TestBeneath(beneath.BeneathConformance):
    """See there."""


class TestContent(content.ContentConformance):
    """See there."""


class TestNames(names.NamesConformance):
    """See there."""


class TestLooking(looking.LookingConformance):
    """See there."""


class TestBinds(binds.BindConformance):
    """See there."""


class TestTable(table.TableConformance):
    """See there."""


class TestGuards(guarding.GuardConformance):
    """See there."""


class TestFileSystems(filesystems.FileSystemConformance):
    """See there."""


class TestDevices(devices.DeviceConformance):
    """See there."""


class TestDeviceUsers(device_users.DeviceUserConformance):
    """See there."""


class TestDeviceBytes(device_bytes.DeviceBytesConformance):
    """See there."""


class TestCopies(copying.CopyConformance):
    """See there."""


class TestSubvolumes(subvolumes.SubvolumeConformance):
    """See there."""
