"""Resources: what the records hold and the faces show.

Each has `spec` (wanted), `status` (last proven), `generation` (of the spec) and `conditions`. Sizes are
bytes, times are seconds since the epoch.
"""

from typing import Literal

import msgspec

from holdfast.model.conditions import ABANDONED, Condition, holds

Content = Literal["directory", "filesystem", "block"]
FileSystem = Literal["ext4", "xfs", "btrfs"]
Formatted = Literal["never", "formatting", "formatted"]
# How a snapshot was taken: of what nobody used; of a file system that was frozen for the moment; of a device whose
# writes were flushed; file by file, of what may have changed meanwhile.
Taken = Literal["idle", "frozen", "synced", "live"]
ResourceState = Literal["making", "ready", "abandoned"]
# What an attachment is for: a mount that people asked for; or what an orchestrator stages on a node and publishes to a
# workload, which it asks for anew after a reboot.
Use = Literal["mount", "stage", "publish"]
MountFlag = Literal["noatime", "nodev", "nodiratime", "noexec", "nosuid", "nosymfollow", "relatime"]


class MemberSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A machine that runs a daemon."""

    hostname: str


class PoolSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where volumes live: `place` is what no other pool may share. `limit` bounds the sum of the volumes' sizes."""

    driver: str
    config: dict[str, str]
    place: str = ""
    limit: int | None = None
    labels: dict[str, str] = {}


class PoolStatus(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`identity` is the back end's own identity of the place, as seen at creation; it proves absence later.

    `connects` says that a volume must be connected to a member before its device is there.
    """

    ready: bool = False
    identity: dict[str, str] = {}
    connects: bool = False


class Grant(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """To which member an orchestrator gave a volume, and how."""

    member: str
    read_only: bool = False


class VolumeSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a volume shall be. `fs` goes with content filesystem.

    `cloned_of` is what it was made of: "volume/UID" or "snapshot/UID", which may be gone since. `granted` is noted for
    an orchestrator, and means nothing else.
    """

    size: int
    content: Content
    fs: FileSystem | None = None
    labels: dict[str, str] = {}
    cloned_of: str = ""
    granted: Grant | None = None


class VolumeStatus(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`formatted` moves never → formatting → formatted and never back; `fs_uuid` is chosen beforehand.

    `identity` is the back end's own of the object (of an array: id and serial), as seen when it was made. `size_before`
    is the size while a larger one is on its way.
    """

    ready: bool = False
    formatted: Formatted = "never"
    fs_uuid: str | None = None
    identity: dict[str, str] = {}
    size_before: int | None = None


class SnapshotSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What its volume was: `size`, `content` and `fs` never change. A protected one is not deleted.

    One that `expires` is deleted by the daemon, some time after that. `group` is the id of those that were taken of
    several volumes at one moment.
    """

    size: int
    content: Content
    fs: FileSystem | None = None
    labels: dict[str, str] = {}
    protected: bool = False
    expires: float | None = None
    group: str = ""


class SnapshotStatus(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """As of a volume; `taken` is known once it is ready."""

    ready: bool = False
    fs_uuid: str | None = None
    identity: dict[str, str] = {}
    taken: Taken | None = None


class AttachmentSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A volume wanted at a path of a member. Mounts come back after a reboot until they are unmounted.

    What is published at a path was put there with its mount point, and goes with it. One that is `alone` is the only
    one that its volume is published at.
    """

    volume: str
    member: str
    path: str
    read_only: bool = False
    use: Use = "mount"
    flags: tuple[MountFlag, ...] = ()
    alone: bool = False


class AttachmentStatus(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Whether the mount was proven after the last act."""

    ready: bool = False


class _Resource(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    uid: str
    name: str
    parent: str = ""
    created: float
    generation: int = 1
    conditions: tuple[Condition, ...] = ()
    operation: str = ""


class Member(_Resource, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="member"):
    """This machine, or another of the cluster."""

    spec: MemberSpec
    status: None = None


class Pool(_Resource, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="pool"):
    """A place for volumes, with a driver."""

    spec: PoolSpec
    status: PoolStatus


class Volume(_Resource, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="volume"):
    """A volume; its parent is its pool."""

    spec: VolumeSpec
    status: VolumeStatus


class Attachment(_Resource, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="attachment"):
    """A volume at a path of a member; its parent is the volume, its name the path."""

    spec: AttachmentSpec
    status: AttachmentStatus


class Snapshot(_Resource, frozen=True, forbid_unknown_fields=True, kw_only=True, tag="snapshot"):
    """What a volume held at a moment; its parent is the volume."""

    spec: SnapshotSpec
    status: SnapshotStatus


Resource = Member | Pool | Volume | Snapshot | Attachment


def state_of(resource: Resource) -> ResourceState:
    """In one word: being made, ready, or as an abandoned operation left it."""
    if holds(resource.conditions, ABANDONED):
        return "abandoned"
    return "ready" if isinstance(resource, Member) or resource.status.ready else "making"


def labels_of(resource: Resource) -> dict[str, str]:
    """What people noted on it; members and attachments have no labels."""
    return resource.spec.labels if isinstance(resource, Pool | Volume | Snapshot) else {}


class Finding(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the audit saw where records and world disagree."""

    kind: Literal["orphan", "ghost", "stale-mount", "leaked-device", "leaked-connection", "drift", "unknown"]
    subject: str
    evidence: str
    repaired: bool = False
    remedy: str = ""
