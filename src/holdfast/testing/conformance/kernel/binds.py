"""Bind mounts: detached, put in place, read-only."""

import errno
import os
import stat

from holdfast.host import mounttable
from holdfast.testing.conformance.kernel.checks import (
    all_fail,
    bind,
    fails,
    get,
    made,
    opened,
    put,
    seen,
    settle,
    there,
    within,
)
from holdfast.testing.conformance.kernel.harness import KernelHarness


class BindConformance:
    """clone_mount, set_mount, move_mount."""

    def test_a_bound_directory_is_seen_at_both_places(self, machine: KernelHarness) -> None:
        """What is changed at one is changed at the other; what it covers is seen again afterwards."""
        kernel, base = machine.kernel, machine.scratch
        put(kernel, f"{made(kernel, f'{base}/there')}/file", b"there")
        put(kernel, f"{made(kernel, f'{base}/at')}/covered")
        covered = kernel.stat(f"{base}/at").st_ino
        bind(kernel, f"{base}/there", f"{base}/at")
        assert get(kernel, f"{base}/at/file") == b"there"
        assert kernel.stat(f"{base}/at").st_ino == kernel.stat(f"{base}/there").st_ino
        put(kernel, f"{base}/at/new", b"new")
        assert get(kernel, f"{base}/there/new") == b"new"
        assert not there(kernel, f"{base}/at/covered")
        with opened(kernel, f"{base}/at/..") as above:
            assert kernel.fstat(above).st_ino == kernel.stat(base).st_ino
        kernel.umount(f"{base}/at")
        assert kernel.stat(f"{base}/at").st_ino == covered
        assert kernel.listdir(f"{base}/at") == ["covered"]

    def test_a_read_only_bind_changes_nothing_below_it(self, machine: KernelHarness) -> None:
        """EROFS; by the other place it goes on. What is read through it is as ever."""
        kernel, base = machine.kernel, machine.scratch
        put(kernel, f"{made(kernel, f'{base}/there')}/file", b"x")
        made(kernel, f"{base}/there/directory")
        made(kernel, f"{base}/at")
        bind(kernel, f"{base}/there", f"{base}/at", read_only=True)
        assert seen(kernel, f"{base}/at").read_only
        assert get(kernel, f"{base}/at/file") == b"x"
        all_fail(
            errno.EROFS,
            lambda: kernel.open(f"{base}/at/file", os.O_RDWR),
            lambda: kernel.open(f"{base}/at/new", os.O_WRONLY | os.O_CREAT),
            lambda: kernel.mkdir(f"{base}/at/new"),
            lambda: kernel.rmdir(f"{base}/at/directory"),
            lambda: kernel.unlink(f"{base}/at/file"),
            lambda: kernel.rename(f"{base}/at/file", f"{base}/at/new"),
        )
        with opened(kernel, f"{base}/at") as top, fails(errno.EROFS):
            kernel.rename_noreplace("file", "new", src_dir_fd=top, dst_dir_fd=top)
        with fails(errno.EEXIST):
            kernel.mkdir(f"{base}/at/directory")
        with fails(errno.EEXIST):
            kernel.open(f"{base}/at/file", os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        kernel.rmdir(f"{base}/there/directory")
        with opened(kernel, f"{base}/there/file", os.O_RDWR) as fd:
            kernel.write(fd, b"y")
        assert get(kernel, f"{base}/at/file") == b"y"
        kernel.umount(f"{base}/at")

    def test_a_mount_has_the_flags_that_it_is_given_and_those_of_what_it_is_a_clone_of(
        self, machine: KernelHarness
    ) -> None:
        """The table shows them; what it was cloned of has none of them."""
        kernel, base = machine.kernel, machine.scratch
        for name in ("there", "one", "two"):
            made(kernel, f"{base}/{name}")
        flags = ("nosuid", "nodev", "noexec", "noatime", "nodiratime")
        bind(kernel, f"{base}/there", f"{base}/one", flags=flags)
        assert set(flags) <= set(seen(kernel, f"{base}/one").flags)
        bind(kernel, f"{base}/one", f"{base}/two", flags=("relatime", "nosymfollow"))
        shown = set(seen(kernel, f"{base}/two").flags)
        assert {"nosuid", "nodev", "noexec", "nodiratime", "relatime", "nosymfollow", "rw"} <= shown
        assert "noatime" not in shown
        assert not set(kernel.mounts()[0].flags) & {"noexec", "nodiratime"}
        for name in ("one", "two"):
            kernel.umount(f"{base}/{name}")

    def test_a_bind_of_a_read_only_bind_is_read_only(self, machine: KernelHarness) -> None:
        """Whether it was asked for or not."""
        kernel, base = machine.kernel, machine.scratch
        for name in ("there", "one", "two"):
            made(kernel, f"{base}/{name}")
        bind(kernel, f"{base}/there", f"{base}/one", read_only=True)
        bind(kernel, f"{base}/one", f"{base}/two")
        assert seen(kernel, f"{base}/two").read_only
        kernel.umount(f"{base}/two")
        kernel.umount(f"{base}/one")

    def test_a_detached_mount_is_in_no_table_and_can_be_looked_at(self, machine: KernelHarness) -> None:
        """One that is never put anywhere is gone with its descriptor, and holds nothing."""
        kernel, base = machine.kernel, machine.scratch
        put(kernel, f"{made(kernel, f'{base}/there')}/file", b"x")
        with opened(kernel, f"{base}/there") as fd:
            detached = kernel.clone_mount(fd)
        with opened(kernel, "file", dir_fd=detached) as fd, opened(kernel, ".", dir_fd=detached) as root:
            assert kernel.read(fd, 2) == b"x"
            assert kernel.fstat(root).st_ino == kernel.fstat(detached).st_ino == kernel.stat(f"{base}/there").st_ino
            assert kernel.statx(root).mount == kernel.statx(detached).mount
            number = kernel.statx(root).mount
        assert number not in {mount.id for mount in kernel.mounts()}
        kernel.close(detached)
        assert number not in {mount.id for mount in kernel.mounts()}
        kernel.unlink(f"{base}/there/file")
        kernel.rmdir(f"{base}/there")

    def test_a_mount_goes_onto_what_is_open_whatever_its_name_is_now(self, machine: KernelHarness) -> None:
        """A replaced path redirects nothing; what was removed takes none."""
        kernel, base = machine.kernel, machine.scratch
        put(kernel, f"{made(kernel, f'{base}/there')}/file")
        made(kernel, f"{base}/at")
        with opened(kernel, f"{base}/there") as fd, opened(kernel, f"{base}/at", os.O_PATH) as place:
            kernel.rename(f"{base}/at", f"{base}/moved")
            made(kernel, f"{base}/at")
            settle(kernel, kernel.clone_mount(fd), place)
        assert seen(kernel, f"{base}/moved").root == within(kernel, f"{base}/there")
        assert mounttable.top_at(f"{base}/at", kernel=kernel) is None
        kernel.umount(f"{base}/moved")
        with opened(kernel, f"{base}/there") as fd, opened(kernel, f"{base}/at", os.O_PATH) as place:
            kernel.rmdir(f"{base}/at")
            with fails(errno.ENOENT):
                settle(kernel, kernel.clone_mount(fd), place)
        assert mounttable.below(base, kernel=kernel) == []

    def test_a_directory_covers_a_directory_and_a_file_a_file(self, machine: KernelHarness) -> None:
        """Else nothing is mounted."""
        kernel, base = machine.kernel, machine.scratch
        made(kernel, f"{base}/directory")
        put(kernel, f"{base}/file", b"mine")
        put(kernel, f"{base}/node")
        for source, target in (("directory", "file"), ("file", "directory")):
            with fails(errno.EINVAL, errno.ENOTDIR):
                bind(kernel, f"{base}/{source}", f"{base}/{target}")
        bind(kernel, f"{base}/file", f"{base}/node")
        assert get(kernel, f"{base}/node") == b"mine"
        assert stat.S_ISREG(kernel.stat(f"{base}/node").st_mode)
        assert seen(kernel, f"{base}/node").root == within(kernel, f"{base}/file")
        kernel.umount(f"{base}/node")

    def test_a_descriptor_that_is_no_detached_mount_is_not_put_anywhere(self, machine: KernelHarness) -> None:
        """EINVAL; nor is one put twice."""
        kernel, base = machine.kernel, machine.scratch
        made(kernel, f"{base}/there")
        made(kernel, f"{base}/at")
        with opened(kernel, f"{base}/there", os.O_PATH) as fd, opened(kernel, f"{base}/at", os.O_PATH) as place:
            with fails(errno.EINVAL):
                kernel.move_mount(fd, place)
            with fails(errno.EINVAL):
                kernel.set_mount(fd, read_only=True)
        assert mounttable.below(base, kernel=kernel) == []
