"""What is in files: reading, writing, holes, sizes."""

import errno
import os

import pytest

from holdfast.testing.conformance.kernel.checks import at, fails, opened, put, sparse
from holdfast.testing.conformance.kernel.harness import MIB, KernelHarness

_NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL


class ContentConformance:
    """read(2) and its kin."""

    def test_what_was_written_is_read_where_it_was_written(self, machine: KernelHarness) -> None:
        """Each descriptor stands where its last call ended."""
        kernel, path = machine.kernel, f"{machine.scratch}/file"
        with opened(kernel, path, _NEW) as fd, opened(kernel, path) as other:
            assert kernel.write(fd, b"one") == 3
            assert kernel.write(fd, memoryview(b"two")) == 3
            assert kernel.read(fd, 10) == b""
            assert kernel.read(other, 4) == b"onet"
            assert kernel.read(other, 10) == b"wo"
            assert kernel.read(other, 10) == b""
            assert kernel.lseek(fd, 1, os.SEEK_SET) == 1
            assert kernel.write(fd, b"NE") == 2
            assert kernel.lseek(fd, -1, os.SEEK_CUR) == 2
            assert kernel.read(fd, 10) == b"Etwo"
            assert kernel.lseek(fd, -2, os.SEEK_END) == 4
            with fails(errno.EINVAL):
                kernel.lseek(fd, -1, os.SEEK_SET)

    def test_a_descriptor_for_one_way_goes_that_way_only(self, machine: KernelHarness) -> None:
        """EBADF."""
        kernel, path = machine.kernel, put(machine.kernel, f"{machine.scratch}/file", b"x")
        with opened(kernel, path, os.O_WRONLY) as fd:
            with fails(errno.EBADF):
                kernel.read(fd, 1)
            with fails(errno.EBADF):
                at(kernel, fd, 0, 1)
        with opened(kernel, path) as fd:
            with fails(errno.EBADF):
                kernel.write(fd, b"y")
            with fails(errno.EINVAL):
                kernel.ftruncate(fd, 0)

    def test_a_directory_has_no_content(self, machine: KernelHarness) -> None:
        """EISDIR."""
        kernel = machine.kernel
        with opened(kernel, machine.scratch) as fd:
            with fails(errno.EISDIR):
                kernel.read(fd, 1)
            with fails(errno.EISDIR):
                at(kernel, fd, 0, 1)
            with fails(errno.EINVAL):
                kernel.ftruncate(fd, 0)
            assert kernel.lseek(fd, 0, os.SEEK_SET) == 0

    def test_a_read_beyond_the_end_is_short(self, machine: KernelHarness) -> None:
        """And empty where nothing is; a read at a place moves nothing, and fills one buffer after the other."""
        kernel, path = machine.kernel, put(machine.kernel, f"{machine.scratch}/file", b"0123456789")
        with opened(kernel, path) as fd:
            assert at(kernel, fd, 8, 10) == b"89"
            assert at(kernel, fd, 10, 10) == b""
            assert at(kernel, fd, 1 << 40, 10) == b""
            one, two = bytearray(3), bytearray(b"....")
            assert kernel.preadv(fd, [memoryview(one), memoryview(two)], 5) == 5
            assert (bytes(one), bytes(two)) == (b"567", b"89..")
            assert kernel.read(fd, 2) == b"01"

    def test_what_was_never_written_is_zero(self, machine: KernelHarness) -> None:
        """A hole, and what lies beyond a size that grew."""
        kernel = machine.kernel
        with opened(kernel, f"{machine.scratch}/file", _NEW) as fd:
            kernel.write(fd, b"head")
            kernel.lseek(fd, 3 * MIB, os.SEEK_SET)
            kernel.write(fd, b"tail")
            assert kernel.lseek(fd, 0, os.SEEK_END) == 3 * MIB + 4
            assert at(kernel, fd, 2, 8) == b"ad" + bytes(6)
            assert at(kernel, fd, 3 * MIB - 2, 8) == bytes(2) + b"tail"
            assert not any(at(kernel, fd, MIB, MIB))
            kernel.ftruncate(fd, 4 * MIB)
            assert at(kernel, fd, 3 * MIB + 2, 8) == b"il" + bytes(6)

    def test_what_was_cut_off_does_not_come_back(self, machine: KernelHarness) -> None:
        """Within a block as well as whole ones."""
        kernel = machine.kernel
        with opened(kernel, f"{machine.scratch}/file", _NEW) as fd:
            kernel.write(fd, b"secret" * 4096)
            kernel.ftruncate(fd, 4)
            assert kernel.fstat(fd).st_size == 4
            assert at(kernel, fd, 0, 10) == b"secr"
            kernel.ftruncate(fd, 20000)
            assert at(kernel, fd, 0, 20000) == b"secr" + bytes(19996)
            with fails(errno.EINVAL):
                kernel.ftruncate(fd, -1)

    @pytest.mark.parametrize("sync", [False, True])
    def test_data_is_told_from_holes(self, machine: KernelHarness, *, sync: bool) -> None:
        """SEEK_DATA: no later than the next data, by a block at most; ENXIO where none comes."""
        kernel = machine.kernel
        with opened(kernel, sparse(kernel, f"{machine.scratch}/file", 8 * MIB), os.O_RDWR) as fd:
            with fails(errno.ENXIO):
                kernel.lseek(fd, 0, os.SEEK_DATA)
            kernel.lseek(fd, 3 * MIB + 10000, os.SEEK_SET)
            kernel.write(fd, b"data" * 4096)
            if sync:
                kernel.fsync(fd)
            found = kernel.lseek(fd, 0, os.SEEK_DATA)
            assert 3 * MIB + 10000 - 4096 < found <= 3 * MIB + 10000
            assert kernel.lseek(fd, 0, os.SEEK_CUR) == found
            assert kernel.lseek(fd, 3 * MIB + 12000, os.SEEK_DATA) == 3 * MIB + 12000
            for beyond in (4 * MIB, 8 * MIB, 9 * MIB):
                with fails(errno.ENXIO):
                    kernel.lseek(fd, beyond, os.SEEK_DATA)

    def test_a_file_takes_what_was_written_of_it(self, machine: KernelHarness) -> None:
        """In blocks, once it is synced; it is as long as its end says."""
        kernel = machine.kernel
        with opened(kernel, sparse(kernel, f"{machine.scratch}/file", 8 * MIB), os.O_RDWR) as fd:
            before = kernel.fstat(fd)
            kernel.write(fd, bytes(b"data" * 4096))
            kernel.fsync(fd)
            after = kernel.fstat(fd)
        assert (before.st_size, before.st_blocks) == (8 * MIB, 0)
        assert after.st_size == 8 * MIB
        assert 16384 <= after.st_blocks * 512 <= 65536

    def test_what_is_dropped_from_the_cache_is_read_again(self, machine: KernelHarness) -> None:
        """Synced or not, nothing is lost by it."""
        kernel = machine.kernel
        with opened(kernel, f"{machine.scratch}/file", _NEW) as fd:
            kernel.write(fd, b"kept")
            kernel.uncache(fd, 0, 4096)
            assert at(kernel, fd, 0, 10) == b"kept"

    def test_files_and_directories_are_synced(self, machine: KernelHarness) -> None:
        """By whatever descriptor."""
        kernel, path = machine.kernel, put(machine.kernel, f"{machine.scratch}/file", b"x")
        for each in (path, machine.scratch):
            with opened(kernel, each) as fd:
                kernel.fsync(fd)

    def test_a_wait_ends(self, machine: KernelHarness) -> None:
        """By itself."""
        machine.kernel.pause(0.001)
