"""The conformance of children that attach and detach: see `holdfast.testing.conformance.kernel.working`."""

import os

import pytest

from holdfast.host import mounttable
from holdfast.host.facts import Loop
from holdfast.host.signatures import size_of
from holdfast.model.errors import Damaged, HoldfastError, InUse
from holdfast.testing.conformance.kernel.checks import (
    attach,
    gone,
    loops_of,
    made,
    mount,
    opened,
    sparse,
)
from holdfast.testing.conformance.kernel.harness import MIB, SIZES, WorkHarness
from holdfast.testing.conformance.kernel.work_parts import image, work


class DeviceWorkConformance:
    """loop-attach, loop-resize, grow, loop-detach."""

    @pytest.mark.parametrize("read_only", [False, True])
    def test_an_image_is_attached_once_and_for_good(self, machine: WorkHarness, *, read_only: bool) -> None:
        """However often it is asked for; so it is detached."""
        kernel = machine.kernel
        path = sparse(kernel, f"{machine.scratch}/disk", MIB)
        with opened(kernel, path, os.O_RDWR) as fd:
            for _ in range(2):
                assert work(machine, "loop-attach", {"read_only": read_only}, fd) is None
                (loop,) = loops_of(kernel, path)
                assert (loop.autoclear, loop.read_only) == (False, read_only)
            for _ in range(2):
                assert work(machine, "loop-detach", {}, fd) is None
                assert loops_of(kernel, path) == []

    def test_a_device_that_was_to_go_with_its_last_user_is_kept(self, machine: WorkHarness) -> None:
        """It is the one, and a second would be a second cache."""
        kernel = machine.kernel
        path = sparse(kernel, f"{machine.scratch}/disk", MIB)
        held = attach(kernel, path)
        with opened(kernel, path, os.O_RDWR) as fd:
            work(machine, "loop-attach", {"read_only": False}, fd)
            kernel.close(held)
            (loop,) = loops_of(kernel, path)
            assert not loop.autoclear
            work(machine, "loop-detach", {}, fd)

    def test_a_device_that_is_used_is_not_detached(self, machine: WorkHarness) -> None:
        """InUse, and it stays for good: by an open descriptor, and by a mount."""
        kernel, where = machine.kernel, made(machine.kernel, f"{machine.scratch}/at")
        path, _ = image(machine)
        with opened(kernel, path, os.O_RDWR) as fd:
            work(machine, "loop-attach", {"read_only": False}, fd)
            (loop,) = loops_of(kernel, path)
            with opened(kernel, loop.path), pytest.raises(InUse):
                work(machine, "loop-detach", {}, fd)
            assert loops_of(kernel, path) == [loop]
            mount(kernel, "ext4", loop.path, where)
            with pytest.raises(InUse):
                work(machine, "loop-detach", {}, fd)
            kernel.umount(where)
            assert loops_of(kernel, path) == [loop]
            work(machine, "loop-detach", {}, fd)
            assert loops_of(kernel, path) == []

    def test_a_device_is_as_long_as_its_image_and_so_is_the_file_system_on_it(self, machine: WorkHarness) -> None:
        """Mounted or not; nothing is mounted by it that stays."""
        kernel, where = machine.kernel, made(machine.kernel, f"{machine.scratch}/at")
        path, uuid = image(machine, "xfs")
        size = SIZES["xfs"]
        with opened(kernel, path, os.O_RDWR) as fd:
            work(machine, "loop-attach", {"read_only": False}, fd)
            (loop,) = loops_of(kernel, path)
            for mounted in (False, True):
                size += 64 * MIB
                kernel.ftruncate(fd, size)
                assert work(machine, "loop-resize", {}, fd) is None
                if mounted:
                    mount(kernel, "xfs", loop.path, where)
                with opened(kernel, loop.path, os.O_RDWR) as disk:
                    assert size_of(disk, kernel) == size
                    assert work(machine, "grow", {"fs": "xfs", "uuid": uuid, "size": size}, disk) is None
                    with pytest.raises(Damaged):
                        work(machine, "grow", {"fs": "xfs", "uuid": machine.new_id(), "size": size}, disk)
                assert len(mounttable.below(where, kernel=kernel)) == int(mounted)
            kernel.umount(where)
            work(machine, "loop-detach", {}, fd)

    @pytest.mark.parametrize("mounted", [False, True])
    def test_the_file_system_of_an_image_grows_by_a_device_that_goes_again(
        self, machine: WorkHarness, *, mounted: bool
    ) -> None:
        """Or by the one that it has."""
        kernel, where = machine.kernel, made(machine.kernel, f"{machine.scratch}/at")
        path, uuid = image(machine, "xfs")
        size, known = SIZES["xfs"] + 64 * MIB, list[Loop]()
        with opened(kernel, path, os.O_RDWR) as fd:
            if mounted:
                held = attach(kernel, path)
                known = loops_of(kernel, path)
                mount(kernel, "xfs", known[0].path, where)
                kernel.close(held)
            kernel.ftruncate(fd, size)
            work(machine, "loop-resize", {}, fd)
            assert work(machine, "grow-image", {"fs": "xfs", "uuid": uuid, "size": size}, fd) is None
            with pytest.raises(Damaged):
                work(machine, "grow-image", {"fs": "xfs", "uuid": machine.new_id(), "size": size}, fd)
            if mounted:
                assert loops_of(kernel, path) == known
                kernel.umount(where)
            assert gone(kernel, path)

    def test_what_is_no_image_is_not_attached(self, machine: WorkHarness) -> None:
        """A directory."""
        with opened(machine.kernel, machine.scratch) as fd, pytest.raises(HoldfastError):
            work(machine, "loop-attach", {"read_only": False}, fd)
