"""Opening by name: what is found, and which flags are refused where."""

import errno
import os
import stat

import pytest

from holdfast.testing.conformance.kernel.checks import fails, get, made, opened, put
from holdfast.testing.conformance.kernel.harness import KernelHarness


class OpeningConformance:
    """open(2)."""

    @pytest.mark.parametrize(
        ("name", "code"),
        [
            ("missing", errno.ENOENT), ("missing/below", errno.ENOENT), ("file/below", errno.ENOTDIR),
            ("file/", errno.ENOTDIR), ("", errno.ENOENT), ("round", errno.ELOOP), ("n" * 256, errno.ENAMETOOLONG),
            ("x/" * 2048, errno.ENAMETOOLONG),
        ],
    )  # fmt: skip
    def test_what_leads_nowhere_says_why(self, machine: KernelHarness, name: str, code: int) -> None:
        """Missing, below a file, round in circles, too long."""
        kernel, base = machine.kernel, machine.scratch
        put(kernel, f"{base}/file")
        machine.symlink("round", f"{base}/round")
        with opened(kernel, base) as top, fails(code):
            kernel.open(name, os.O_RDONLY, dir_fd=top)

    def test_a_new_file_is_empty_and_regular_and_needs_its_directory(self, machine: KernelHarness) -> None:
        """O_CREAT."""
        kernel, base = machine.kernel, machine.scratch
        with opened(kernel, f"{base}/file", os.O_WRONLY | os.O_CREAT) as fd:
            info = kernel.fstat(fd)
        assert stat.S_ISREG(info.st_mode)
        assert info.st_size == 0
        with fails(errno.ENOENT):
            kernel.open(f"{base}/missing/file", os.O_WRONLY | os.O_CREAT)
        with fails(errno.ENOTDIR):
            kernel.open(f"{base}/file/file", os.O_WRONLY | os.O_CREAT)

    def test_what_must_be_new_is_never_found(self, machine: KernelHarness) -> None:
        """O_CREAT | O_EXCL: neither a file, nor a directory, nor a symlink that leads nowhere."""
        kernel, base = machine.kernel, machine.scratch
        put(kernel, f"{base}/file", b"mine")
        made(kernel, f"{base}/directory")
        machine.symlink("nowhere", f"{base}/link")
        for name in ("file", "directory", "link"):
            with fails(errno.EEXIST):
                kernel.open(f"{base}/{name}", os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        assert get(kernel, f"{base}/file") == b"mine"

    def test_what_may_be_there_is_opened_as_it_is(self, machine: KernelHarness) -> None:
        """O_CREAT alone truncates nothing, and opens no directory."""
        kernel, base = machine.kernel, machine.scratch
        put(kernel, f"{base}/file", b"mine")
        with opened(kernel, f"{base}/file", os.O_RDWR | os.O_CREAT) as fd:
            assert kernel.read(fd, 10) == b"mine"
        with fails(errno.EISDIR):
            kernel.open(base, os.O_WRONLY | os.O_CREAT)

    def test_a_symlink_is_followed_unless_it_must_not_be(self, machine: KernelHarness) -> None:
        """O_NOFOLLOW minds the last name only; with O_PATH it opens the link itself."""
        kernel, base = machine.kernel, machine.scratch
        put(kernel, f"{made(kernel, f'{base}/there')}/file", b"found")
        machine.symlink("there/file", f"{base}/relative")
        machine.symlink(f"{base}/there", f"{base}/absolute")
        assert get(kernel, f"{base}/relative") == b"found"
        assert get(kernel, f"{base}/absolute/file") == b"found"
        with opened(kernel, f"{base}/absolute/file", os.O_NOFOLLOW) as fd:
            assert kernel.read(fd, 10) == b"found"
        with fails(errno.ELOOP):
            kernel.open(f"{base}/relative", os.O_RDONLY | os.O_NOFOLLOW)
        with fails(errno.ENOTDIR):
            kernel.open(f"{base}/absolute", os.O_RDONLY | os.O_NOFOLLOW | os.O_DIRECTORY)
        with opened(kernel, f"{base}/relative", os.O_PATH | os.O_NOFOLLOW) as fd:
            assert stat.S_ISLNK(kernel.fstat(fd).st_mode)

    def test_a_directory_is_opened_for_reading_only_and_a_file_is_none(self, machine: KernelHarness) -> None:
        """EISDIR, ENOTDIR."""
        kernel, base = machine.kernel, machine.scratch
        put(kernel, f"{base}/file")
        for flags in (os.O_WRONLY, os.O_RDWR):
            with fails(errno.EISDIR):
                kernel.open(base, flags)
        with fails(errno.ENOTDIR):
            kernel.open(f"{base}/file", os.O_RDONLY | os.O_DIRECTORY)
        with opened(kernel, base, os.O_DIRECTORY) as fd:
            assert stat.S_ISDIR(kernel.fstat(fd).st_mode)

    def test_names_are_below_an_open_directory_wherever_that_is_by_now(self, machine: KernelHarness) -> None:
        """An absolute path minds it not; a file is no directory; a number that is not open is none."""
        kernel, base = machine.kernel, machine.scratch
        put(kernel, f"{made(kernel, f'{base}/old')}/file", b"below")
        with opened(kernel, f"{base}/old", os.O_PATH | os.O_DIRECTORY) as top:
            kernel.rename(f"{base}/old", f"{base}/new")
            with opened(kernel, "file", dir_fd=top) as fd, opened(kernel, "../new/./file", dir_fd=top) as same:
                assert kernel.fstat(fd).st_ino == kernel.fstat(same).st_ino
                with fails(errno.ENOTDIR):
                    kernel.open("x", os.O_RDONLY, dir_fd=fd)
            with opened(kernel, base, dir_fd=top) as fd:
                assert "new" in kernel.listdir(fd)
        with fails(errno.EBADF):
            kernel.open("file", os.O_RDONLY, dir_fd=top)
