"""Growing mounted file systems by the ioctls that their own tools use, also while they are in use; never shrinking.

Sources: ext4 EXT4_IOC_RESIZE_FS (kernel's fs/ext4/ext4.h, since Linux 3.3), xfs XFS_IOC_FSGROWFSDATA and
XFS_IOC_FSGEOMETRY_V1 (fs/xfs/libxfs/xfs_fs.h), btrfs BTRFS_IOC_RESIZE (linux/btrfs.h).
"""

import fcntl
import os
import struct

_EXT4_RESIZE = 0x40086610  # _IOW('f', 16, __u64)
_XFS_GROW = 0x4010586E  # _IOW('X', 110, struct xfs_growfs_data)
_XFS_GEOMETRY = 0x80705864  # _IOR('X', 100, struct xfs_fsop_geom_v1)
_BTRFS_RESIZE = 0x50009403  # _IOW(0x94, 3, struct btrfs_ioctl_vol_args)


# What a btrfs can be resized to at the least (kernel's fs/btrfs/ioctl.c); bytes.
SMALLEST_BTRFS = 256 << 20


def ext4(fd: int, size: int) -> None:
    """Blocks in all."""
    fcntl.ioctl(fd, _EXT4_RESIZE, struct.pack("=Q", size // os.fstatvfs(fd).f_frsize))


def xfs(fd: int, size: int) -> None:
    """Blocks of data, and the share of inodes as it is."""
    geometry = bytearray(112)
    fcntl.ioctl(fd, _XFS_GEOMETRY, geometry)
    block, share = struct.unpack_from("=I", geometry, 0)[0], struct.unpack_from("=I", geometry, 28)[0]
    fcntl.ioctl(fd, _XFS_GROW, struct.pack("=QII", size // block, share, 0))


def btrfs(fd: int, _size: int) -> None:
    """As large as its device, which has SMALLEST_BTRFS or more."""
    # Mutable, for fcntl takes no longer text than 1,024 bytes.
    fcntl.ioctl(fd, _BTRFS_RESIZE, bytearray(struct.pack("=q4088s", 0, b"max")))


GROW = {"ext4": ext4, "xfs": xfs, "btrfs": btrfs}
