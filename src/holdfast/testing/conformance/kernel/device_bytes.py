"""What is read from a loop device and written to it."""

import errno
import os
import stat

import pytest

from holdfast.host import loops
from holdfast.testing.conformance.kernel.checks import (
    TRIES,
    at,
    attach,
    bind,
    device,
    fails,
    get,
    gone,
    loops_of,
    opened,
    put,
    seen,
    sparse,
)
from holdfast.testing.conformance.kernel.filesystems import formatted
from holdfast.testing.conformance.kernel.harness import MIB, KernelHarness


class DeviceBytesConformance:
    """Through its node, and through a bind of that."""

    def test_what_is_written_to_a_device_is_in_its_image(self, machine: KernelHarness) -> None:
        """And the other way round, where nothing was read before; no further than it reached when it was attached."""
        kernel = machine.kernel
        image = sparse(kernel, f"{machine.scratch}/disk", MIB + 700)
        with opened(kernel, image, os.O_RDWR) as file:
            kernel.write(file, b"by the file")
            kernel.fsync(file)
            with device(kernel, image) as loop, opened(kernel, loop.path, os.O_RDWR) as fd:
                assert kernel.lseek(fd, 0, os.SEEK_END) == MIB + 512, "whole sectors"
                assert at(kernel, fd, 0, 11) == b"by the file"
                assert at(kernel, fd, MIB + 510, 10) == bytes(2)
                kernel.lseek(fd, 8192, os.SEEK_SET)
                kernel.write(fd, b"by the device")
                kernel.fsync(fd)
                assert at(kernel, file, 8192, 13) == b"by the device"
                kernel.lseek(fd, 0, os.SEEK_END)
                with fails(errno.ENOSPC):
                    kernel.write(fd, b"more")
            assert kernel.fstat(file).st_size == MIB + 700

    def test_a_read_only_device_is_not_mounted(self, machine: KernelHarness) -> None:
        """Not even read-only: that is the mount's doing, and a second one of the same device could write."""
        kernel = machine.kernel
        with device(kernel, formatted(machine, "disk", "ext4"), read_only=True) as loop:
            for read_only in (False, True):
                with fails(errno.EACCES):
                    kernel.new_mount("ext4", loop.path, read_only=read_only)

    @pytest.mark.parametrize("way", ["asked", "image", "device"])
    def test_a_read_only_device_is_not_written(self, machine: KernelHarness, way: str) -> None:
        """Asked for, or because the image or the device was opened for reading when they were put together."""
        kernel = machine.kernel
        image = sparse(kernel, f"{machine.scratch}/disk", MIB)
        fd = self._read_only(machine, image, way)
        (loop,) = loops_of(kernel, image)
        assert loop.read_only
        with opened(kernel, loop.path) as reader:
            assert at(kernel, reader, 0, 512) == bytes(512)
        with fails(errno.EPERM, errno.EACCES, errno.EROFS), opened(kernel, loop.path, os.O_RDWR) as writer:
            kernel.write(writer, b"x")
        kernel.close(fd)
        assert gone(kernel, image)
        assert not any(get(kernel, image))

    @staticmethod
    def _read_only(machine: KernelHarness, image: str, way: str) -> int:
        kernel = machine.kernel
        if way == "asked":
            return attach(kernel, image, read_only=True)
        if way == "image":
            return attach(kernel, image, flags=os.O_RDONLY)
        with opened(kernel, image, os.O_RDWR) as file:
            for _ in range(TRIES):
                fd = kernel.open(f"/dev/loop{kernel.loop_free()}", os.O_RDONLY)
                try:
                    kernel.loop_configure(fd, file, autoclear=True, read_only=False)
                except OSError as error:
                    kernel.close(fd)
                    assert error.errno == errno.EBUSY
                else:
                    return fd
        raise AssertionError("no device stays free")

    def test_a_bound_node_is_the_device(self, machine: KernelHarness) -> None:
        """It is read and written, holds its mount while it is open, and is a user of the device only then."""
        kernel, base = machine.kernel, machine.scratch
        image, node = sparse(kernel, f"{base}/disk", MIB), put(kernel, f"{base}/node")
        with device(kernel, image) as loop:
            bind(kernel, loop.path, node)
            found = seen(kernel, node)
            assert (found.root, found.fs) == (f"/loop{loop.number}", seen(kernel, "/dev").fs)
            assert kernel.stat(node).st_rdev == os.makedev(loops.MAJOR, loop.number)
            with opened(kernel, node, os.O_RDWR) as fd:
                kernel.write(fd, b"a tenant's")
                kernel.fsync(fd)
                with fails(errno.EBUSY):
                    kernel.umount(node)
            assert get(kernel, image)[:10] == b"a tenant's"
            with opened(kernel, loop.path):
                kernel.umount(node)
        assert stat.S_ISREG(kernel.stat(node).st_mode)

    def test_a_read_only_bind_of_a_node_keeps_no_writer_off(self, machine: KernelHarness) -> None:
        """Only a read-only device does."""
        kernel, base = machine.kernel, machine.scratch
        image, node = sparse(kernel, f"{base}/disk", MIB), put(kernel, f"{base}/node")
        with device(kernel, image) as loop:
            bind(kernel, loop.path, node, read_only=True)
            with opened(kernel, node, os.O_RDWR) as fd:
                kernel.write(fd, b"written")
            kernel.umount(node)
        assert get(kernel, image)[:7] == b"written"
