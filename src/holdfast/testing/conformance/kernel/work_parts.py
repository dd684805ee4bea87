"""What the tests of children share: pieces of work, asked for as the daemon does."""

import os
from typing import Any

from holdfast.model.resources import FileSystem
from holdfast.testing.conformance.harness import Keeper
from holdfast.testing.conformance.kernel.checks import (
    opened,
    seen,
    sparse,
)
from holdfast.testing.conformance.kernel.harness import SIZES, WorkHarness


def work(machine: WorkHarness, name: str, args: dict[str, Any], *fds: int) -> Any:
    """What a child answers; it was journalled, and is dead."""
    keeper = Keeper()
    try:
        return machine.children.run(keeper, name, args, fds)
    finally:
        assert keeper.alive == []


def image(machine: WorkHarness, fs: FileSystem = "ext4", name: str = "disk") -> tuple[str, str]:
    """A new file system in a file, and its uuid."""
    uuid = machine.new_id()
    path = sparse(machine.kernel, f"{machine.scratch}/{name}", SIZES[fs])
    with opened(machine.kernel, path, os.O_RDWR) as fd:
        work(machine, f"mkfs-{fs}", {"fs": fs, "uuid": uuid}, fd)
    return path, uuid


def mount_image(
    machine: WorkHarness, path: str, where: str, uuid: str, fs: FileSystem = "ext4", *, read_only: bool = False
) -> None:
    """By a child."""
    kernel = machine.kernel
    with opened(kernel, path, os.O_RDWR) as fd, opened(kernel, where, os.O_PATH) as place:
        work(machine, "mount-image", {"fs": fs, "uuid": uuid, "read_only": read_only}, fd, place)


def umount(machine: WorkHarness, path: str) -> None:
    """By a child."""
    work(machine, "umount", {"path": path, "mount": seen(machine.kernel, path).id})
