"""Making, removing and renaming."""

import errno
import os
import stat

from holdfast.testing.conformance.kernel.checks import all_fail, fails, get, made, opened, put, there
from holdfast.testing.conformance.kernel.harness import KernelHarness


class NamesConformance:
    """mkdir(2), rmdir(2), unlink(2), rename(2), renameat2(2)."""

    def test_a_directory_is_made_once_and_only_where_one_is(self, machine: KernelHarness) -> None:
        """EEXIST whatever has the name; ENOENT, ENOTDIR for the way there."""
        kernel, base = machine.kernel, machine.scratch
        made(kernel, f"{base}/directory")
        put(kernel, f"{base}/file")
        machine.symlink("nowhere", f"{base}/link")
        for name in ("directory", "file", "link", "directory/.", "directory/.."):
            with fails(errno.EEXIST):
                kernel.mkdir(f"{base}/{name}")
        with fails(errno.ENOENT):
            kernel.mkdir(f"{base}/missing/new")
        with fails(errno.ENOTDIR):
            kernel.mkdir(f"{base}/file/new")
        with opened(kernel, base) as top:
            kernel.mkdir("new", 0o700, dir_fd=top)
        assert stat.S_ISDIR(kernel.stat(f"{base}/new").st_mode)
        assert kernel.listdir(f"{base}/new") == []

    def test_only_an_empty_directory_is_removed_as_one(self, machine: KernelHarness) -> None:
        """ENOTEMPTY, ENOTDIR (a symlink is none), ENOENT."""
        kernel, base = machine.kernel, machine.scratch
        put(kernel, f"{made(kernel, f'{base}/filled')}/file")
        machine.symlink("filled", f"{base}/link")
        for name, code in (
            ("filled", errno.ENOTEMPTY), ("filled/file", errno.ENOTDIR), ("link", errno.ENOTDIR),
            ("missing", errno.ENOENT), ("filled/file/below", errno.ENOTDIR), ("filled/.", errno.EINVAL),
            ("filled/..", errno.ENOTEMPTY),
        ):  # fmt: skip
            with fails(code):
                kernel.rmdir(f"{base}/{name}")
        made(kernel, f"{base}/empty")
        with opened(kernel, base) as top:
            kernel.rmdir("empty", dir_fd=top)
        assert not there(kernel, f"{base}/empty")

    def test_anything_but_a_directory_is_unlinked(self, machine: KernelHarness) -> None:
        """EISDIR, ENOENT; of a symlink the link goes, not what it leads to."""
        kernel, base = machine.kernel, machine.scratch
        put(kernel, f"{base}/file", b"kept")
        machine.symlink("file", f"{base}/link")
        for name, code in ((".", errno.EISDIR), ("missing", errno.ENOENT), ("file/below", errno.ENOTDIR)):
            with fails(code):
                kernel.unlink(f"{base}/{name}")
        made(kernel, f"{base}/directory")
        with fails(errno.EISDIR):
            kernel.unlink(f"{base}/directory")
        kernel.unlink(f"{base}/link")
        assert get(kernel, f"{base}/file") == b"kept"
        with opened(kernel, base) as top:
            kernel.unlink("file", dir_fd=top)
        assert kernel.listdir(base) == ["directory"]

    def test_a_rename_replaces_its_like_at_once(self, machine: KernelHarness) -> None:
        """A file a file or a symlink, a directory an empty one; what was replaced is gone."""
        kernel, base = machine.kernel, machine.scratch
        put(kernel, f"{base}/one", b"one")
        put(kernel, f"{base}/two", b"two")
        machine.symlink("two", f"{base}/link")
        with opened(kernel, base) as top, opened(kernel, f"{base}/two") as old:
            kernel.rename("one", "two", src_dir_fd=top, dst_dir_fd=top)
            assert kernel.read(old, 10) == b"two", "who had it open still has"
            assert kernel.fstat(old).st_nlink == 0
        kernel.rename(f"{base}/two", f"{base}/link")
        assert (kernel.listdir(base), get(kernel, f"{base}/link")) == (["link"], b"one")
        put(kernel, f"{made(kernel, f'{base}/filled')}/file")
        made(kernel, f"{base}/empty")
        kernel.rename(f"{base}/filled", f"{base}/empty")
        assert sorted(kernel.listdir(base)) == ["empty", "link"]
        assert kernel.listdir(f"{base}/empty") == ["file"]

    def test_a_rename_replaces_nothing_else(self, machine: KernelHarness) -> None:
        """ENOTEMPTY, EISDIR, ENOTDIR, ENOENT, and a directory into itself."""
        kernel, base = machine.kernel, machine.scratch
        put(kernel, f"{made(kernel, f'{base}/filled')}/file")
        made(kernel, f"{base}/directory")
        put(kernel, f"{base}/file")
        for old, new, code in (
            ("directory", "filled", errno.ENOTEMPTY), ("file", "directory", errno.EISDIR),
            ("directory", "file", errno.ENOTDIR), ("missing", "new", errno.ENOENT), ("file", "none/new", errno.ENOENT),
            ("file", "file/new", errno.ENOTDIR), ("filled", "filled/new", errno.EINVAL),
            ("filled/file", "filled", errno.ENOTEMPTY), ("filled/.", "new", errno.EBUSY),
        ):  # fmt: skip
            with fails(code):
                kernel.rename(f"{base}/{old}", f"{base}/{new}")
        kernel.rename(f"{base}/file", f"{base}/file")
        assert sorted(kernel.listdir(base)) == ["directory", "file", "filled"]

    def test_a_rename_that_must_not_replace_does_not(self, machine: KernelHarness) -> None:
        """EEXIST, whatever has the name; both are as they were."""
        kernel, base = machine.kernel, machine.scratch
        put(kernel, f"{base}/file", b"one")
        put(kernel, f"{base}/other", b"two")
        made(kernel, f"{base}/directory")
        machine.symlink("nowhere", f"{base}/link")
        with opened(kernel, base) as top:
            for name in ("other", "directory", "link", "file"):
                with fails(errno.EEXIST):
                    kernel.rename_noreplace("file", name, src_dir_fd=top, dst_dir_fd=top)
            with fails(errno.ENOENT):
                kernel.rename_noreplace("missing", "new", src_dir_fd=top, dst_dir_fd=top)
            with fails(errno.ENOENT):
                kernel.rename_noreplace("file", "none/new", src_dir_fd=top, dst_dir_fd=top)
            assert (get(kernel, f"{base}/file"), get(kernel, f"{base}/other")) == (b"one", b"two")
            kernel.rename_noreplace("file", "new", src_dir_fd=top, dst_dir_fd=top)
        assert sorted(kernel.listdir(base)) == ["directory", "link", "new", "other"]

    def test_a_directory_goes_elsewhere_with_all_that_is_in_it(self, machine: KernelHarness) -> None:
        """From one open directory into another; its way up is the new one."""
        kernel, base = machine.kernel, machine.scratch
        put(kernel, f"{made(kernel, f'{base}/moved')}/file", b"x")
        made(kernel, f"{base}/deep")
        with opened(kernel, base) as top, opened(kernel, f"{base}/deep") as deep, opened(kernel, f"{base}/moved") as fd:
            before = kernel.fstat(fd).st_ino
            kernel.rename("moved", "new", src_dir_fd=top, dst_dir_fd=deep)
            assert kernel.stat("..", dir_fd=fd).st_ino == kernel.fstat(deep).st_ino
            assert kernel.stat("new", dir_fd=deep).st_ino == before
        assert get(kernel, f"{base}/deep/new/file") == b"x"

    def test_an_open_file_outlives_its_name(self, machine: KernelHarness) -> None:
        """It is read and written as before, and another of its name is another."""
        kernel, path = machine.kernel, put(machine.kernel, f"{machine.scratch}/file", b"one")
        with opened(kernel, path, os.O_RDWR) as fd:
            kernel.unlink(path)
            assert kernel.fstat(fd).st_nlink == 0
            put(kernel, path, b"two")
            kernel.lseek(fd, 0, os.SEEK_END)
            kernel.write(fd, b"more")
            kernel.fsync(fd)
            kernel.lseek(fd, 0, os.SEEK_SET)
            assert kernel.read(fd, 10) == b"onemore"
        assert get(kernel, path) == b"two"

    def test_nothing_is_made_in_an_open_directory_that_was_removed(self, machine: KernelHarness) -> None:
        """It is empty, and stays so."""
        kernel, path = machine.kernel, made(machine.kernel, f"{machine.scratch}/directory")
        put(kernel, f"{machine.scratch}/file")
        with opened(kernel, path) as fd, opened(kernel, machine.scratch) as top:
            kernel.rmdir(path)
            made(kernel, path)
            assert kernel.listdir(fd) == []
            all_fail(
                errno.ENOENT,
                lambda: kernel.mkdir("new", dir_fd=fd),
                lambda: kernel.open("new", os.O_WRONLY | os.O_CREAT, dir_fd=fd),
                lambda: kernel.rename("file", "new", src_dir_fd=top, dst_dir_fd=fd),
                lambda: kernel.stat("new", dir_fd=fd),
            )
            assert kernel.stat(".", dir_fd=fd).st_ino == kernel.fstat(fd).st_ino
        assert kernel.listdir(path) == []
