"""Subvolumes: made, snapshotted in one act, removed with all that is in them."""

import errno

from holdfast.host.kernel import Kernel
from holdfast.testing.conformance.kernel.checks import fails, get, made, opened, put, there
from holdfast.testing.conformance.kernel.copying import mounted
from holdfast.testing.conformance.kernel.harness import MIB, KernelHarness

# Of a subvolume's root (linux/btrfs_tree.h: BTRFS_FIRST_FREE_OBJECTID).
ROOT = 256


def _inode(kernel: Kernel, path: str) -> int:
    return kernel.stat(path).st_ino


class SubvolumeConformance:
    """make_subvolume, snapshot_subvolume, remove_subvolume, has_subvolumes, limit_subvolume."""

    def test_one_is_a_directory_whose_number_tells(self, machine: KernelHarness) -> None:
        """And bears a name that was free."""
        kernel = machine.kernel
        with mounted(machine, "btrfs") as btrfs:
            made(kernel, f"{btrfs}/directory")
            with opened(kernel, btrfs) as fd:
                kernel.make_subvolume(fd, "one")
                assert _inode(kernel, f"{btrfs}/one") == ROOT
                assert _inode(kernel, f"{btrfs}/directory") != ROOT
                put(kernel, f"{btrfs}/one/file", b"kept")
                for taken in ("one", "directory"):
                    with fails(errno.EEXIST):
                        kernel.make_subvolume(fd, taken)
            assert get(kernel, f"{btrfs}/one/file") == b"kept"

    def test_a_snapshot_holds_what_was_there_and_neither_follows_the_other(self, machine: KernelHarness) -> None:
        """What was never synced, too; and of what a subvolume in it holds, nothing."""
        kernel = machine.kernel
        with mounted(machine, "btrfs") as btrfs, opened(kernel, btrfs) as fd:
            kernel.make_subvolume(fd, "one")
            put(kernel, f"{made(kernel, f'{btrfs}/one/directory')}/file", b"before")
            with opened(kernel, f"{btrfs}/one") as one:
                assert not kernel.has_subvolumes(one)
                kernel.make_subvolume(one, "inner")
                put(kernel, f"{btrfs}/one/inner/file")
                assert kernel.has_subvolumes(one)
                kernel.snapshot_subvolume(one, fd, "other")
                with fails(errno.EEXIST):
                    kernel.snapshot_subvolume(one, fd, "other")
            with opened(kernel, f"{btrfs}/other") as other:
                assert not kernel.has_subvolumes(other)
            assert _inode(kernel, f"{btrfs}/other") == ROOT
            assert kernel.listdir(f"{btrfs}/other/inner") == []
            kernel.unlink(f"{btrfs}/one/directory/file")
            assert get(kernel, f"{btrfs}/other/directory/file") == b"before"
            put(kernel, f"{btrfs}/other/more")
            assert not there(kernel, f"{btrfs}/one/more")
            with opened(kernel, f"{btrfs}/other/directory") as plain, fails(errno.EINVAL):
                kernel.snapshot_subvolume(plain, fd, "third")

    def test_one_is_removed_with_all_that_is_in_it(self, machine: KernelHarness) -> None:
        """Unless that is one more, or it is none."""
        kernel = machine.kernel
        with mounted(machine, "btrfs") as btrfs:
            made(kernel, f"{btrfs}/directory")
            with opened(kernel, btrfs) as fd:
                kernel.make_subvolume(fd, "one")
                put(kernel, f"{made(kernel, f'{btrfs}/one/directory')}/file")
                with opened(kernel, f"{btrfs}/one") as one:
                    kernel.make_subvolume(one, "inner")
                    with fails(errno.ENOTEMPTY):
                        kernel.remove_subvolume(fd, "one")
                    kernel.remove_subvolume(one, "inner")
                kernel.remove_subvolume(fd, "one")
                assert kernel.listdir(btrfs) == ["directory"]
                with fails(errno.EINVAL):
                    kernel.remove_subvolume(fd, "directory")
                with fails(errno.ENOENT):
                    kernel.remove_subvolume(fd, "one")

    def test_an_empty_one_goes_as_a_directory_does(self, machine: KernelHarness) -> None:
        """Since Linux 4.18."""
        kernel = machine.kernel
        with mounted(machine, "btrfs") as btrfs:
            with opened(kernel, btrfs) as fd:
                kernel.make_subvolume(fd, "one")
                put(kernel, f"{btrfs}/one/file")
                with fails(errno.ENOTEMPTY):
                    kernel.rmdir("one", dir_fd=fd)
                kernel.unlink(f"{btrfs}/one/file")
                kernel.rmdir("one", dir_fd=fd)
            assert kernel.listdir(btrfs) == []

    def test_a_limit_needs_quotas(self, machine: KernelHarness) -> None:
        """It can be changed, and taken back."""
        kernel = machine.kernel
        with mounted(machine, "btrfs") as btrfs:
            with opened(kernel, btrfs) as fd:
                kernel.make_subvolume(fd, "one")
            with opened(kernel, f"{btrfs}/one") as one:
                with fails(errno.ENOTCONN):
                    kernel.limit_subvolume(one, MIB)
                machine.quotas(btrfs)
                for size in (MIB, 2 * MIB, 0):
                    kernel.limit_subvolume(one, size)

    def test_elsewhere_there_are_none(self, machine: KernelHarness) -> None:
        """On an ext4."""
        kernel = machine.kernel
        made(kernel, f"{machine.scratch}/directory")
        with opened(kernel, machine.scratch) as fd, opened(kernel, f"{machine.scratch}/directory") as source:
            for call in (
                lambda: kernel.make_subvolume(fd, "one"),
                lambda: kernel.snapshot_subvolume(source, fd, "one"),
                lambda: kernel.remove_subvolume(fd, "directory"),
                lambda: kernel.has_subvolumes(fd),
                lambda: kernel.limit_subvolume(fd, MIB),
            ):
                with fails(errno.ENOTTY):
                    call()
