"""Descriptors: what one is good for, others of the same file, and its end."""

import errno
import os

from holdfast.testing.conformance.kernel.checks import all_fail, bind, entries, fails, made, opened, put
from holdfast.testing.conformance.kernel.harness import KernelHarness


class DescriptorConformance:
    """O_PATH, reopening, dup(2), close(2)."""

    def test_a_descriptor_of_the_place_alone_gives_no_content(self, machine: KernelHarness) -> None:
        """O_PATH: it can be looked at, passed on and reopened, and nothing else."""
        kernel, base = machine.kernel, machine.scratch
        put(kernel, f"{base}/file", b"content")
        with opened(kernel, f"{base}/file", os.O_PATH) as fd, opened(kernel, base, os.O_PATH) as top:
            assert kernel.fstat(fd).st_size == 7
            all_fail(
                errno.EBADF,
                lambda: kernel.read(fd, 1),
                lambda: kernel.preadv(fd, [memoryview(bytearray(1))], 0),
                lambda: kernel.write(fd, b"x"),
                lambda: kernel.lseek(fd, 0, os.SEEK_SET),
                lambda: kernel.ftruncate(fd, 0),
                lambda: kernel.fsync(fd),
                lambda: kernel.uncache(fd, 0, 0),
                lambda: kernel.listdir(top),
                lambda: entries(kernel, top),
            )
            again = kernel.reopen(fd, os.O_RDONLY)
            assert kernel.read(again, 10) == b"content"
            kernel.close(again)

    def test_a_reopened_descriptor_stands_at_its_own_place_with_its_own_flags(self, machine: KernelHarness) -> None:
        """And reaches the file also when no name does."""
        kernel, base = machine.kernel, machine.scratch
        put(kernel, f"{base}/file", b"content")
        with opened(kernel, f"{base}/file") as fd:
            assert kernel.read(fd, 3) == b"con"
            kernel.unlink(f"{base}/file")
            again = kernel.reopen(fd, os.O_RDWR)
            assert kernel.write(again, b"CON") == 3
            assert kernel.read(fd, 10) == b"tent"
            kernel.close(again)
            with fails(errno.EBADF):
                kernel.write(fd, b"x")
        with fails(errno.ENOENT):
            kernel.reopen(fd, os.O_RDONLY)

    def test_a_reopened_directory_can_be_listed(self, machine: KernelHarness) -> None:
        """And is none where a file must be."""
        kernel, base = machine.kernel, machine.scratch
        put(kernel, f"{base}/file")
        with opened(kernel, base, os.O_PATH) as top:
            again = kernel.reopen(top, os.O_RDONLY | os.O_DIRECTORY)
            assert kernel.listdir(again) == ["file"]
            kernel.close(again)
            with fails(errno.EISDIR):
                kernel.reopen(top, os.O_RDWR)

    def test_a_reopened_descriptor_obeys_its_mount(self, machine: KernelHarness) -> None:
        """What is open for reading on a read-only mount is not written by another way in."""
        kernel, base = machine.kernel, machine.scratch
        made(kernel, f"{base}/at")
        put(kernel, f"{made(kernel, f'{base}/there')}/file")
        bind(kernel, f"{base}/there", f"{base}/at", read_only=True)
        with opened(kernel, f"{base}/at/file") as fd, fails(errno.EROFS):
            kernel.reopen(fd, os.O_RDWR)
        kernel.umount(f"{base}/at")

    def test_a_copied_descriptor_stands_at_the_same_place_and_outlives_the_first(self, machine: KernelHarness) -> None:
        """dup(2)."""
        kernel, base = machine.kernel, machine.scratch
        put(kernel, f"{base}/file", b"content")
        fd = kernel.open(f"{base}/file", os.O_RDONLY)
        copy = kernel.dup(fd)
        assert kernel.read(fd, 3) == b"con"
        kernel.close(fd)
        assert kernel.read(copy, 10) == b"tent"
        kernel.close(copy)

    def test_a_closed_descriptor_is_none(self, machine: KernelHarness) -> None:
        """EBADF, in each call that takes one."""
        kernel = machine.kernel
        fd, image = kernel.open(machine.scratch, os.O_RDONLY), kernel.open(machine.scratch, os.O_RDONLY)
        kernel.close(fd)
        all_fail(
            errno.EBADF,
            lambda: kernel.close(fd),
            lambda: kernel.dup(fd),
            lambda: kernel.read(fd, 1),
            lambda: kernel.write(fd, b""),
            lambda: kernel.preadv(fd, [memoryview(bytearray(1))], 0),
            lambda: kernel.lseek(fd, 0, os.SEEK_SET),
            lambda: kernel.ftruncate(fd, 0),
            lambda: kernel.fsync(fd),
            lambda: kernel.uncache(fd, 0, 0),
            lambda: kernel.fstat(fd),
            lambda: kernel.fstatvfs(fd),
            lambda: kernel.statx(fd),
            lambda: kernel.stat("x", dir_fd=fd),
            lambda: kernel.listdir(fd),
            lambda: entries(kernel, fd),
            lambda: kernel.mkdir("x", dir_fd=fd),
            lambda: kernel.rmdir("x", dir_fd=fd),
            lambda: kernel.unlink("x", dir_fd=fd),
            lambda: kernel.rename("x", "y", src_dir_fd=fd, dst_dir_fd=fd),
            lambda: kernel.rename_noreplace("x", "y", src_dir_fd=fd, dst_dir_fd=fd),
            lambda: kernel.openat2(fd, "x", os.O_RDONLY, 0),
            lambda: kernel.clone_mount(fd),
            lambda: kernel.set_mount(fd, read_only=True),
            lambda: kernel.move_mount(fd, fd),
            lambda: kernel.btrfs_device(fd),
            lambda: kernel.trim(fd),
            lambda: kernel.loop_status(fd),
            lambda: kernel.loop_configure(fd, image, autoclear=True, read_only=False),
            lambda: kernel.loop_keep(fd),
            lambda: kernel.loop_clear(fd),
            lambda: kernel.loop_resize(fd),
            lambda: kernel.grow(fd, "ext4", 1 << 30),
        )
        kernel.close(image)
        with fails(errno.ENOENT):
            kernel.location(fd)
