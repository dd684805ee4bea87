"""What a mount keeps from happening: to its mount point, across its border, and to itself while it is used."""

import errno
import os

import pytest

from holdfast.host import mounttable
from holdfast.host.kernel import Kernel
from holdfast.testing.conformance.kernel.checks import all_fail, bind, fails, made, opened, put, seen, there
from holdfast.testing.conformance.kernel.harness import KernelHarness


class GuardConformance:
    """EBUSY, EXDEV, EINVAL."""

    def test_a_mount_point_is_neither_removed_nor_renamed(self, machine: KernelHarness) -> None:
        """By its own name or by another mount's way to it, a directory or a file."""
        kernel, base = machine.kernel, machine.scratch
        made(kernel, f"{made(kernel, f'{base}/above')}/at")
        made(kernel, f"{base}/there")
        made(kernel, f"{base}/alias")
        put(kernel, f"{base}/above/node")
        put(kernel, f"{base}/file")
        bind(kernel, f"{base}/above", f"{base}/alias")
        bind(kernel, f"{base}/there", f"{base}/above/at")
        bind(kernel, f"{base}/file", f"{base}/above/node")
        made(kernel, f"{base}/above/empty")
        put(kernel, f"{base}/above/plain")
        self._all_busy(kernel, f"{base}/above")
        self._all_busy(kernel, f"{base}/alias")
        with fails(errno.ENOTDIR):
            kernel.rmdir(f"{base}/above/node")
        with fails(errno.EISDIR):
            kernel.unlink(f"{base}/above/at")
        kernel.umount(f"{base}/above/at")
        kernel.umount(f"{base}/above/node")
        kernel.umount(f"{base}/alias")
        kernel.rmdir(f"{base}/above/at")

    @staticmethod
    def _all_busy(kernel: Kernel, way: str) -> None:
        all_fail(
            errno.EBUSY,
            lambda: kernel.rmdir(f"{way}/at"),
            lambda: kernel.unlink(f"{way}/node"),
            lambda: kernel.rename(f"{way}/at", f"{way}/new"),
            lambda: kernel.rename(f"{way}/node", f"{way}/new"),
            lambda: kernel.rename(f"{way}/empty", f"{way}/at"),
            lambda: kernel.rename(f"{way}/plain", f"{way}/node"),
        )

    def test_nothing_is_renamed_from_one_mount_to_another(self, machine: KernelHarness) -> None:
        """EXDEV, also where both show one file system."""
        kernel, base = machine.kernel, machine.scratch
        put(kernel, f"{made(kernel, f'{base}/there')}/file")
        made(kernel, f"{base}/at")
        bind(kernel, f"{base}/there", f"{base}/at")
        with fails(errno.EXDEV):
            kernel.rename(f"{base}/at/file", f"{base}/there/new")
        with opened(kernel, f"{base}/at") as one, opened(kernel, base) as two, fails(errno.EXDEV):
            kernel.rename_noreplace("file", "new", src_dir_fd=one, dst_dir_fd=two)
        kernel.rename(f"{base}/at/file", f"{base}/at/new")
        kernel.umount(f"{base}/at")

    @pytest.mark.parametrize("flags", [os.O_RDONLY, os.O_RDWR, os.O_PATH])
    def test_a_mount_that_somebody_has_something_open_of_is_busy(self, machine: KernelHarness, flags: int) -> None:
        """A file, or its place alone; by another mount's way it is nobody's hold."""
        kernel, base = machine.kernel, machine.scratch
        put(kernel, f"{made(kernel, f'{base}/there')}/file")
        made(kernel, f"{base}/at")
        bind(kernel, f"{base}/there", f"{base}/at")
        with opened(kernel, f"{base}/at/file", flags) as fd:
            copy = kernel.dup(fd)
        with fails(errno.EBUSY):
            kernel.umount(f"{base}/at")
        kernel.unlink(f"{base}/at/file")
        with fails(errno.EBUSY):
            kernel.umount(f"{base}/at")
        assert seen(kernel, f"{base}/at")
        kernel.close(copy)
        with opened(kernel, f"{base}/there", flags & os.O_PATH):
            kernel.umount(f"{base}/at")

    def test_the_open_root_of_a_mount_holds_it(self, machine: KernelHarness) -> None:
        """Also by the descriptor that it was made with."""
        kernel, base = machine.kernel, machine.scratch
        made(kernel, f"{base}/there")
        made(kernel, f"{base}/at")
        with opened(kernel, f"{base}/there", os.O_PATH) as fd, opened(kernel, f"{base}/at", os.O_PATH) as place:
            mount = kernel.clone_mount(fd)
            kernel.set_mount(mount, read_only=False)
            kernel.move_mount(mount, place)
        with fails(errno.EBUSY):
            kernel.umount(f"{base}/at")
        assert kernel.location(mount) == f"{base}/at"
        kernel.close(mount)
        with opened(kernel, f"{base}/at"), fails(errno.EBUSY):
            kernel.umount(f"{base}/at")
        kernel.umount(f"{base}/at")

    def test_a_mount_with_another_below_it_is_busy(self, machine: KernelHarness) -> None:
        """They come away from within."""
        kernel, base = machine.kernel, machine.scratch
        made(kernel, f"{made(kernel, f'{base}/there')}/inner")
        made(kernel, f"{base}/at")
        bind(kernel, f"{base}/there", f"{base}/at")
        bind(kernel, f"{base}/there", f"{base}/at/inner")
        with fails(errno.EBUSY):
            kernel.umount(f"{base}/at")
        kernel.umount(f"{base}/at/inner")
        kernel.umount(f"{base}/at")

    def test_only_a_mount_is_unmounted_and_only_by_its_own_path(self, machine: KernelHarness) -> None:
        """EINVAL for what is none, inside of one, or a symlink to one; ENOENT for nothing."""
        kernel, base = machine.kernel, machine.scratch
        made(kernel, f"{made(kernel, f'{base}/there')}/inner")
        made(kernel, f"{base}/at")
        machine.symlink("at", f"{base}/link")
        bind(kernel, f"{base}/there", f"{base}/at")
        for name, code in (
            ("there", errno.EINVAL), ("at/inner", errno.EINVAL), ("link", errno.EINVAL), ("missing", errno.ENOENT),
        ):  # fmt: skip
            with fails(code):
                kernel.umount(f"{base}/{name}")
        kernel.umount(f"{base}/at")
        with fails(errno.EINVAL):
            kernel.umount(f"{base}/at")

    def test_an_open_directory_below_a_mount_sees_what_the_mount_covers(self, machine: KernelHarness) -> None:
        """Opened before it was covered; what was opened is what is seen, and the covered names can be used."""
        kernel, base = machine.kernel, machine.scratch
        put(kernel, f"{made(kernel, f'{base}/at')}/covered")
        put(kernel, f"{made(kernel, f'{base}/there')}/file")
        with opened(kernel, f"{base}/at") as old:
            bind(kernel, f"{base}/there", f"{base}/at")
            assert kernel.listdir(old) == ["covered"]
            kernel.unlink("covered", dir_fd=old)
            assert kernel.listdir(old) == []
            with opened(kernel, ".", dir_fd=old) as same:
                assert kernel.fstat(same).st_ino == kernel.fstat(old).st_ino
            assert kernel.listdir(f"{base}/at") == ["file"]
            kernel.umount(f"{base}/at")

    def test_the_source_of_a_bind_may_be_removed(self, machine: KernelHarness) -> None:
        """What is mounted lives on, and takes nothing new."""
        kernel, base = machine.kernel, machine.scratch
        made(kernel, f"{base}/there")
        made(kernel, f"{base}/at")
        bind(kernel, f"{base}/there", f"{base}/at")
        kernel.rmdir(f"{base}/there")
        assert not there(kernel, f"{base}/there")
        assert kernel.listdir(f"{base}/at") == []
        with fails(errno.ENOENT):
            kernel.mkdir(f"{base}/at/new")
        kernel.umount(f"{base}/at")
        assert mounttable.below(base, kernel=kernel) == []
