"""Copies: blocks that are shared, holes that stay holes, names that are exchanged, file systems that stand still."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from holdfast.host import journals
from holdfast.host.kernel import Kernel
from holdfast.model.resources import FileSystem
from holdfast.testing.conformance.kernel.checks import (
    at,
    device,
    fails,
    get,
    made,
    mount,
    mounted_at,
    opened,
    put,
    sparse,
)
from holdfast.testing.conformance.kernel.filesystems import SYSTEMS, formatted
from holdfast.testing.conformance.kernel.harness import MIB, KernelHarness


@contextmanager
def mounted(machine: KernelHarness, fs: FileSystem) -> Iterator[str]:
    """A new file system, and where it is mounted."""
    image, where = formatted(machine, "disk", fs), made(machine.kernel, f"{machine.scratch}/at")
    with device(machine.kernel, image) as loop:
        mount(machine.kernel, fs, loop.path, where)
        try:
            yield where
        finally:
            machine.kernel.umount(where)


def _place(kernel: Kernel, fd: int, at: int) -> int:
    """Where that byte of the open file lies."""
    found = next(each for each in kernel.extents(fd, at, 1) if each.start <= at)
    return found.place + at - found.start


class CopyConformance:
    """reflink, extents, copy_range, SEEK_HOLE, exchange, syncfs, freeze, thaw, new_mount of what is sealed."""

    @pytest.mark.parametrize("fs", ["xfs", "btrfs"])
    def test_a_file_shares_what_another_holds_and_keeps_it(self, machine: KernelHarness, fs: FileSystem) -> None:
        """Whatever is written to either then; also over what it held before."""
        kernel = machine.kernel
        with mounted(machine, fs) as where:
            one, other = put(kernel, f"{where}/one", b"a" * 4096), put(kernel, f"{where}/other", b"b" * 100)
            with opened(kernel, one, os.O_RDWR) as source, opened(kernel, other, os.O_RDWR) as target:
                kernel.ftruncate(source, MIB)
                kernel.reflink(target, source)
                kernel.fsync(target)
                assert kernel.write(source, b"changed") == 7
            assert get(kernel, other) == b"a" * 4096 + bytes(MIB - 4096)
            with opened(kernel, other) as fd:
                assert (kernel.lseek(fd, 0, os.SEEK_DATA), kernel.lseek(fd, 0, os.SEEK_HOLE)) == (0, 4096)

    @pytest.mark.parametrize("fs", ["xfs", "btrfs"])
    def test_what_is_shared_lies_at_one_place(self, machine: KernelHarness, fs: FileSystem) -> None:
        """Until it is written to; holes lie nowhere. Extents are given from a byte on, and not more than asked for."""
        kernel, pages = machine.kernel, 4 * 4096
        with mounted(machine, fs) as where:
            one, other = put(kernel, f"{where}/one", os.urandom(pages)), put(kernel, f"{where}/other")
            with opened(kernel, one, os.O_RDWR) as source, opened(kernel, other, os.O_RDWR) as target:
                kernel.ftruncate(source, MIB)
                assert not any(each.shared for each in kernel.extents(source, 0, 100))
                kernel.reflink(target, source)
                mine, theirs = kernel.extents(source, 0, 100), kernel.extents(target, 0, 100)
                assert mine == theirs
                assert all(each.shared and each.exact and not each.zeros for each in mine)
                assert (mine[0].start, mine[-1].end) == (0, pages)
                assert len(kernel.extents(source, 0, 1)) == 1
                assert kernel.extents(source, pages, 100) == []
                assert kernel.extents(source, 4096, 100)[-1].end == pages
                kernel.lseek(target, 4096, os.SEEK_SET)
                assert kernel.write(target, os.urandom(4096)) == 4096
                places = [_place(kernel, fd, 4096) for fd in (source, target)]
                assert places[0] != places[1]
                assert _place(kernel, source, 0) == _place(kernel, target, 0)
            with opened(kernel, where) as directory, fails(errno.EOPNOTSUPP):
                kernel.extents(directory, 0, 1)

    def test_what_cannot_share_says_so(self, machine: KernelHarness) -> None:
        """An ext4, two file systems, a directory, what is not open for it."""
        kernel, base = machine.kernel, machine.scratch
        one, other = put(kernel, f"{base}/one", b"a"), put(kernel, f"{base}/other")
        with opened(kernel, one) as source, opened(kernel, other, os.O_RDWR) as target:
            with fails(errno.EOPNOTSUPP):
                kernel.reflink(target, source)
            with fails(errno.EBADF):
                kernel.reflink(source, source)
            with opened(kernel, base) as directory, fails(errno.EISDIR):
                kernel.reflink(target, directory)
            with mounted(machine, "xfs") as where:
                put(kernel, f"{where}/far")
                with opened(kernel, f"{where}/far", os.O_RDWR) as far, fails(errno.EXDEV):
                    kernel.reflink(far, source)
        assert get(kernel, other) == b""

    def test_a_range_is_copied_to_the_same_place(self, machine: KernelHarness) -> None:
        """As far as the source reaches; behind it nothing."""
        kernel, base = machine.kernel, machine.scratch
        one, other = put(kernel, f"{base}/one", b"abcdef"), put(kernel, f"{base}/other")
        with opened(kernel, one) as source, opened(kernel, other, os.O_RDWR) as target:
            assert kernel.copy_range(source, target, 2, 3) == 3
            assert kernel.copy_range(source, target, 5, 100) == 1
            assert kernel.copy_range(source, target, 6, 100) == 0
            assert at(kernel, target, 0, 10) == b"\0\0cdef"
            with fails(errno.EBADF):
                kernel.copy_range(source, source, 0, 1)

    def test_holes_and_data_are_told_apart(self, machine: KernelHarness) -> None:
        """From any place; the end counts as a hole, and behind it is neither."""
        kernel = machine.kernel
        path = sparse(kernel, f"{machine.scratch}/disk", 4 * MIB)
        with opened(kernel, path, os.O_RDWR) as fd:
            assert kernel.lseek(fd, 0, os.SEEK_HOLE) == 0
            kernel.lseek(fd, MIB, os.SEEK_SET)
            assert kernel.write(fd, b"x" * MIB) == MIB
            kernel.fsync(fd)
            assert kernel.lseek(fd, 0, os.SEEK_DATA) == MIB
            assert kernel.lseek(fd, 0, os.SEEK_HOLE) == 0
            assert kernel.lseek(fd, MIB, os.SEEK_HOLE) == 2 * MIB
            assert kernel.lseek(fd, MIB + 4096, os.SEEK_HOLE) == 2 * MIB
            with fails(errno.ENXIO):
                kernel.lseek(fd, 2 * MIB, os.SEEK_DATA)
            with fails(errno.ENXIO):
                kernel.lseek(fd, 4 * MIB, os.SEEK_HOLE)

    def test_two_names_are_exchanged(self, machine: KernelHarness) -> None:
        """Directories that hold something, too; where one is missing nothing happens."""
        kernel, base = machine.kernel, machine.scratch
        put(kernel, f"{made(kernel, f'{base}/one')}/a")
        put(kernel, f"{made(kernel, f'{base}/other')}/b")
        with opened(kernel, base) as fd:
            kernel.exchange("one", "other", dir_fd=fd)
            assert (kernel.listdir(f"{base}/one"), kernel.listdir(f"{base}/other")) == (["b"], ["a"])
            kernel.exchange("one", "one", dir_fd=fd)
            for names in (("one", "nobody"), ("nobody", "one")):
                with fails(errno.ENOENT):
                    kernel.exchange(*names, dir_fd=fd)
            assert sorted(kernel.listdir(base)) == ["one", "other"]

    def test_what_something_is_mounted_on_keeps_its_name(self, machine: KernelHarness) -> None:
        """As for a rename."""
        kernel, base = machine.kernel, machine.scratch
        made(kernel, f"{base}/other")
        with mounted(machine, "ext4"), opened(kernel, base) as fd, fails(errno.EBUSY):
            kernel.exchange("at", "other", dir_fd=fd)

    def test_a_whole_file_system_is_synced(self, machine: KernelHarness) -> None:
        """By any descriptor of it."""
        put(machine.kernel, f"{machine.scratch}/file", b"kept")
        with opened(machine.kernel, machine.scratch) as fd:
            machine.kernel.syncfs(fd)
        with fails(errno.EBADF):
            machine.kernel.syncfs(fd)

    @pytest.mark.parametrize("fs", SYSTEMS)
    def test_of_a_frozen_file_system_the_image_is_whole(self, machine: KernelHarness, fs: FileSystem) -> None:
        """Without a sync of any file, and (but for an xfs, which keeps its log dirty by intent) without a replay."""
        kernel = machine.kernel
        with mounted(machine, fs) as where:
            put(kernel, f"{where}/file", b"kept")
            with opened(kernel, where) as fd:
                with fails(errno.EINVAL):
                    kernel.thaw(fd)
                kernel.freeze(fd)
                try:
                    with fails(errno.EBUSY):
                        kernel.freeze(fd)
                    image = sparse(kernel, f"{machine.scratch}/copy", 0)
                    with opened(kernel, f"{machine.scratch}/disk") as one, opened(kernel, image, os.O_RDWR) as other:
                        whole(kernel, one, other)
                finally:
                    kernel.thaw(fd)
                with fails(errno.EINVAL):
                    kernel.thaw(fd)
        with opened(kernel, image, os.O_RDWR) as fd:
            assert fs == "xfs" or not journals.needs_replay(fd, fs, kernel)
        with device(kernel, image) as loop:
            mount(kernel, fs, loop.path, f"{machine.scratch}/at")
            assert get(kernel, f"{machine.scratch}/at/file") == b"kept"
            kernel.umount(f"{machine.scratch}/at")

    def test_what_has_no_disk_is_not_frozen(self, machine: KernelHarness) -> None:
        """The file system of the devices' nodes."""
        with opened(machine.kernel, "/dev") as fd, fails(errno.EOPNOTSUPP, errno.ENOTTY):
            machine.kernel.freeze(fd)

    @pytest.mark.parametrize("fs", SYSTEMS)
    def test_a_sealed_file_system_is_mounted_of_a_read_only_device(
        self, machine: KernelHarness, fs: FileSystem
    ) -> None:
        """And of no other way: nothing of it is written."""
        kernel, where = machine.kernel, made(machine.kernel, f"{machine.scratch}/at")
        image = formatted(machine, "disk", fs)
        with device(kernel, image) as loop:
            mount(kernel, fs, loop.path, where)
            put(kernel, f"{where}/file", b"kept")
            kernel.umount(where)
        with device(kernel, image, read_only=True) as loop:
            with fails(errno.EACCES, errno.EROFS):
                kernel.new_mount(fs, loop.path, read_only=True)
            detached = kernel.new_mount(fs, loop.path, read_only=True, sealed=True)
            with opened(kernel, ".", os.O_RDONLY | os.O_DIRECTORY, dir_fd=detached) as fd:
                with opened(kernel, "file", dir_fd=fd) as file:
                    assert kernel.read(file, 10) == b"kept"
                with fails(errno.EROFS):
                    kernel.mkdir("new", dir_fd=fd)
            kernel.close(detached)

    def test_a_sealed_file_system_that_wants_a_replay_is_refused(self, machine: KernelHarness) -> None:
        """An ext4: what is in its journal would be missing."""
        kernel, where = machine.kernel, made(machine.kernel, f"{machine.scratch}/at")
        image, copy = formatted(machine, "disk", "ext4"), sparse(kernel, f"{machine.scratch}/copy", 0)
        with mounted_at(kernel, "ext4", image, where):
            put(kernel, f"{where}/file", b"kept")
            with opened(kernel, where) as fd:
                kernel.syncfs(fd)
            with opened(kernel, image) as one, opened(kernel, copy, os.O_RDWR) as other:
                whole(kernel, one, other)
        with device(kernel, copy, read_only=True) as loop, fails(errno.EROFS):
            kernel.new_mount("ext4", loop.path, read_only=True, sealed=True)


def whole(kernel: Kernel, source: int, target: int) -> None:
    """All of it, by ranges."""
    size = kernel.lseek(source, 0, os.SEEK_END)
    kernel.ftruncate(target, size)
    done = 0
    while done < size:
        done += kernel.copy_range(source, target, done, size - done)
