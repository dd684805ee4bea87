"""Disks as they come: everything that must never be formatted, made by the field's tools or by hand."""

import os
from collections.abc import Callable

from holdfast.host.children import Children
from holdfast.model.resources import FileSystem
from tests.host.parts import MIB, formatted, run, sparse, write_at

Maker = Callable[[Children, str], None]


def _zeroed(fs: FileSystem, size: int, length: int) -> Maker:
    """The head is zeros, as after a stray wipe; the data and the backups of the superblock are all there."""

    def make(children: Children, path: str) -> None:
        formatted(children, path, fs, size)
        write_at(path, 0, bytes(length))

    return make


def _whole(fs: FileSystem) -> Maker:
    def make(children: Children, path: str) -> None:
        formatted(children, path, fs)

    return make


def _bytes(size: int, *parts: tuple[int, bytes]) -> Maker:
    def make(children: Children, path: str) -> None:
        sparse(path, size)
        for offset, data in parts:
            write_at(path, offset % size, data)

    return make


def _tool(*command: str) -> Maker:
    def make(children: Children, path: str) -> None:
        sparse(path, 16 * MIB)
        run(*command, path)

    return make


GPT = b"EFI PART\x00\x00\x01\x00\x5c\x00\x00\x00"
# name → (how it is made, what the probe calls it)
DISKS: dict[str, tuple[Maker, str]] = {
    "ext4": (_whole("ext4"), "ext4"),
    "xfs": (_whole("xfs"), "xfs"),
    "btrfs": (_whole("btrfs"), "btrfs"),
    "ext2": (_tool("mkfs.ext2", "-q", "-F"), "ext2/ext3"),
    "swap": (_tool("mkswap", "-q"), "unknown data"),
    "luks": (_bytes(16 * MIB, (0, b"LUKS\xba\xbe\x00\x02")), "LUKS"),
    "luks-second-header": (_bytes(16 * MIB, (0x4000, b"SKUL\xba\xbe\x00\x02")), "unknown data"),
    "gpt": (_bytes(16 * MIB, (510, b"\x55\xaa"), (512, GPT), (-512, GPT)), "GPT partition table"),
    "gpt-4k": (_bytes(16 * MIB, (4096, GPT), (-4096, GPT)), "GPT partition table"),
    "gpt-copy-only": (_bytes(16 * MIB, (-512, GPT)), "GPT partition table (copy)"),
    "mbr": (_bytes(16 * MIB, (446, b"\x80\x01\x01\x00\x83"), (510, b"\x55\xaa")), "MBR partition table"),
    "md-raid-at-the-end": (_bytes(16 * MIB, (-65536, b"\xfc\x4e\x2b\xa9")), "unknown data"),
    "lvm": (_bytes(16 * MIB, (512, b"LABELONE")), "unknown data"),
    "zfs-label": (_bytes(16 * MIB, (128 << 10, b"\x0c\xb1\xba\x00")), "unknown data"),
    "last-byte": (_bytes(16 * MIB, (-1, b"\x01")), "unknown data"),
    "ext4-zeroed-64k": (_zeroed("ext4", 8 * MIB, 64 << 10), "unknown data"),
    "ext4-zeroed-1m": (_zeroed("ext4", 64 * MIB, 1 << 20), "unknown data"),
    "ext4-4k-zeroed-1m": (_zeroed("ext4", 600 * MIB, 1 << 20), "unknown data"),
    "xfs-zeroed-64k": (_zeroed("xfs", 300 * MIB, 64 << 10), "unknown data"),
    "xfs-zeroed-1m": (_zeroed("xfs", 300 * MIB, 1 << 20), "unknown data"),
    "btrfs-zeroed-1m": (_zeroed("btrfs", 120 * MIB, 1 << 20), "unknown data"),
}


def make_disk(children: Children, path: str, name: str) -> str:
    """The disk of that name; what the probe shall call it."""
    maker, kind = DISKS[name]
    maker(children, path)
    assert os.path.getsize(path)
    return kind
