"""The programs that the simulated machine has: mkfs and fsck of each file system.

Each opens the image anew by the descriptor that it is given, as the real ones do, and ends with a status, whatever
its calls met.
"""

import os
import stat
from collections.abc import Callable
from typing import Any

from holdfast.host.formats import SMALLEST
from holdfast.testing.simulation import filesystems
from holdfast.testing.simulation.kernel import SimulatedKernel

Tool = Callable[..., tuple[str, int]]
# Places beside the superblock that a mkfs writes: a copy, as a half-made format leaves one.
_COPY = 512 << 10
# e2fsck(8): errors left uncorrected, and an operational error; the other tools have one status for all.
_DAMAGED = {"ext4": 4, "xfs": 1, "btrfs": 1}
_GAVE_UP = {"ext4": 8, "xfs": 1, "btrfs": 1}


def mkfs(kernel: SimulatedKernel, args: dict[str, Any], fd: int) -> tuple[str, int]:
    """Copies first, the superblock last, as the real ones do; what it said, and its status."""
    fs, uuid = args["fs"], args["uuid"]
    offset, block = filesystems.superblock(fs, uuid)
    try:
        image = kernel.reopen(fd, os.O_RDWR)
        if kernel.lseek(image, 0, os.SEEK_END) < SMALLEST[fs]:
            return "the simulated image is too small", 1
        kernel.pwrite(image, block, _COPY + offset)
        node = kernel.node(image)
        node.inner = kernel.machine.format(fs, uuid)
        if fs == "ext4":
            node.inner.root.put("lost+found", node.inner.make("dir", 0o700))
        kernel.pwrite(image, block, offset)
        kernel.fsync(image)
    except OSError as error:
        return str(error), 1
    return "", 0


def fsck(kernel: SimulatedKernel, args: dict[str, Any], fd: int) -> tuple[str, int]:
    """Clean, damaged, or neither: what it said, and its status."""
    fs = args["fs"]
    try:
        image = kernel.node(kernel.reopen(fd, os.O_RDONLY))
        whole = image.inner is not None and filesystems.holds(image, fs) == image.inner.uuid
    except OSError as error:
        return str(error), _GAVE_UP[fs]
    if image.inner is None or not whole:
        return "there is no such simulated file system", _GAVE_UP[fs]
    if image.inner.damaged:
        return "the simulated file system is damaged", _DAMAGED[fs]
    return "clean", 0


def identify(kernel: SimulatedKernel, args: dict[str, Any], fd: int) -> tuple[str, int]:
    """Another uuid in the superblock, and in what is beside it."""
    fs, uuid = args["fs"], args["uuid"]
    try:
        image = kernel.reopen(fd, os.O_RDWR)
        node = kernel.node(image)
        if node.inner is None or filesystems.holds(node, fs) not in (node.inner.uuid, uuid):
            return "there is no such simulated file system", 1
        offset, block = filesystems.superblock(fs, uuid)
        kernel.pwrite(image, block, offset)
        node.inner.uuid = uuid
        kernel.fsync(image)
    except OSError as error:
        return str(error), 1
    return "", 0


def _remove(kernel: SimulatedKernel, target: int, name: str) -> None:
    if not stat.S_ISDIR(kernel.stat(name, dir_fd=target, follow_symlinks=False).st_mode):
        kernel.unlink(name, dir_fd=target)
        return
    inner = kernel.open(name, os.O_RDONLY | os.O_DIRECTORY, dir_fd=target)
    for each in kernel.listdir(inner):
        _remove(kernel, inner, each)
    kernel.rmdir(name, dir_fd=target)


def copy_tree(kernel: SimulatedKernel, _args: dict[str, Any], source: int, target: int) -> tuple[str, int]:
    """All that is in one directory into another, without what is mounted in it; what is there goes first."""
    try:
        for name in kernel.listdir(target):
            _remove(kernel, target, name)
        source = kernel.open(".", os.O_RDONLY | os.O_DIRECTORY, dir_fd=source)
        for name in sorted(kernel.listdir(source)):
            mode = kernel.stat(name, dir_fd=source, follow_symlinks=False).st_mode
            if stat.S_ISDIR(mode):
                kernel.mkdir(name, stat.S_IMODE(mode), dir_fd=target)
                inner = [kernel.open(name, os.O_RDONLY | os.O_DIRECTORY, dir_fd=fd) for fd in (source, target)]
                said, status = copy_tree(kernel, _args, *inner)
                if status:
                    return said, status
            elif stat.S_ISREG(mode):
                old = kernel.open(name, os.O_RDONLY, dir_fd=source)
                new = kernel.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, stat.S_IMODE(mode), dir_fd=target)
                data = kernel.read(old, kernel.fstat(old).st_size)
                if kernel.write(new, data) != len(data):
                    return f"{name}: no space left", 1
    except OSError as error:
        return str(error), 1
    return "", 0


TOOLS: dict[str, Tool] = {
    **{f"mkfs-{fs}": mkfs for fs in filesystems.KINDS},
    **{f"fsck-{fs}": fsck for fs in filesystems.KINDS},
    **{f"identify-{fs}": identify for fs in filesystems.KINDS},
    "copy-tree": copy_tree,
}
