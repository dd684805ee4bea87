"""The suites themselves: they call all there is, and a model that is wrong in one thing fails them."""

import contextlib
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

from holdfast.host import tools, work
from holdfast.host.kernel import Kernel
from holdfast.testing.conformance.kernel import SUITE, working
from holdfast.testing.conformance.kernel.running import failures, recording
from holdfast.testing.forked import Said
from holdfast.testing.simulation.children import SimulatedChildren
from holdfast.testing.simulation.kernel import SimulatedKernel
from tests.conformance.kernels import broken, test_kernels, test_work
from tests.conformance.kernels.simulated import SimulatedHarness, SimulatedWork, clean


def test_every_call_of_the_kernel_is_in_the_suite() -> None:
    called = set[str]()

    @contextlib.contextmanager
    def recorded() -> Iterator[SimulatedHarness]:
        with clean(SimulatedHarness()) as harness:
            harness.kernel = recording(harness.process, called)
            yield harness

    assert failures(recorded) == []
    assert Kernel.__abstractmethods__ - called == set()


# What the simulated machine has not: SCSI disks and iSCSI. tests/lab/guest_iscsi.py has both for real.
OF_A_FABRIC = {"scsi-refresh", "scsi-remove", "iscsi-record", "iscsi-login", "iscsi-scan"}


def test_every_piece_of_work_is_in_the_suite(monkeypatch: pytest.MonkeyPatch) -> None:
    done = set[str]()
    do = SimulatedChildren.do

    def recorded(self: SimulatedChildren, work: str, args: dict[str, Any], fds: tuple[int, ...]) -> Said:
        done.add(work)
        return do(self, work, args, fds)

    monkeypatch.setattr(SimulatedChildren, "do", recorded)
    assert failures(lambda: clean(SimulatedWork()), working.SUITE) == []
    assert {*work.TABLE, *tools.TOOLS} - done == OF_A_FABRIC


@pytest.mark.parametrize(("module", "suite"), [(test_kernels, SUITE), (test_work, working.SUITE)])
def test_every_class_of_a_suite_is_run_on_both(module: ModuleType, suite: tuple[type, ...]) -> None:
    run = {base for each in vars(module).values() if isinstance(each, type) for base in each.__bases__}
    assert set(suite) <= run


@pytest.mark.parametrize(
    ("model", "found_by"),
    [
        (broken.Replaces, "a_rename_that_must_not_replace_does_not"),
        (broken.TakesAway, "a_mount_that_somebody_has_something_open_of_is_busy"),
        (broken.CrossesMounts, "no_mount_is_crossed"),
        (broken.TakesOver, "a_device_has_one_image_at_a_time"),
        (broken.DetachesAtOnce, "a_clear_waits_for_the_others_and_can_be_taken_back"),
        (broken.LosesMountPoints, "a_mount_point_is_neither_removed_nor_renamed"),
        (broken.WritesAnyway, "a_read_only_bind_changes_nothing_below_it"),
        (broken.SaysAbsent, "a_look_follows_symlinks_unless_told_not_to"),
        (broken.SeesNoMounts, "the_table_tells_what_is_mounted_where"),
        (broken.KeepsFiles, "anything_but_a_directory_is_unlinked"),
    ],
)
def test_a_kernel_that_is_wrong_in_one_thing_fails_the_suite(model: type[SimulatedKernel], found_by: str) -> None:
    found = failures(lambda: contextlib.nullcontext(SimulatedHarness(model)))
    assert any(found_by in name for name in found), found


@pytest.mark.parametrize(
    ("model", "found_by"),
    [
        (broken.ReadsZeros, "an_image_that_cannot_be_read_is_not_judged"),
        (broken.TakesAway, "a_busy_mount_stays"),
        (broken.DetachesAtOnce, "a_device_that_is_used_is_not_detached"),
        (broken.SeesNoMounts, "an_unmount_of_another_mount_is_not_made"),
    ],
)
def test_children_on_a_kernel_that_is_wrong_in_one_thing_fail_the_suite(
    model: type[SimulatedKernel], found_by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("holdfast.testing.simulation.children.SimulatedKernel", model)
    found = failures(lambda: contextlib.nullcontext(SimulatedWork()), working.SUITE)
    assert any(found_by in name for name in found), found
