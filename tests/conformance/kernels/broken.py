"""Models of a kernel, or of a tool, that are wrong in one thing."""

import errno
import os
from collections.abc import Sequence

from holdfast.host.facts import Mount
from holdfast.host.syscalls import RESOLVE_NO_XDEV
from holdfast.testing.simulation.kernel import SimulatedKernel
from holdfast.testing.simulation.nodes import Node


class Replaces(SimulatedKernel):
    """A rename that must not replace does."""

    def rename_noreplace(self, old: str, new: str, *, src_dir_fd: int, dst_dir_fd: int) -> None:
        self.rename(old, new, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)


class TakesAway(SimulatedKernel):
    """An unmount takes no notice of open files, as a lazy one."""

    def umount(self, path: str) -> None:
        mount, _ = self.machine.namespace.walk(path, follow=False)
        held, mount.held = mount.held, 0
        try:
            super().umount(path)
        finally:
            mount.held = held


class CrossesMounts(SimulatedKernel):
    """A walk that must stay in its mount does not."""

    def openat2(self, dir_fd: int, path: str, flags: int, resolve: int, /) -> int:
        return super().openat2(dir_fd, path, flags, resolve & ~RESOLVE_NO_XDEV)


class ReadsZeros(SimulatedKernel):
    """A read that failed gives zeros."""

    def preadv(self, fd: int, buffers: Sequence[memoryview], offset: int, /) -> int:
        try:
            return super().preadv(fd, buffers, offset)
        except OSError:
            return sum(map(len, buffers))


class TakesOver(SimulatedKernel):
    """A loop device that is taken is taken over."""

    def loop_configure(self, fd: int, image: int, *, autoclear: bool, read_only: bool) -> None:
        self.machine.loops.pop(self._device(fd).node.number, None)
        super().loop_configure(fd, image, autoclear=autoclear, read_only=read_only)


class DetachesAtOnce(SimulatedKernel):
    """A detach does not wait for the device's users."""

    def loop_clear(self, fd: int) -> None:
        number, _ = self._attached(fd)
        del self.machine.loops[number]


class LosesMountPoints(SimulatedKernel):
    """What something is mounted on can be removed."""

    def _check_free(self, node: Node, path: str) -> None: ...


class WritesAnyway(SimulatedKernel):
    """A read-only mount is written."""

    def set_mount(self, mount: int, *, read_only: bool, flags: tuple[str, ...] = ()) -> None:
        super().set_mount(mount, read_only=False)


class SaysAbsent(SimulatedKernel):
    """An error is told as an absence."""

    def stat(self, path: str, *, dir_fd: int | None = None, follow_symlinks: bool = True) -> os.stat_result:
        try:
            return super().stat(path, dir_fd=dir_fd, follow_symlinks=follow_symlinks)
        except OSError as error:
            raise FileNotFoundError(errno.ENOENT, path) from error


class SeesNoMounts(SimulatedKernel):
    """The mount table has the root alone."""

    def mounts(self) -> list[Mount]:
        return super().mounts()[:1]


class KeepsFiles(SimulatedKernel):
    """A removal says that it was made."""

    def unlink(self, path: str, *, dir_fd: int | None = None) -> None: ...
