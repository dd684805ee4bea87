"""Helpers of the host layer's tests: keepers, files, mounts, and what is left of them."""

import contextlib
import hashlib
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from holdfast.host import formats, loops, mounttable, syscalls
from holdfast.host.children import Children
from holdfast.host.facts import Loop
from holdfast.host.linux import LINUX
from holdfast.model.resources import FileSystem
from holdfast.model.step import ChildIdentity
from holdfast.runtime.threads import ThreadRuntime
from tests.lingering import loops_below

MIB = 1 << 20
# What the tests format; xfs and btrfs take no less.
SIZES: dict[FileSystem, int] = {"ext4": 8 * MIB, "xfs": 300 * MIB, "btrfs": 120 * MIB}
CLOCK = ThreadRuntime()
# Its own in each process: mkfs.btrfs refuses, and the kernel confuses, one uuid on two disks in use at once.
UUID = CLOCK.new_id()


class Keeper:
    """Remembers children."""

    def __init__(self) -> None:
        self.started: list[ChildIdentity] = []
        self.ended: list[ChildIdentity] = []

    def child_started(self, child: ChildIdentity) -> None:
        self.started.append(child)

    def child_ended(self, child: ChildIdentity) -> None:
        self.ended.append(child)


def lacking(reason: str) -> None:
    """Skip; in CI fail, so that a proof never vanishes silently."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def need_root() -> None:
    """Mounts and loop devices need root."""
    if os.geteuid() != 0:
        lacking("needs root")
    if not os.path.exists("/dev/loop-control"):
        lacking("needs loop devices")


def run(*command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """A program of the system, waited for."""
    path = {**os.environ, "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}
    return subprocess.run(command, check=check, capture_output=True, text=True, timeout=120, env=path)


def eventually(true: Callable[[], bool], seconds: float = 10.0) -> bool:
    """Whether it becomes true in time."""
    end = CLOCK.monotonic() + seconds
    while not true():
        if CLOCK.monotonic() > end:
            return False
        CLOCK.sleep(0.01)
    return True


def lives(child: ChildIdentity) -> bool:
    """Whether it still executes something."""
    try:
        with open(f"/proc/{child.pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return int(fields[19]) == child.start and fields[0] not in (b"Z", b"X")  # a zombie, or just being reaped


@contextlib.contextmanager
def opened(path: str, flags: int = os.O_RDWR) -> Iterator[int]:
    """An open descriptor."""
    fd = os.open(path, flags | os.O_CLOEXEC)
    try:
        yield fd
    finally:
        os.close(fd)


def sparse(path: str, size: int) -> str:
    """A new file of zeros."""
    with open(path, "wb") as file:
        file.truncate(size)
    return path


def write_at(path: str, offset: int, data: bytes) -> None:
    """Overwrite bytes."""
    with opened(path) as fd:
        assert os.pwrite(fd, data, offset) == len(data)
        os.fsync(fd)


def digest(path: str) -> str:
    """sha256 of the content, from the holes' map: what is not written is zero."""
    found = hashlib.sha256()
    with opened(path, os.O_RDONLY) as fd:
        at, size = 0, os.fstat(fd).st_size
        while at < size:
            try:
                at = os.lseek(fd, at, os.SEEK_DATA)
            except OSError:
                break
            block = os.pread(fd, 1 * MIB, at)
            if any(block):  # a block of zeros and a hole are the same content
                found.update(at.to_bytes(8, "little") + block)
            at += len(block)
    return f"{size}:{found.hexdigest()}"


def formatted(children: Children, path: str, fs: FileSystem, size: int = 0) -> str:
    """A new image with a file system."""
    sparse(path, size or SIZES[fs])
    with opened(path) as fd:
        formats.make(children, Keeper(), fd, fs, UUID, "never")
    return path


@contextlib.contextmanager
def attached(path: str) -> Iterator[str]:
    """A loop device over a file, detached at the end."""
    with opened(path) as image:
        fd = loops.attach(image, autoclear=False)
    try:
        loop = LINUX.loop_status(fd)
    finally:
        os.close(fd)
    assert loop is not None
    try:
        yield loop.path
    finally:
        assert loops.detach(loop)


def loops_of(image: str) -> list[Loop]:
    """The loop devices over a file."""
    with opened(image, os.O_RDONLY) as fd:
        return loops.of_backing(loops.backing_of(fd))


def tmpfs(path: str, size: str = "4m") -> str:
    """A tmpfs there."""
    os.makedirs(path, exist_ok=True)
    run("mount", "-t", "tmpfs", "-o", f"size={size}", "holdfast-test", path)
    return path


def bind(source: str, path: str) -> None:
    """A bind mount, as an administrator makes one."""
    run("mount", "--bind", source, path)


def unmount(path: str) -> None:
    """Take the mount away."""
    run("umount", path)


def leftovers(path: str) -> list[str]:
    """Mounts below a directory and loop devices over files in it."""
    mounts = [f"mount {mount.path}" for mount in mounttable.below(path)]
    return mounts + loops_below(Path(path))


def clean(path: str) -> None:
    """Whatever a failed test left, so that the next finds nothing."""
    for mount in reversed(mounttable.below(path)):
        with contextlib.suppress(OSError):
            syscalls.umount(mount.path)
    for mount in reversed(mounttable.below(path)):  # busy or dead: only here, where nothing is worth keeping
        run("umount", "-l", mount.path, check=False)
    for loop in loops.attached():
        if mounttable.is_under(loop.file, path):
            with contextlib.suppress(OSError):
                loops.detach(loop)
    run("chattr", "-R", "-i", path, check=False)
    run("rm", "-rf", "--one-file-system", path)  # shutil.rmtree cannot go deep
