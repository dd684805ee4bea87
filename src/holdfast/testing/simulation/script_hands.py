"""What tenants and administrators do to either machine, by the same calls: write into what is mounted, empty a disk."""

import contextlib
import errno
import os
import stat

from holdfast.host.kernel import Kernel
from holdfast.operations.attachment.mount import VolumeMount
from holdfast.operations.base import Asked
from holdfast.operations.pool.forget import PoolForget

WRITTEN = b"precious"
# Where a tenant of a block volume writes; beyond what any superblock takes.
PLACE = 300 << 10


def after(request: Asked, kernel: Kernel, root: str) -> None:
    """What people do once a request is done: they use what was mounted, and empty the disk of a forgotten pool."""
    match request:
        case VolumeMount(read_only=False):
            settle_in(kernel, root + request.path)
        case PoolForget():
            empty(kernel, f"{root}/srv/{request.name}")
        case _:
            pass


def settle_in(kernel: Kernel, path: str) -> None:
    """The tenant of what is mounted there writes and syncs something, once."""
    if stat.S_ISBLK(kernel.stat(path).st_mode):
        _write(kernel, path, os.O_RDWR, PLACE)
        return
    with contextlib.suppress(FileExistsError):
        kernel.mkdir(f"{path}/kept", 0o755)
    for name in (f"{path}/top", f"{path}/kept/deep"):
        _write(kernel, name, os.O_RDWR | os.O_CREAT, 0)


def _write(kernel: Kernel, path: str, flags: int, offset: int) -> None:
    fd = kernel.open(path, flags | os.O_CLOEXEC, 0o644)
    try:
        kernel.lseek(fd, offset, os.SEEK_SET)
        if kernel.write(fd, WRITTEN) != len(WRITTEN):
            raise OSError(errno.EIO, "short write", path)
        kernel.fsync(fd)
    finally:
        kernel.close(fd)


def empty(kernel: Kernel, path: str) -> None:
    """The administrator removes all that is in a directory."""
    for name in kernel.listdir(path):
        below = f"{path}/{name}"
        if stat.S_ISDIR(kernel.stat(below, follow_symlinks=False).st_mode):
            empty(kernel, below)
            kernel.rmdir(below)
        else:
            kernel.unlink(below)
