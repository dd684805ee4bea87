"""Loop devices: attached, and told. Others of the machine use some, too."""

import errno
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from holdfast.host import loops
from holdfast.host.kernel import Kernel
from holdfast.testing.conformance.kernel.checks import (
    TRIES,
    all_fail,
    at,
    attach,
    device,
    fails,
    loops_of,
    opened,
    put,
    sparse,
    status,
)
from holdfast.testing.conformance.kernel.harness import MIB, KernelHarness


@contextmanager
def _unattached(kernel: Kernel) -> Iterator[tuple[int, int]]:
    """The highest free device, which nobody is given first, open alone, so that it stays free; its number."""
    numbers = [int(name[4:]) for name in kernel.listdir("/dev") if re.fullmatch(r"loop\d+", name)]
    for number in sorted(numbers, reverse=True):
        fd = _alone(kernel, number)
        if fd is not None:
            try:
                yield number, fd
            finally:
                kernel.close(fd)
            return
    raise AssertionError("no device is free")


def _alone(kernel: Kernel, number: int) -> int | None:
    """The device of that number, if it is attached to nothing."""
    try:
        fd = kernel.open(f"/dev/loop{number}", os.O_RDWR | os.O_EXCL)
    except OSError:  # somebody has it alone, or mounted
        return None
    if kernel.loop_status(fd) is None:
        return fd
    kernel.close(fd)
    return None


