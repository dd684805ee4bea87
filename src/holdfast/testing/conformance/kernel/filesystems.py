"""File systems on loop devices: mounted from what mkfs made, kept over an unmount, refused where there is none."""

import contextlib
import errno
import os

import pytest

from holdfast.host import journals
from holdfast.host.loops import MAJOR
from holdfast.host.signatures import size_of
from holdfast.model.resources import FileSystem
from holdfast.testing.conformance.kernel.checks import (
    attach,
    device,
    fails,
    get,
    gone,
    loops_of,
    made,
    mount,
    opened,
    put,
    seen,
    sparse,
)
from holdfast.testing.conformance.kernel.harness import MIB, SIZES, KernelHarness

SYSTEMS: tuple[FileSystem, ...] = ("ext4", "xfs", "btrfs")


def formatted(machine: KernelHarness, name: str, fs: FileSystem, uuid: str = "") -> str:
    """A new image with a file system."""
    image = sparse(machine.kernel, f"{machine.scratch}/{name}", SIZES[fs])
    machine.format(image, fs, uuid or machine.new_id())
    return image


class FileSystemConformance:
    """new_mount, and what only some file systems do."""

    @pytest.mark.parametrize("fs", SYSTEMS)
    def test_a_file_system_is_mounted_and_keeps_what_is_in_it(self, machine: KernelHarness, fs: FileSystem) -> None:
        """By content, inode and birth; also on another device the next time."""
        kernel, base = machine.kernel, machine.scratch
        image, where = formatted(machine, "disk", fs), made(kernel, f"{base}/at")
        with device(kernel, image) as loop:
            mount(kernel, fs, loop.path, where)
            put(kernel, f"{made(kernel, f'{where}/directory')}/file", b"kept")
            with opened(kernel, f"{where}/directory") as fd, opened(kernel, where) as top:
                before, room = kernel.statx(fd), kernel.fstatvfs(top)
            kernel.umount(where)
            assert kernel.listdir(where) == []
        with device(kernel, image) as loop:
            mount(kernel, fs, loop.path, where)
            assert get(kernel, f"{where}/directory/file") == b"kept"
            with opened(kernel, f"{where}/directory") as fd, opened(kernel, where) as top:
                assert (kernel.statx(fd).inode, kernel.statx(fd).born_ns) == (before.inode, before.born_ns)
                assert fs == "xfs" or kernel.fstatvfs(top).f_fsid == room.f_fsid
            kernel.umount(where)

    @pytest.mark.parametrize("fs", SYSTEMS)
    def test_the_table_tells_device_and_kind(self, machine: KernelHarness, fs: FileSystem) -> None:
        """ext4 and xfs have the device's number, btrfs one of its own; files of it show the same."""
        kernel = machine.kernel
        image, where = formatted(machine, "disk", fs), made(kernel, f"{machine.scratch}/at")
        with device(kernel, image) as loop:
            mount(kernel, fs, loop.path, where)
            found = seen(kernel, where)
            assert (found.fs, found.source, found.root, found.read_only) == (fs, loop.path, "/", False)
            assert (found.device == (MAJOR, loop.number)) == (fs != "btrfs")
            assert (found.device[0] == 0) == (fs == "btrfs")
            if fs != "btrfs":
                assert kernel.stat(where).st_dev == os.makedev(*found.device)
            kernel.umount(where)

    @pytest.mark.parametrize("fs", SYSTEMS)
    def test_a_second_mount_of_a_device_shows_the_same_files(self, machine: KernelHarness, fs: FileSystem) -> None:
        """One of them read-only; the file system is left with the last."""
        kernel, base = machine.kernel, machine.scratch
        image, one, two = formatted(machine, "disk", fs), made(kernel, f"{base}/one"), made(kernel, f"{base}/two")
        with device(kernel, image) as loop:
            mount(kernel, fs, loop.path, one)
            mount(kernel, fs, loop.path, two, read_only=True)
            put(kernel, f"{one}/file", b"x")
            assert get(kernel, f"{two}/file") == b"x"
            assert seen(kernel, one).device == seen(kernel, two).device
            assert (seen(kernel, one).read_only, seen(kernel, two).read_only) == (False, True)
            with fails(errno.EROFS):
                kernel.mkdir(f"{two}/new")
            kernel.umount(one)
            assert get(kernel, f"{two}/file") == b"x"
            kernel.umount(two)

    @pytest.mark.parametrize("fs", SYSTEMS)
    def test_a_device_without_that_file_system_is_not_mounted(self, machine: KernelHarness, fs: FileSystem) -> None:
        """A blank one, and one that holds another kind; the error names the kind that was asked for."""
        kernel = machine.kernel
        blank = sparse(kernel, f"{machine.scratch}/blank", SIZES[fs])
        other = formatted(machine, "other", "xfs" if fs == "ext4" else "ext4")
        for image in (blank, other):
            with device(kernel, image) as loop:
                with pytest.raises(OSError, match=fs) as caught:
                    kernel.new_mount(fs, loop.path, read_only=False)
                assert caught.value.errno == errno.EINVAL

    def test_a_full_file_system_takes_nothing_new_and_loses_nothing(self, machine: KernelHarness) -> None:
        """ENOSPC; what needs no room is done, and there is room again afterwards."""
        kernel = machine.kernel
        image, where = formatted(machine, "disk", "ext4"), made(kernel, f"{machine.scratch}/at")
        with device(kernel, image) as loop:
            mount(kernel, "ext4", loop.path, where)
            put(kernel, f"{where}/file", b"kept")
            put(kernel, f"{where}/empty")
            made(kernel, f"{where}/directory")
            with machine.full(where), opened(kernel, f"{where}/empty", os.O_RDWR) as fd:
                with fails(errno.ENOSPC):
                    kernel.mkdir(f"{where}/new")
                with fails(errno.ENOSPC):
                    kernel.write(fd, bytes(8192))
                kernel.ftruncate(fd, 8192)
                kernel.rename(f"{where}/file", f"{where}/renamed")
                kernel.rmdir(f"{where}/directory")
                kernel.unlink(f"{where}/empty")
                assert get(kernel, f"{where}/renamed") == b"kept"
            put(kernel, f"{made(kernel, f'{where}/new')}/file", b"new")
            assert get(kernel, f"{where}/new/file") == b"new"
            kernel.umount(where)

    def test_what_is_no_disk_is_not_mounted(self, machine: KernelHarness) -> None:
        """A file, a missing node, a kind that is none."""
        kernel, base = machine.kernel, machine.scratch
        put(kernel, f"{base}/file")
        for fs, source, code in (
            ("ext4", f"{base}/file", errno.ENOTBLK), ("ext4", f"{base}/missing", errno.ENOENT),
            ("nosuchfs", f"{base}/file", errno.ENODEV),
        ):  # fmt: skip
            with fails(code):
                kernel.new_mount(fs, source, read_only=False)

    @pytest.mark.parametrize("fs", SYSTEMS)
    def test_a_device_that_goes_with_its_last_user_is_held_by_mounts(
        self, machine: KernelHarness, fs: FileSystem
    ) -> None:
        """By a detached one as well."""
        kernel, base = machine.kernel, machine.scratch
        image = formatted(machine, "disk", fs)
        where = [made(kernel, f"{base}/{name}") for name in ("one", "two")]
        held = attach(kernel, image)
        (loop,) = loops_of(kernel, image)
        detached = kernel.new_mount(fs, loop.path, read_only=False)
        kernel.close(held)
        assert loops_of(kernel, image) == [loop]
        kernel.close(detached)
        assert gone(kernel, image)
        held = attach(kernel, image)
        (loop,) = loops_of(kernel, image)
        for path in where:
            mount(kernel, fs, loop.path, path)
        kernel.close(held)
        for path in where:
            assert loops_of(kernel, image) == [loop]
            kernel.umount(path)
        assert gone(kernel, image)

    @pytest.mark.parametrize("read_only", [False, True])
    def test_a_mounted_ext4_says_that_its_journal_wants_a_replay(
        self, machine: KernelHarness, *, read_only: bool
    ) -> None:
        """A read-only mount is only that: the file system is in use. With the last one it is left in order."""
        kernel = machine.kernel
        image, where = formatted(machine, "disk", "ext4"), made(kernel, f"{machine.scratch}/at")
        with opened(kernel, image) as fd, device(kernel, image) as loop:
            assert not journals.needs_replay(fd, "ext4", kernel)
            mount(kernel, "ext4", loop.path, where, read_only=read_only)
            assert journals.needs_replay(fd, "ext4", kernel)
            kernel.umount(where)
            assert not journals.needs_replay(fd, "ext4", kernel)

    def test_a_btrfs_tells_its_device_and_no_other_does(self, machine: KernelHarness) -> None:
        """ENOTTY."""
        kernel = machine.kernel
        image, where = formatted(machine, "disk", "btrfs"), made(kernel, f"{machine.scratch}/at")
        with device(kernel, image) as loop:
            mount(kernel, "btrfs", loop.path, where)
            put(kernel, f"{where}/file")
            for path in (where, f"{where}/file"):
                with opened(kernel, path) as fd:
                    assert kernel.btrfs_device(fd) == loop.path
            with opened(kernel, machine.scratch) as fd, fails(errno.ENOTTY):
                kernel.btrfs_device(fd)
            kernel.umount(where)

    @pytest.mark.parametrize("fs", SYSTEMS)
    def test_a_mounted_file_system_gives_its_free_space_back(self, machine: KernelHarness, fs: FileSystem) -> None:
        """By any of its open directories; it says how much, and loses nothing."""
        kernel = machine.kernel
        image, where = formatted(machine, "disk", fs), made(kernel, f"{machine.scratch}/at")
        with device(kernel, image) as loop:
            mount(kernel, fs, loop.path, where)
            put(kernel, f"{where}/file", b"kept")
            with opened(kernel, where) as fd:
                assert kernel.trim(fd) > 0
            kernel.umount(where)
            mount(kernel, fs, loop.path, where)
            assert get(kernel, f"{where}/file") == b"kept"
            kernel.umount(where)

    @pytest.mark.parametrize("fs", ["ext4", "xfs", "btrfs"])
    def test_a_mounted_file_system_grows_with_its_device_and_loses_nothing(
        self, machine: KernelHarness, fs: FileSystem
    ) -> None:
        """And again, where it is as large already. An ext4 in use grows only for who has CAP_SYS_RESOURCE."""
        kernel = machine.kernel
        image, where = formatted(machine, "disk", fs), made(kernel, f"{machine.scratch}/at")
        size = 320 * MIB + SIZES[fs]
        with device(kernel, image) as loop:
            mount(kernel, fs, loop.path, where)
            put(kernel, f"{where}/file", b"kept")
            with opened(kernel, image, os.O_RDWR) as fd:
                kernel.ftruncate(fd, size)
            with opened(kernel, loop.path) as fd:
                kernel.loop_resize(fd)
                assert size_of(fd, kernel) == size
            allowed = fs != "ext4" or machine.grows_ext4()
            for _ in range(2):
                with opened(kernel, where) as fd, contextlib.nullcontext() if allowed else fails(errno.EPERM):
                    kernel.grow(fd, fs, size)
            assert get(kernel, f"{where}/file") == b"kept"
            kernel.umount(where)
            mount(kernel, fs, loop.path, where)
            assert get(kernel, f"{where}/file") == b"kept"
            kernel.umount(where)

    def test_what_knows_no_discard_says_so(self, machine: KernelHarness) -> None:
        """A file system without a disk."""
        kernel = machine.kernel
        with opened(kernel, "/dev") as fd, fails(errno.EOPNOTSUPP, errno.ENOTTY):
            kernel.trim(fd)
