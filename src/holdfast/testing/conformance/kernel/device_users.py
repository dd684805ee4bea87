"""Who uses a loop device, and when it goes: with its last user, or cleared."""

import errno
import os

import pytest

from holdfast.host import loops
from holdfast.testing.conformance.kernel.checks import (
    TRIES,
    attach,
    device,
    eventually,
    fails,
    get,
    gone,
    loops_of,
    made,
    mount,
    opened,
    put,
    sparse,
    status,
)
from holdfast.testing.conformance.kernel.filesystems import formatted
from holdfast.testing.conformance.kernel.harness import MIB, KernelHarness


class DeviceUserConformance:
    """loop_clear, loop_keep, open(2) with O_EXCL, and mounts."""

    def test_an_autoclear_device_goes_with_its_last_descriptor(self, machine: KernelHarness) -> None:
        """Not with the first; a descriptor of its place alone is none."""
        kernel = machine.kernel
        image = sparse(kernel, f"{machine.scratch}/disk", MIB)
        one = attach(kernel, image)
        (loop,) = loops_of(kernel, image)
        two = kernel.open(loop.path, os.O_RDONLY)
        copy = kernel.dup(two)
        with opened(kernel, loop.path, os.O_PATH):
            kernel.close(one)
            kernel.close(two)
            assert loops_of(kernel, image) == [loop]
            kernel.close(copy)
            assert gone(kernel, image)

    def test_another_device_stays_until_it_is_cleared(self, machine: KernelHarness) -> None:
        """Whoever had it open."""
        kernel = machine.kernel
        image = sparse(kernel, f"{machine.scratch}/disk", MIB)
        kernel.close(attach(kernel, image, autoclear=False))
        (loop,) = loops_of(kernel, image)
        with opened(kernel, loop.path) as fd:
            kernel.loop_clear(fd)
        assert gone(kernel, image)

    def test_a_device_that_is_cleared_by_its_only_user_is_attached_to_nothing(self, machine: KernelHarness) -> None:
        """From that moment on."""
        kernel = machine.kernel
        image = sparse(kernel, f"{machine.scratch}/disk", MIB)
        kernel.close(attach(kernel, image, autoclear=False))
        for _ in range(TRIES):  # whoever lists devices holds each open for a moment
            found = loops_of(kernel, image)
            if not found:
                return
            with opened(kernel, found[0].path) as fd:
                kernel.loop_clear(fd)
                now = kernel.loop_status(fd)
                cleared = now is None or now.backing != found[0].backing
                if not cleared:
                    kernel.loop_keep(fd)
            if cleared:
                assert gone(kernel, image)
                return
        raise AssertionError("it stays attached")

    @pytest.mark.parametrize("kept", [False, True])
    def test_a_clear_waits_for_the_others_and_can_be_taken_back(self, machine: KernelHarness, *, kept: bool) -> None:
        """Until then it looks like one that goes with its last user."""
        kernel = machine.kernel
        image = sparse(kernel, f"{machine.scratch}/disk", MIB)
        held = attach(kernel, image, autoclear=False)
        (loop,) = loops_of(kernel, image)
        with opened(kernel, loop.path) as fd:
            kernel.loop_clear(fd)
        assert status(kernel, held).autoclear
        assert loops_of(kernel, image) != []
        if kept:
            kernel.loop_keep(held)
            assert not status(kernel, held).autoclear
        kernel.close(held)
        if kept:
            assert loops_of(kernel, image) == [loop]
            assert loops.detach(loop, kernel)
        assert gone(kernel, image)

    def test_a_mounted_device_is_claimed(self, machine: KernelHarness) -> None:
        """EBUSY for whoever wants it alone, and only for him; and who has it alone keeps it from being mounted."""
        kernel = machine.kernel
        image, where = formatted(machine, "disk", "ext4"), made(kernel, f"{machine.scratch}/at")
        with device(kernel, image) as loop:
            with opened(kernel, loop.path, os.O_EXCL), fails(errno.EBUSY):
                kernel.new_mount("ext4", loop.path, read_only=False)
            assert not loops.is_claimed(loop, kernel)
            mount(kernel, "ext4", loop.path, where)
            assert loops.is_claimed(loop, kernel)
            with opened(kernel, loop.path, os.O_RDWR):
                pass
            kernel.umount(where)
            assert eventually(kernel, lambda: not loops.is_claimed(loop, kernel))

    def test_a_mount_holds_a_device_that_is_cleared(self, machine: KernelHarness) -> None:
        """It goes with the unmount."""
        kernel = machine.kernel
        image, where = formatted(machine, "disk", "ext4"), made(kernel, f"{machine.scratch}/at")
        kernel.close(attach(kernel, image, autoclear=False))
        (loop,) = loops_of(kernel, image)
        mount(kernel, "ext4", loop.path, where)
        with opened(kernel, loop.path) as fd:
            kernel.loop_clear(fd)
        put(kernel, f"{where}/file", b"x")
        assert get(kernel, f"{where}/file") == b"x"
        (waiting,) = loops_of(kernel, image)
        assert waiting.autoclear
        kernel.umount(where)
        assert gone(kernel, image)