class DeviceConformance:
    """loop_numbers, loop_free, loop_status, loop_configure."""

    def test_a_free_number_is_attached_to_nothing(self, machine: KernelHarness) -> None:
        """At that moment."""
        kernel = machine.kernel
        for _ in range(TRIES):  # another may take it meanwhile
            with opened(kernel, f"/dev/loop{kernel.loop_free()}") as fd:
                if kernel.loop_status(fd) is None:
                    return
        raise AssertionError("no device stays free")

    def test_an_unattached_device_is_empty(self, machine: KernelHarness) -> None:
        """Nothing of it can be cleared or kept, it is not listed, and takes nothing."""
        kernel = machine.kernel
        with _unattached(kernel) as (number, fd):
            assert number not in kernel.loop_numbers()
            assert kernel.lseek(fd, 0, os.SEEK_END) == 0
            kernel.lseek(fd, 0, os.SEEK_SET)
            assert kernel.read(fd, 512) == b""
            assert at(kernel, fd, 0, 512) == b""
            all_fail(errno.ENXIO, lambda: kernel.loop_keep(fd), lambda: kernel.loop_clear(fd))
            with fails(errno.ENOSPC):
                kernel.write(fd, b"x")
            path = put(kernel, f"{machine.scratch}/disk")
            with opened(kernel, path, os.O_RDWR) as image, opened(kernel, f"/dev/loop{number}", os.O_RDWR) as other:
                all_fail(errno.EBUSY, lambda: kernel.loop_configure(other, image, autoclear=True, read_only=False))

    def test_an_unattached_device_is_not_mounted(self, machine: KernelHarness) -> None:
        """There is nothing to read."""
        kernel = machine.kernel
        with _unattached(kernel) as (number, _):
            pass
        with fails(errno.EINVAL, errno.EIO, errno.EACCES):  # the last: it was read-only before
            kernel.new_mount("ext4", f"/dev/loop{number}", read_only=False)

    @pytest.mark.parametrize("read_only", [False, True])
    @pytest.mark.parametrize("autoclear", [False, True])
    def test_an_attached_device_tells_its_image(
        self, machine: KernelHarness, *, autoclear: bool, read_only: bool
    ) -> None:
        """By device and inode, which no rename changes, and by a path that follows it."""
        kernel, base = machine.kernel, machine.scratch
        image = sparse(kernel, f"{base}/disk", MIB)
        info = kernel.stat(image)
        fd = attach(kernel, image, autoclear=autoclear, read_only=read_only)
        found = status(kernel, fd)
        assert (found.backing.device, found.backing.inode) == (info.st_dev, info.st_ino)
        assert (found.autoclear, found.read_only, found.file) == (autoclear, read_only, image)
        assert found.number in kernel.loop_numbers()
        node = kernel.fstat(fd)
        assert stat.S_ISBLK(node.st_mode)
        assert (node.st_rdev, node.st_size) == (os.makedev(loops.MAJOR, found.number), 0)
        kernel.rename(image, f"{base}/renamed")
        assert status(kernel, fd).file == f"{base}/renamed"
        kernel.unlink(f"{base}/renamed")
        assert status(kernel, fd).file == f"{base}/renamed (deleted)"
        assert status(kernel, fd).backing == found.backing
        kernel.close(fd)
        if not autoclear:
            assert loops.detach(found, kernel)

    def test_the_numbers_are_in_the_order_of_their_names(self, machine: KernelHarness) -> None:
        """Each once."""
        kernel = machine.kernel
        image = [sparse(kernel, f"{machine.scratch}/{name}", MIB) for name in ("one", "two")]
        with device(kernel, image[0]) as one, device(kernel, image[1]) as two:
            found = kernel.loop_numbers()
            assert found == sorted(set(found), key=str)
            assert {one.number, two.number} <= set(found)
            assert one.number != two.number

    def test_a_device_has_one_image_at_a_time(self, machine: KernelHarness) -> None:
        """EBUSY; the first one stays."""
        kernel = machine.kernel
        one, two = (sparse(kernel, f"{machine.scratch}/{name}", MIB) for name in ("one", "two"))
        with device(kernel, one) as loop, opened(kernel, loop.path, os.O_RDWR) as fd:
            with opened(kernel, two, os.O_RDWR) as image, fails(errno.EBUSY):
                kernel.loop_configure(fd, image, autoclear=True, read_only=False)
            assert status(kernel, fd) == loop

    def test_an_image_may_have_two_devices(self, machine: KernelHarness) -> None:
        """Somebody may have attached it before us; each goes by itself."""
        kernel = machine.kernel
        path = sparse(kernel, f"{machine.scratch}/disk", MIB)
        with device(kernel, path) as one:
            with device(kernel, path) as two:
                assert one.number != two.number
                assert loops_of(kernel, path) == sorted((one, two), key=lambda loop: str(loop.number))
            assert loops_of(kernel, path) == [one]

    def test_only_a_file_is_attached_and_only_to_a_loop_device(self, machine: KernelHarness) -> None:
        """EINVAL for a directory, EBADF for nothing, ENOTTY for what is no loop device."""
        kernel = machine.kernel
        image = sparse(kernel, f"{machine.scratch}/disk", MIB)
        with opened(kernel, image, os.O_RDWR) as fd:
            all_fail(
                errno.ENOTTY,
                lambda: kernel.loop_status(fd),
                lambda: kernel.loop_configure(fd, fd, autoclear=True, read_only=False),
                lambda: kernel.loop_keep(fd),
                lambda: kernel.loop_clear(fd),
            )
        with opened(kernel, machine.scratch) as directory, fails(errno.EINVAL):
            loops.attach(directory, autoclear=True, kernel=kernel)
        assert loops_of(kernel, image) == []

    def test_a_number_passes_to_another_image(self, machine: KernelHarness) -> None:
        """So it is no evidence."""
        kernel = machine.kernel
        one, two = (sparse(kernel, f"{machine.scratch}/{name}", MIB) for name in ("one", "two"))
        for _ in range(TRIES):  # another may take it meanwhile
            with device(kernel, one) as loop:
                pass
            with opened(kernel, loop.path, os.O_RDWR) as fd, opened(kernel, two, os.O_RDWR) as image:
                try:
                    kernel.loop_configure(fd, image, autoclear=True, read_only=False)
                except OSError as error:
                    assert error.errno == errno.EBUSY
                    continue
                assert status(kernel, fd).number == loop.number
                assert status(kernel, fd).backing == loops.backing_of(image, kernel) != loop.backing
                return
        raise AssertionError("the number is always another's")

    def test_an_image_that_is_only_a_place_is_not_attached(self, machine: KernelHarness) -> None:
        """EBADF for O_PATH, of the image as of the device."""
        kernel = machine.kernel
        image = sparse(kernel, f"{machine.scratch}/disk", MIB)
        with opened(kernel, image, os.O_PATH) as place, fails(errno.EBADF):
            loops.attach(place, autoclear=True, kernel=kernel)
        with device(kernel, image) as loop, opened(kernel, loop.path, os.O_PATH) as fd:
            all_fail(
                errno.EBADF, lambda: kernel.loop_status(fd), lambda: kernel.loop_clear(fd), lambda: kernel.loop_keep(fd)
            )
