"""The real machine: scratch directories on an ext4 of their own."""

import contextlib
import errno
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from holdfast.host.children import Children
from holdfast.host.kernel import Kernel
from holdfast.host.linux import LINUX
from holdfast.host.processes import CAP_SYS_RESOURCE, is_capable
from holdfast.host.tools import mkfs_command
from holdfast.model.resources import FileSystem
from holdfast.runtime.threads import ThreadRuntime
from holdfast.testing.conformance.kernel.harness import Frail, KernelHarness, WorkHarness
from tests.conformance.dir_harness import run, unmount
from tests.host.parts import clean, leftovers, write_at
from tests.host.sickfs import Sick, sick

_SIZE = 2 << 30
_RUNTIME = ThreadRuntime()


class LinuxHarness(KernelHarness):
    """See there."""

    def __init__(self, scratch: str, kernel: Kernel = LINUX) -> None:
        self.kernel = kernel
        self.scratch = scratch

    def new_id(self) -> str:
        return _RUNTIME.new_id()

    def symlink(self, target: str, path: str) -> None:
        os.symlink(target, path)

    def grows_ext4(self) -> bool:
        return is_capable(CAP_SYS_RESOURCE)

    def format(self, image: str, fs: FileSystem, uuid: str) -> None:
        run(*mkfs_command(fs, uuid, image))

    def quotas(self, path: str) -> None:
        run("btrfs", "quota", "enable", path)

    @contextlib.contextmanager
    def full(self, path: str) -> Iterator[None]:
        """By a file that takes it, to the last block."""
        with open(f"{path}/filler", "wb", buffering=0) as file:
            for piece in (1 << 16, 1 << 10):
                with contextlib.suppress(OSError):
                    while file.write(bytes(piece)):
                        pass
            os.fsync(file.fileno())
        yield
        os.unlink(f"{path}/filler")


class LinuxWork(LinuxHarness, WorkHarness):
    """The same with the daemon's own fork server."""

    def __init__(self, scratch: str, children: Children) -> None:
        super().__init__(scratch)
        self.children = children

    def damage(self, image: str) -> None:
        """The head of the first inode table, with the root directory's inode."""
        said = run("dumpe2fs", image)
        table, block = (re.search(what, said) for what in (r"Inode table at (\d+)", r"Block size: +(\d+)"))
        assert table is not None
        assert block is not None
        write_at(image, int(table[1]) * int(block[1]), bytes(8192))

    @contextlib.contextmanager
    def frail(self, size: int) -> Iterator[Frail]:
        """On FUSE."""
        with sick(f"{self.scratch}/frail", size) as store:
            yield _Store(store)


class _Store:
    """See `Frail`."""

    def __init__(self, store: Sick) -> None:
        self.path = store.disk
        self._store = store

    def fail(self) -> None:
        self._store.fail(errno.EIO, (0, 1 << 62))
        with open(self.path, "rb") as file:  # what was read before would still be told
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


@contextlib.contextmanager
def disk(directory: Path) -> Iterator[str]:
    """A mounted ext4; all of it gone at the end, whatever happens."""
    image, where = directory / "image", directory / "disk"
    with image.open("wb") as file:
        file.truncate(_SIZE)
    run("mkfs.ext4", "-q", "-E", "lazy_itable_init=1", str(image))
    where.mkdir()
    try:
        run("mount", "-o", "loop", str(image), str(where))
        try:
            yield str(where)
        finally:
            unmount(where)
    finally:
        shutil.rmtree(directory)


@contextlib.contextmanager
def place(disk: str, name: str) -> Iterator[str]:
    """A directory; at its end nothing of ours is open, mounted or attached there."""
    path = f"{disk}/{name}"
    os.mkdir(path)
    yield path
    left = [*_open_below(path), *leftovers(path)]
    clean(path)
    assert left == [], "the test left something behind"


def _open_below(path: str) -> list[str]:
    """What this process has open there, closed now."""
    found = []
    for fd in os.listdir("/proc/self/fd"):
        with contextlib.suppress(FileNotFoundError):  # the listing's own
            where = os.readlink(f"/proc/self/fd/{fd}")
            if where.startswith((f"{path}/", "/dev/loop")):
                os.close(int(fd))
                found.append(where)
    return found
