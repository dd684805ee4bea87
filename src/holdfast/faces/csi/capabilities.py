"""From what CSI asks of a volume to what a volume is: content, file system, size."""

from collections.abc import Mapping, Sequence
from typing import Any, cast, get_args

import msgspec

from holdfast.faces.csi.errors import OutOfRange
from holdfast.faces.csi.protocol import csi_pb2 as csi
from holdfast.host.formats import SMALLEST
from holdfast.model.errors import Invalid
from holdfast.model.resources import Content, FileSystem, MountFlag, Volume
from holdfast.model.sizes import LARGEST, SECTOR

_Mode = csi.VolumeCapability.AccessMode
ONE_NODE = frozenset(
    {
        _Mode.SINGLE_NODE_WRITER, _Mode.SINGLE_NODE_READER_ONLY, _Mode.SINGLE_NODE_SINGLE_WRITER,
        _Mode.SINGLE_NODE_MULTI_WRITER,
    }
)  # fmt: skip
DEFAULT_SIZE = 1 << 30
# Of a storage class; those with this prefix are the provisioner's own.
PARAMETERS, THEIRS = frozenset({"pool", "content", "fs"}), "csi.storage.k8s.io/"
_FILE_SYSTEMS = ("ext4", "xfs", "btrfs")
_FLAGS, _MODES = frozenset(get_args(MountFlag)), ("ro", "rw")


class Wanted(msgspec.Struct, frozen=True):
    """What was asked for; `pool` is empty if nobody said. Sizes in bytes; `most` of 0 is no limit.

    `said` is whether content or file system were asked for by name; `copied` is the size of what it is made of.
    """

    pool: str
    content: Content
    fs: FileSystem | None
    least: int
    most: int
    said: bool = False
    copied: int = 0

    def of(self, content: Content, fs: FileSystem | None, size: int) -> "Wanted":
        """The same, made of something."""
        return msgspec.structs.replace(self, content=content, fs=fs, copied=size)

    @property
    def size(self) -> int:
        """Of a new volume. Raises OutOfRange."""
        size = max(self.copied, self.least) or min(DEFAULT_SIZE, self.most or DEFAULT_SIZE)
        size = max(size, SMALLEST[self.fs]) if self.fs else size
        size = -(-size // SECTOR) * SECTOR
        if size > (self.most or LARGEST):
            raise OutOfRange(
                f"A volume of {self.fs or self.content} has {size} bytes at least; {self.most} are allowed."
            )
        return size

    def suits(self, size: int) -> bool:
        """Whether a volume of that size will do."""
        return size >= self.least and (not self.most or size <= self.most)


def refusal(asked: Any) -> str:
    """Why no volume is used in that way, or an empty text."""
    if not asked.HasField("access_mode") or asked.access_mode.mode == _Mode.UNKNOWN:
        return "A capability has no access mode."
    if asked.access_mode.mode not in ONE_NODE:
        return f"{_Mode.Mode.Name(asked.access_mode.mode)} is not offered: volumes are used on one node at a time."
    if asked.HasField("block"):
        return ""
    if not asked.HasField("mount"):
        return "A capability is neither of a mount nor of a block device."
    if asked.mount.fs_type not in ("", *_FILE_SYSTEMS):
        return f"The file system {ascii(asked.mount.fs_type)} is not offered; {', '.join(_FILE_SYSTEMS)} are."
    unknown = [flag for flag in asked.mount.mount_flags if flag not in (*_FLAGS, *_MODES)]
    if unknown:
        return f"The mount flag {ascii(unknown[0])} is not offered; {', '.join((*_MODES, *sorted(_FLAGS)))} are."
    return "A volume's group is not changed here." if asked.mount.volume_mount_group else ""


class Mounting(msgspec.Struct, frozen=True):
    """How a volume is to be mounted; `alone` is at one path only."""

    read_only: bool
    flags: tuple[MountFlag, ...]
    alone: bool


def mounting(asked: Any) -> Mounting:
    """What a capability says of it. Raises Invalid."""
    if said := refusal(asked):
        raise Invalid(said)
    mode, flags = asked.access_mode.mode, set(asked.mount.mount_flags)
    if {"noatime", "relatime"} <= flags or {"ro", "rw"} <= flags:
        raise Invalid("Of noatime and relatime, and of ro and rw, there can be one.")
    chosen = cast("tuple[MountFlag, ...]", tuple(sorted(flags & _FLAGS)))
    return Mounting(
        mode == _Mode.SINGLE_NODE_READER_ONLY or "ro" in flags, chosen, mode == _Mode.SINGLE_NODE_SINGLE_WRITER
    )


def against(volume: Volume, asked: Any) -> str:
    """Why this volume cannot be used as a capability says, or an empty text."""
    if asked.HasField("block") != (volume.spec.content == "block"):
        return f"The volume's content is {volume.spec.content}."
    fs = asked.mount.fs_type
    return f"The volume's file system is {volume.spec.fs}." if fs and volume.spec.fs not in (None, fs) else ""


def wanted(capabilities: Sequence[Any], parameters: Mapping[str, str], room: Any, *, offered: frozenset[str]) -> Wanted:
    """What a new volume shall be. `room` is a CapacityRange; `offered` are the contents of its pool's driver.

    Raises Invalid or OutOfRange.
    """
    unknown = sorted(key for key in parameters if key not in PARAMETERS and not key.startswith(THEIRS))
    if unknown:
        raise Invalid(f"The parameter {ascii(unknown[0])} is not known.", f"There are {', '.join(sorted(PARAMETERS))}.")
    for each in capabilities:
        if said := refusal(each):
            raise Invalid(said)
    blocks = {each.HasField("block") for each in capabilities}
    if len(blocks) > 1:
        raise Invalid("A volume is mounted, or it is a block device; not both.")
    said_fs = {each.mount.fs_type for each in capabilities if each.HasField("mount") and each.mount.fs_type}
    said_fs |= {parameters["fs"]} if parameters.get("fs") else set()
    if len(said_fs) > 1:
        raise Invalid(f"Two file systems are asked for: {', '.join(sorted(said_fs))}.")
    fs = next(iter(said_fs), "")
    if fs not in ("", *_FILE_SYSTEMS):
        raise Invalid(f"The file system {ascii(fs)} is not offered.")
    content = _content(parameters.get("content", ""), fs, block=True in blocks, offered=offered)
    least, most = room.required_bytes, room.limit_bytes
    if least < 0 or most < 0 or (most and most < least) or least > LARGEST:
        raise OutOfRange(f"No volume has between {least} and {most} bytes.")
    chosen = (fs or "ext4") if content == "filesystem" else None
    named = bool(fs or parameters.get("content"))
    return Wanted(parameters.get("pool", ""), content, cast("FileSystem | None", chosen), least, most, named)


def _content(said: str, fs: str, *, block: bool, offered: frozenset[str]) -> Content:
    """A block device if one is asked for; a file system if one is named; else a directory where there are such."""
    if said not in ("", "directory", "filesystem", "block"):
        raise Invalid(f"The content {ascii(said)} is not known.")
    if block:
        if said not in ("", "block") or fs:
            raise Invalid("A block device is asked for, and a file system too.")
        return "block"
    if said == "block" or (said == "directory" and fs):
        raise Invalid(f"A mount of {fs or 'a volume'} is asked for, and the content {said}.")
    if said:
        return cast("Content", said)
    return "filesystem" if fs or "directory" not in offered else "directory"
