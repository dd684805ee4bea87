"""Subvolumes of a btrfs, by ioctl (linux/btrfs.h)."""

import fcntl
import os
import struct

# _IOW(0x94, 14 and 15, struct btrfs_ioctl_vol_args), _IOW(0x94, 23, struct btrfs_ioctl_vol_args_v2).
SUBVOL_CREATE, SNAP_DESTROY, SNAP_CREATE_V2 = 0x5000940E, 0x5000940F, 0x50009417
# _IOR(0x94, 43, struct btrfs_ioctl_qgroup_limit_args), _IOWR(0x94, 61, struct btrfs_ioctl_get_subvol_rootref_args).
QGROUP_LIMIT, GET_SUBVOL_ROOTREF = 0x8030942B, 0xD000943D
_MAX_RFER = 1
_NO_LIMIT = 2**64 - 1
_ARGS = struct.Struct("=q4088s")
_ARGS_V2 = struct.Struct("=qQQ32x4040s")
_LIMIT = struct.Struct("=QQQQQQ")  # of which qgroup (0: the open subvolume's), what is set, bytes referenced, …
_ROOTREFS = 4096
_COUNT_AT = 8 + 255 * 16


def _args(name: str) -> bytearray:
    return bytearray(_ARGS.pack(0, os.fsencode(name)))


def create(dir_fd: int, name: str) -> None:
    """See `Kernel.make_subvolume`."""
    fcntl.ioctl(dir_fd, SUBVOL_CREATE, _args(name))


def snapshot(source: int, dir_fd: int, name: str) -> None:
    """See `Kernel.snapshot_subvolume`."""
    fcntl.ioctl(dir_fd, SNAP_CREATE_V2, bytearray(_ARGS_V2.pack(source, 0, 0, os.fsencode(name))))


def destroy(dir_fd: int, name: str) -> None:
    """See `Kernel.remove_subvolume`."""
    fcntl.ioctl(dir_fd, SNAP_DESTROY, _args(name))


def has_inner(fd: int) -> bool:
    """See `Kernel.has_subvolumes`."""
    found = bytearray(_ROOTREFS)
    fcntl.ioctl(fd, GET_SUBVOL_ROOTREF, found)
    return found[_COUNT_AT] > 0


def limit(fd: int, size: int) -> None:
    """See `Kernel.limit_subvolume`."""
    fcntl.ioctl(fd, QGROUP_LIMIT, _LIMIT.pack(0, _MAX_RFER, size or _NO_LIMIT, 0, 0, 0))
