"""What is seen: stat(2) and its kin, listings, and where things are."""

import errno
import os
import stat

from holdfast.testing.conformance.kernel.checks import bind, entries, fails, home, made, opened, put, within
from holdfast.testing.conformance.kernel.harness import KernelHarness


class LookingConformance:
    """Files, directories, paths."""

    def test_one_file_has_one_identity_however_it_is_reached(self, machine: KernelHarness) -> None:
        """Device and inode, before and after a rename; another file has another."""
        kernel, base = machine.kernel, machine.scratch
        put(kernel, f"{base}/file", b"12345")
        put(kernel, f"{base}/other")
        with opened(kernel, f"{base}/file") as fd, opened(kernel, base) as top:
            info = kernel.fstat(fd)
            assert stat.S_ISREG(info.st_mode)
            assert (info.st_size, info.st_nlink, info.st_rdev) == (5, 1, 0)
            kernel.rename(f"{base}/file", f"{base}/renamed")
            for again in (kernel.stat(f"{base}/renamed"), kernel.stat("renamed", dir_fd=top)):
                assert (again.st_dev, again.st_ino) == (info.st_dev, info.st_ino)
            assert kernel.stat(f"{base}/other").st_ino != info.st_ino
            assert kernel.stat(f"{base}/other").st_dev == info.st_dev == kernel.fstat(top).st_dev

    def test_a_look_follows_symlinks_unless_told_not_to(self, machine: KernelHarness) -> None:
        """stat(2) and lstat(2); their errors are those of opening."""
        kernel, base = machine.kernel, machine.scratch
        put(kernel, f"{base}/file")
        machine.symlink("file", f"{base}/link")
        machine.symlink("nowhere", f"{base}/dangling")
        machine.symlink("round", f"{base}/round")
        assert kernel.stat(f"{base}/link").st_ino == kernel.stat(f"{base}/file").st_ino
        for name in ("link", "dangling", "round"):
            assert stat.S_ISLNK(kernel.stat(f"{base}/{name}", follow_symlinks=False).st_mode)
        for name, code in (
            ("dangling", errno.ENOENT), ("missing", errno.ENOENT), ("file/below", errno.ENOTDIR),
            ("round", errno.ELOOP), ("file/", errno.ENOTDIR), ("n" * 256, errno.ENAMETOOLONG),
        ):  # fmt: skip
            with fails(code):
                kernel.stat(f"{base}/{name}")

    def test_a_closer_look_tells_the_mount_and_the_birth(self, machine: KernelHarness) -> None:
        """statx(2): neither changes with a write or another name; of a place alone, too."""
        kernel, base = machine.kernel, machine.scratch
        put(kernel, f"{base}/file")
        with opened(kernel, f"{base}/file", os.O_RDWR) as fd:
            before = kernel.statx(fd)
            assert before.inode == kernel.fstat(fd).st_ino
            assert before.born_ns > 0
            kernel.write(fd, b"x")
            kernel.rename(f"{base}/file", f"{base}/renamed")
            assert kernel.statx(fd) == before
        with opened(kernel, f"{base}/renamed", os.O_PATH) as fd:
            assert kernel.statx(fd) == before
        mount = home(kernel, base)
        info = kernel.stat(base)
        assert mount.id == before.mount
        assert mount.device == (os.major(info.st_dev), os.minor(info.st_dev))

    def test_the_room_is_that_of_the_file_system(self, machine: KernelHarness) -> None:
        """fstatvfs(3), by any of its files."""
        kernel, base = machine.kernel, machine.scratch
        put(kernel, f"{base}/file")
        with opened(kernel, base) as top, opened(kernel, f"{base}/file") as fd:
            one, two = kernel.fstatvfs(top), kernel.fstatvfs(fd)
        assert one.f_blocks >= one.f_bfree >= one.f_bavail > 0
        assert one.f_frsize > 0
        assert (one.f_fsid, one.f_blocks, one.f_frsize) == (two.f_fsid, two.f_blocks, two.f_frsize)

    def test_a_listing_has_all_names_as_they_are_now(self, machine: KernelHarness) -> None:
        """By path and by descriptor, and again by the same descriptor."""
        kernel, base = machine.kernel, machine.scratch
        names = {f"name{number}" for number in range(300)}
        with opened(kernel, base) as top:
            assert kernel.listdir(top) == []
            for name in names:
                put(kernel, f"{base}/{name}")
            for _ in range(2):
                assert set(kernel.listdir(top)) == set(kernel.listdir(base)) == names
            kernel.unlink(f"{base}/name7")
            kernel.lseek(top, 0, os.SEEK_SET)
            assert set(kernel.listdir(top)) == names - {"name7"}

    def test_only_a_directory_is_listed(self, machine: KernelHarness) -> None:
        """ENOTDIR, ENOENT; through a symlink it is one."""
        kernel, base = machine.kernel, machine.scratch
        put(kernel, f"{base}/file")
        machine.symlink(".", f"{base}/link")
        with fails(errno.ENOTDIR):
            kernel.listdir(f"{base}/file")
        with fails(errno.ENOENT):
            kernel.listdir(f"{base}/missing")
        with opened(kernel, f"{base}/file") as fd:
            with fails(errno.ENOTDIR):
                kernel.listdir(fd)
            with fails(errno.ENOTDIR):
                entries(kernel, fd)
        assert sorted(kernel.listdir(f"{base}/link")) == ["file", "link"]

    def test_entries_tell_what_they_are(self, machine: KernelHarness) -> None:
        """A symlink to a directory is none; a look at one that went is an absence."""
        kernel, base = machine.kernel, machine.scratch
        put(kernel, f"{base}/file", b"123")
        made(kernel, f"{base}/directory")
        machine.symlink("directory", f"{base}/link")
        with opened(kernel, base) as top:
            found = entries(kernel, top)
            assert {name: entry.is_dir(follow_symlinks=False) for name, entry in found.items()} == {
                "file": False, "directory": True, "link": False,
            }  # fmt: skip
            for name, entry in found.items():
                assert entry.inode() == kernel.stat(f"{base}/{name}", follow_symlinks=False).st_ino
            assert found["file"].stat(follow_symlinks=False).st_size == 3
            kernel.rmdir(f"{base}/directory")
            with fails(errno.ENOENT):
                found["directory"].stat(follow_symlinks=False)

    def test_an_entry_lists_the_inode_that_a_mount_hides(self, machine: KernelHarness) -> None:
        """A look at it sees the mount."""
        kernel, base = machine.kernel, machine.scratch
        made(kernel, f"{base}/there")
        hidden = kernel.stat(made(kernel, f"{base}/at")).st_ino
        bind(kernel, f"{base}/there", f"{base}/at")
        with opened(kernel, base) as top:
            entry = entries(kernel, top)["at"]
            assert entry.inode() == hidden
            assert entry.stat(follow_symlinks=False).st_ino == kernel.stat(f"{base}/there").st_ino != hidden
        kernel.umount(f"{base}/at")

    def test_a_descriptor_knows_where_it_is_now(self, machine: KernelHarness) -> None:
        """After renames of it and above it, and once it has no name."""
        kernel, base = machine.kernel, machine.scratch
        put(kernel, f"{made(kernel, f'{base}/old')}/file")
        with opened(kernel, f"{base}/old/file") as fd, opened(kernel, f"{base}/old", os.O_PATH) as top:
            assert kernel.location(fd) == f"{base}/old/file"
            kernel.rename(f"{base}/old", f"{base}/new")
            kernel.rename(f"{base}/new/file", f"{base}/new/renamed")
            assert kernel.location(fd) == f"{base}/new/renamed"
            assert kernel.location(top) == f"{base}/new"
            kernel.unlink(f"{base}/new/renamed")
            assert kernel.location(fd) == f"{base}/new/renamed (deleted)"
            kernel.rmdir(f"{base}/new")
            assert kernel.location(top) == f"{base}/new (deleted)"

    def test_a_descriptor_may_be_deeper_than_a_path_can_tell(self, machine: KernelHarness) -> None:
        """ENAMETOOLONG; it is used as any other."""
        kernel = machine.kernel
        fd, name = kernel.open(machine.scratch, os.O_RDONLY), "n" * 250
        for _ in range(17):
            kernel.mkdir(name, dir_fd=fd)
            fd, above = kernel.open(name, os.O_RDONLY, dir_fd=fd), fd
            kernel.close(above)
        with fails(errno.ENAMETOOLONG):
            kernel.location(fd)
        kernel.mkdir("deeper", dir_fd=fd)
        assert kernel.listdir(fd) == ["deeper"]
        kernel.close(fd)

    def test_a_descriptor_below_a_mount_is_where_it_was_opened(self, machine: KernelHarness) -> None:
        """The same file has as many places as mounts that show it."""
        kernel, base = machine.kernel, machine.scratch
        put(kernel, f"{made(kernel, f'{base}/there')}/file")
        made(kernel, f"{base}/at")
        bind(kernel, f"{base}/there", f"{base}/at")
        with opened(kernel, f"{base}/at/file") as one, opened(kernel, f"{base}/there/file") as two:
            assert kernel.location(one) == f"{base}/at/file"
            assert kernel.location(two) == f"{base}/there/file"
            assert kernel.fstat(one).st_ino == kernel.fstat(two).st_ino
            assert kernel.statx(one).mount != kernel.statx(two).mount
        with opened(kernel, f"{base}/at") as top:
            assert kernel.location(top) == f"{base}/at"
        assert within(kernel, f"{base}/at") == within(kernel, f"{base}/there")
        kernel.umount(f"{base}/at")

    def test_a_path_is_resolved_as_far_as_it_leads(self, machine: KernelHarness) -> None:
        """`..` after a symlink is where the link leads up; what is missing stays as it is written."""
        kernel, base = machine.kernel, machine.scratch
        made(kernel, f"{made(kernel, f'{base}/there')}/deep")
        put(kernel, f"{base}/there/file")
        machine.symlink("there/deep", f"{base}/link")
        machine.symlink(f"{base}/there", f"{base}/absolute")
        machine.symlink("absolute/none/x", f"{base}/dangling")
        for path, found in (
            ("there/file", "there/file"), ("link", "there/deep"), ("link/..", "there"), ("link/../file", "there/file"),
            ("absolute/deep/", "there/deep"), ("missing/a/b", "missing/a/b"), ("link/missing", "there/deep/missing"),
            ("missing/../there", "there"), ("dangling", "there/none/x"), ("dangling/y", "there/none/x/y"),
            ("./there//deep/.", "there/deep"), ("there/file/below", "there/file/below"),
        ):  # fmt: skip
            assert kernel.realpath(f"{base}/{path}") == f"{base}/{found}", path
        assert kernel.realpath("/") == kernel.realpath("/..") == "/"
