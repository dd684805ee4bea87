"""openat2(2): the kernel itself refuses what leads out."""

import errno
import os
import stat

import pytest

from holdfast.host.syscalls import RESOLVE_BENEATH, RESOLVE_NO_SYMLINKS, RESOLVE_NO_XDEV
from holdfast.testing.conformance.kernel.checks import bind, fails, made, opened, put
from holdfast.testing.conformance.kernel.harness import KernelHarness

_ALL = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV


class BeneathConformance:
    """Each rule alone, and all together as removals have them."""

    @pytest.mark.parametrize("resolve", [0, RESOLVE_BENEATH, RESOLVE_NO_SYMLINKS, RESOLVE_NO_XDEV, _ALL])
    @pytest.mark.parametrize("path", ["sub/file", "sub/../sub/./file", "./sub/file"])
    def test_what_stays_inside_is_opened(self, machine: KernelHarness, path: str, resolve: int) -> None:
        """Up and down again, too."""
        kernel, base = machine.kernel, machine.scratch
        put(kernel, f"{made(kernel, f'{base}/sub')}/file", b"x")
        with opened(kernel, base) as top:
            fd = kernel.openat2(top, path, os.O_RDONLY, resolve)
            assert kernel.read(fd, 2) == b"x"
            kernel.close(fd)
            with fails(errno.ENOENT):
                kernel.openat2(top, "sub/missing", os.O_RDONLY, resolve)
            with fails(errno.ENOTDIR):
                kernel.openat2(top, "sub/file/below", os.O_RDONLY, resolve)

    @pytest.mark.parametrize("path", ["..", "sub/../../other", "/", "out", "far", "sub/up"])
    def test_nothing_leads_out_of_the_directory(self, machine: KernelHarness, path: str) -> None:
        """RESOLVE_BENEATH: `..`, an absolute path, or a symlink to either."""
        kernel, base = machine.kernel, machine.scratch
        made(kernel, f"{base}/other")
        made(kernel, f"{made(kernel, f'{base}/top')}/sub")
        machine.symlink("../other", f"{base}/top/out")
        machine.symlink("/", f"{base}/top/far")
        machine.symlink("../..", f"{base}/top/sub/up")
        with opened(kernel, f"{base}/top") as top:
            with fails(errno.EXDEV):
                kernel.openat2(top, path, os.O_RDONLY, RESOLVE_BENEATH)
            kernel.close(kernel.openat2(top, path, os.O_RDONLY, 0))

    @pytest.mark.parametrize("resolve", [RESOLVE_NO_SYMLINKS, _ALL])
    def test_no_symlink_is_followed(self, machine: KernelHarness, resolve: int) -> None:
        """Neither last nor on the way; the link itself can be opened as a place."""
        kernel, base = machine.kernel, machine.scratch
        put(kernel, f"{made(kernel, f'{base}/sub')}/file")
        machine.symlink("sub", f"{base}/link")
        with opened(kernel, base) as top:
            for path in ("link", "link/file"):
                with fails(errno.ELOOP):
                    kernel.openat2(top, path, os.O_RDONLY, resolve)
            with fails(errno.ELOOP):
                kernel.openat2(top, "link", os.O_RDONLY | os.O_NOFOLLOW, resolve)
            with fails(errno.ENOTDIR):
                kernel.openat2(top, "link", os.O_RDONLY | os.O_NOFOLLOW | os.O_DIRECTORY, resolve)
            fd = kernel.openat2(top, "link", os.O_PATH | os.O_NOFOLLOW, resolve)
            assert stat.S_ISLNK(kernel.fstat(fd).st_mode)
            kernel.close(fd)

    @pytest.mark.parametrize("resolve", [RESOLVE_NO_XDEV, _ALL])
    def test_no_mount_is_crossed(self, machine: KernelHarness, resolve: int) -> None:
        """A bind of the same file system is one, of a directory or of a file; so is the way up out of it."""
        kernel, base = machine.kernel, machine.scratch
        made(kernel, f"{made(kernel, f'{base}/there')}/sub")
        made(kernel, f"{base}/at")
        put(kernel, f"{base}/there/file")
        put(kernel, f"{base}/node")
        bind(kernel, f"{base}/there", f"{base}/at")
        bind(kernel, f"{base}/there/file", f"{base}/node")
        with opened(kernel, base) as top:
            for path in ("at", "at/sub", "node"):
                with fails(errno.EXDEV):
                    kernel.openat2(top, path, os.O_RDONLY, resolve)
                with fails(errno.EXDEV):
                    kernel.openat2(top, path, os.O_PATH | os.O_NOFOLLOW, resolve)
        with opened(kernel, f"{base}/at") as inside:
            with fails(errno.EXDEV):
                kernel.openat2(inside, "..", os.O_RDONLY, resolve)
            kernel.close(kernel.openat2(inside, "sub", os.O_RDONLY, resolve))
        kernel.umount(f"{base}/node")
        kernel.umount(f"{base}/at")
