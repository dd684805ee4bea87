"""File systems in files, as the tests of volume care need them: filled, damaged, and left without an unmount."""

import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

from holdfast.host import checks
from holdfast.host.checks import CheckResult
from holdfast.host.children import Children
from holdfast.model.resources import FileSystem
from tests.daemon import synced
from tests.host.parts import UUID, Keeper, formatted, opened, run, unmount, write_at
from tests.needs import need

SYSTEMS: tuple[FileSystem, ...] = ("ext4", "xfs", "btrfs")
TOOLS: dict[FileSystem, str] = {"ext4": "e2fsck", "xfs": "xfs_repair", "btrfs": "btrfs"}


@contextlib.contextmanager
def mounted(image: str, *options: str) -> Iterator[str]:
    """The image, mounted beside itself as an administrator does it."""
    at = f"{image}.at"
    os.makedirs(at, exist_ok=True)
    run("mount", "-o", ",".join(("loop", *options)), image, at)
    try:
        yield at
    finally:
        unmount(at)


def write(at: str, name: str, size: int) -> None:
    """A synced file."""
    with open(f"{at}/{name}", "wb") as file:
        file.write(os.urandom(size))
        file.flush()
        os.fsync(file.fileno())


def sound(children: Children, image: str, fs: FileSystem) -> str:
    """A file system with some files, unmounted."""
    need(TOOLS[fs])
    formatted(children, image, fs)
    with mounted(image) as at:
        for number in range(20):
            write(at, f"file{number}", 5000)
    return image


def unreplayed(children: Children, image: str, fs: FileSystem) -> str:
    """The same as a power loss leaves it: its journal is synced, and not replayed."""
    sound(children, f"{image}.whole", fs)
    with mounted(f"{image}.whole") as at:
        write(at, "late", 5000)
        synced(Path(at))
        with open(f"{at}/late", "r+b") as file:  # btrfs keeps a log only of what is synced between two commits
            file.write(b"later")
            file.flush()
            os.fsync(file.fileno())
        run("cp", f"{image}.whole", image)
    return image


def damaged(children: Children, image: str, fs: FileSystem) -> str:
    """The superblock is whole, and what it leads to is not."""
    sound(children, image, fs)
    if fs == "ext4":
        found = re.search(r"Inode table at (\d+)", run("dumpe2fs", image).stdout)
        assert found is not None
        write_at(image, int(found[1]) * _block_size(image), bytes(8192))
    elif fs == "xfs":
        write_at(image, 4096, bytes(32768))  # the roots of the free space's and the inodes' trees
    else:
        with open(image, "rb") as file:
            content = file.read()
        fsid, node = content[0x10020:0x10030], 16384
        for at in range(1 << 20, len(content), node):  # every node of every tree carries the file system's uuid
            if content[at + 32 : at + 48] == fsid and content[at + 88 : at + 96] == (5).to_bytes(8, "little"):
                write_at(image, at + 200, bytes(64))
    return image


def _block_size(image: str) -> int:
    found = re.search(r"Block size: +(\d+)", run("dumpe2fs", "-h", image).stdout)
    assert found is not None
    return int(found[1])


def check(children: Children, image: str, fs: FileSystem, uuid: str = UUID) -> CheckResult:
    """What a check finds; every child was journalled and is dead."""
    keeper = Keeper()
    with opened(image, os.O_RDONLY) as fd:
        try:
            return checks.check(children, keeper, fd, fs, uuid)
        finally:
            assert keeper.started == keeper.ended
            assert keeper.started
