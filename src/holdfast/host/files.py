"""Small durable acts on files, relative to open directories."""

import os
import stat
from collections.abc import Callable

from holdfast.host.kernel import Kernel
from holdfast.host.linux import LINUX
from holdfast.host.syscalls import RESOLVE_BENEATH, RESOLVE_NO_SYMLINKS, RESOLVE_NO_XDEV
from holdfast.runtime.api import Runtime

_RESOLVE = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV
LARGEST_TEXT = 1 << 20


class Files:
    """Each mutating call is a failpoint named by its purpose."""

    def __init__(self, runtime: Runtime, kernel: Kernel = LINUX) -> None:
        self._runtime = runtime
        self.kernel = kernel

    def open_directory(self, path: str, dir_fd: int | None = None) -> int:
        """Open a directory: by path, or below `dir_fd` without following a symlink or crossing a mount."""
        if dir_fd is None:
            return self.kernel.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        return self.kernel.openat2(dir_fd, path, os.O_RDONLY | os.O_DIRECTORY, _RESOLVE)

    def open_below(self, dir_fd: int, path: str, flags: int) -> int:
        """Open a file below `dir_fd` without following a symlink or crossing a mount."""
        return self.kernel.openat2(dir_fd, path, flags | os.O_NONBLOCK, _RESOLVE)

    def exists(self, dir_fd: int, name: str) -> bool:
        """Whether there is an entry of that name; errors other than its absence are raised."""
        try:
            self.kernel.stat(name, dir_fd=dir_fd, follow_symlinks=False)
        except FileNotFoundError:
            return False
        return True

    def read_text(self, dir_fd: int, name: str) -> bytes:
        """The content of a small regular file; ValueError if it is no such."""
        fd = self.open_below(dir_fd, name, os.O_RDONLY)
        try:
            info = self.kernel.fstat(fd)
            if not stat.S_ISREG(info.st_mode) or info.st_size > LARGEST_TEXT:
                raise ValueError(f"{name} is not a small regular file")
            return self.kernel.read(fd, info.st_size)  # a larger buffer costs far more than the read
        finally:
            self.kernel.close(fd)

    def mkdir(self, purpose: str, dir_fd: int, name: str, mode: int = 0o700) -> None:
        """Make a directory."""
        self._runtime.effect(purpose, lambda: self.kernel.mkdir(name, mode, dir_fd=dir_fd))

    def write(self, purpose: str, dir_fd: int, name: str, content: bytes) -> None:
        """Make a new file with that content, synced."""

        def call() -> None:
            fd = self.kernel.open(
                name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=dir_fd
            )
            try:
                view = memoryview(content)
                while view:
                    view = view[self.kernel.write(fd, view) :]
                self.kernel.fsync(fd)
            finally:
                self.kernel.close(fd)

        self._runtime.effect(purpose, call)

    def replace(
        self, purpose: str, dir_fd: int, name: str, content: bytes, still: Callable[[], object] = lambda: None
    ) -> None:
        """Replace a file's content at once and durably, through `.NAME.new`; `still` may raise at the last moment."""
        new = f".{name}.new"
        self.unlink(f"{purpose}-discard", dir_fd, new)
        self.write(f"{purpose}-write", dir_fd, new, content)
        self.rename(f"{purpose}-publish", dir_fd, new, name, still=still)

    def make_sparse(self, purpose: str, dir_fd: int, name: str, size: int) -> int:
        """Make a new sparse file of `size` bytes and return it open for writing."""

        def call() -> int:
            fd = self.kernel.open(
                name, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=dir_fd
            )
            try:
                self.kernel.ftruncate(fd, size)
            except OSError:
                self.kernel.close(fd)
                raise
            return fd

        return self._runtime.effect(purpose, call)

    def extend(self, purpose: str, fd: int, size: int) -> None:
        """Let an open file be `size` bytes long, if it is shorter."""

        def call() -> None:
            if self.kernel.fstat(fd).st_size < size:
                self.kernel.ftruncate(fd, size)

        self._runtime.effect(purpose, call)

    def rename(
        self,
        purpose: str,
        dir_fd: int,
        old: str,
        new: str,
        *,
        sync: bool = True,
        still: Callable[[], object] = lambda: None,
    ) -> None:
        """Rename within a directory, durably; or (without `sync`) only in order with what follows there."""

        def call() -> None:
            still()
            self.kernel.rename(old, new, src_dir_fd=dir_fd, dst_dir_fd=dir_fd)
            if sync:
                self.kernel.fsync(dir_fd)

        self._runtime.effect(purpose, call)

    def rename_noreplace(self, purpose: str, dir_fd: int, old: str, new: str) -> None:
        """Rename within a directory, in order with what follows there; EEXIST if the new name is taken."""
        self._runtime.effect(
            purpose, lambda: self.kernel.rename_noreplace(old, new, src_dir_fd=dir_fd, dst_dir_fd=dir_fd)
        )

    def exchange(self, purpose: str, dir_fd: int, one: str, other: str) -> None:
        """Exchange two names of a directory, in one act and durably."""

        def call() -> None:
            self.kernel.exchange(one, other, dir_fd=dir_fd)
            self.kernel.fsync(dir_fd)

        self._runtime.effect(purpose, call)

    def unlink(self, purpose: str, dir_fd: int, name: str) -> None:
        """Remove a file if it is there."""

        def call() -> None:
            try:
                self.kernel.unlink(name, dir_fd=dir_fd)
            except FileNotFoundError:
                return
            self.kernel.fsync(dir_fd)

        if self.exists(dir_fd, name):
            self._runtime.effect(purpose, call)

    def rmdir(self, purpose: str, dir_fd: int, name: str) -> None:
        """Remove an empty directory if it is there."""

        def call() -> None:
            try:
                self.kernel.rmdir(name, dir_fd=dir_fd)
            except FileNotFoundError:
                return
            self.kernel.fsync(dir_fd)

        if self.exists(dir_fd, name):
            self._runtime.effect(purpose, call)

    def sync_all(self, purpose: str, fd: int) -> None:
        """Sync the whole file system that is open: what another process wrote, file by file, is durable too."""
        self._runtime.effect(purpose, lambda: self.kernel.syncfs(fd))

    def sync(self, purpose: str, fd: int) -> None:
        """Fsync."""
        self._runtime.effect(purpose, lambda: self.kernel.fsync(fd))
