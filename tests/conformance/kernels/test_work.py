"""Both kinds of children, one suite."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.host.children import ForkServerChildren
from holdfast.runtime.threads import ThreadRuntime
from holdfast.testing.conformance.kernel import (
    work_care,
    work_copies,
    work_devices,
    work_formats,
    work_groups,
    work_images,
    work_mounts,
)
from holdfast.testing.conformance.kernel.harness import WorkHarness
from tests.conformance.kernels import linux, simulated
from tests.needs import need


@pytest.fixture(scope="module")
def children() -> Iterator[ForkServerChildren]:
    server = ForkServerChildren(ThreadRuntime())
    yield server
    server.close()


@pytest.fixture(params=["linux", "simulated"])
def machine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[WorkHarness]:
    if request.param == "simulated":
        with simulated.clean(simulated.SimulatedWork()) as harness:
            yield harness
        return
    for tool in ("e2fsck", "dumpe2fs", "xfs_repair", "btrfs", "tune2fs", "xfs_admin", "btrfstune"):
        need(tool)
    disk, children = request.getfixturevalue("disk"), request.getfixturevalue("children")
    with linux.place(disk, tmp_path.name) as scratch:
        yield linux.LinuxWork(scratch, children)


class TestMounts(work_mounts.MountWorkConformance):
    """See there."""


class TestImages(work_images.ImageWorkConformance):
    """See there."""


class TestDevices(work_devices.DeviceWorkConformance):
    """See there."""


class TestFormats(work_formats.FormatWorkConformance):
    """See there."""


class TestCare(work_care.CareWorkConformance):
    """See there."""


class TestCopies(work_copies.CopyWorkConformance):
    """See there."""


class TestGroups(work_groups.GroupWorkConformance):
    """See there."""
