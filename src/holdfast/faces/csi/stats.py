"""How full a volume is, where it is staged or published."""

import os
from typing import Any

from holdfast.control.daemon import Daemon
from holdfast.faces import views
from holdfast.faces.csi.protocol import csi_pb2 as csi
from holdfast.model.errors import Again
from holdfast.model.resources import Pool, Volume

_Unit = csi.VolumeUsage.Unit


def usage(daemon: Daemon, pool: Pool, volume: Volume, path: str) -> list[Any]:
    """Bytes, and of a file system inodes; of a directory, what is in it against what it was given."""
    if volume.spec.content == "block":
        return [csi.VolumeUsage(unit=_Unit.BYTES, total=volume.spec.size)]
    seen = _statvfs(daemon, path)
    inodes = csi.VolumeUsage(
        unit=_Unit.INODES, total=seen.f_files, available=seen.f_favail, used=max(0, seen.f_files - seen.f_ffree)
    )
    block = seen.f_frsize
    if volume.spec.content == "filesystem":
        total, free = seen.f_blocks * block, seen.f_bavail * block
        used = (seen.f_blocks - seen.f_bfree) * block
        return [csi.VolumeUsage(unit=_Unit.BYTES, total=total, available=free, used=used), inodes]
    took = views.usage(daemon, pool.name, volume.name)
    if not took.complete:  # more than can be looked at in time: nothing is told rather than too little
        return [csi.VolumeUsage(unit=_Unit.BYTES, total=volume.spec.size), inodes]
    free = max(0, min(volume.spec.size - took.real, seen.f_bavail * block))
    return [csi.VolumeUsage(unit=_Unit.BYTES, total=volume.spec.size, available=free, used=took.real), inodes]


def _statvfs(daemon: Daemon, path: str) -> os.statvfs_result:
    kernel = daemon.desk.host.kernel
    try:
        fd = kernel.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            return kernel.fstatvfs(fd)
        finally:
            kernel.close(fd)
    except OSError as error:
        raise Again(f"{path} cannot be looked at: {error.strerror}") from error
