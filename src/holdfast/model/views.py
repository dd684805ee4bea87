"""Resources as REST shows them: flat, units said, times in seconds since the epoch, sizes in bytes.

Fields may be added in any version; a reader passes over those that it does not know.
"""

from typing import Literal

import msgspec

from holdfast.model.conditions import Condition
from holdfast.model.operations import OperationView
from holdfast.model.resources import Content, FileSystem, Finding, MountFlag, ResourceState, Taken, Use

Role = Literal["viewer", "operator", "admin"]


class PoolView(msgspec.Struct, frozen=True, kw_only=True):
    """A pool. `total` and `free` are what the place says now, None where it cannot be asked."""

    uid: str
    name: str
    driver: str
    config: dict[str, str]
    limit: int | None
    provisioned: int
    total: int | None
    free: int | None
    state: ResourceState
    ready: bool
    reason: str
    labels: dict[str, str]
    generation: int
    created_at: float
    conditions: tuple[Condition, ...]


class MountView(msgspec.Struct, frozen=True, kw_only=True):
    """A volume, or a `snapshot` of it, at a path of this member. `mounted` is what the kernel shows now.

    `use` tells what an orchestrator staged or published from a mount that people asked for.
    """

    id: str
    pool: str
    volume: str
    snapshot: str = ""
    path: str
    read_only: bool
    use: Use = "mount"
    flags: tuple[MountFlag, ...] = ()
    mounted: bool
    reason: str


class VolumeView(msgspec.Struct, frozen=True, kw_only=True):
    """A volume. `advisory` says that nothing enforces its size."""

    uid: str
    pool: str
    name: str
    size: int
    advisory: bool
    content: Content
    fs: FileSystem | None
    state: ResourceState
    ready: bool
    labels: dict[str, str]
    generation: int
    created_at: float
    conditions: tuple[Condition, ...]
    mounts: tuple[str, ...]


class SnapshotView(msgspec.Struct, frozen=True, kw_only=True):
    """A snapshot. `taken` says how: idle, frozen, synced, or live (file by file, of what may have changed).

    Some time after `expires_at` the daemon deletes it; null for never.
    """

    uid: str
    pool: str
    volume: str
    name: str
    size: int
    content: Content
    fs: FileSystem | None
    state: ResourceState
    ready: bool
    taken: Taken | None
    protected: bool
    expires_at: float | None
    labels: dict[str, str]
    generation: int
    created_at: float
    conditions: tuple[Condition, ...]
    mounts: tuple[str, ...]


ConnectionState = Literal["wanted", "unwanted", "dead", "foreign"]


class ConnectionView(msgspec.Struct, frozen=True, kw_only=True):
    """A volume's connection, as its back end lists it. `host` is the back end's name of the host; `member` ours of it.

    `state` is wanted, unwanted, dead (of a member that is gone) or foreign. `since` is when it was mounted there, or
    else when this daemon first saw it.
    """

    host: str
    ours: bool
    member: str
    state: ConnectionState
    since: float
    device: str


class UsageView(msgspec.Struct, frozen=True, kw_only=True):
    """What a volume takes: `real` bytes allocated, `apparent` bytes by length; more, if not `complete`.

    `own` are those real bytes of a snapshot that nothing else shares; null where that is not known.
    """

    real: int
    apparent: int
    files: int
    complete: bool
    own: int | None


class FindingsView(msgspec.Struct, frozen=True, kw_only=True):
    """How many findings of each kind the daemon's last own audit had, when that was and how many seconds it took."""

    at: float | None = None
    seconds: float = 0.0
    kinds: dict[str, int] = {}


class StatusView(msgspec.Struct, frozen=True, kw_only=True):
    """The daemon itself."""

    version: str
    member: str
    uid: str
    suspended: str
    unfinished: int
    parked: int
    started_at: float
    volumes: int
    findings: FindingsView


class PoolPreview(msgspec.Struct, frozen=True):
    """What is whole in a pool and not recorded, and what is recorded and not there; or why that is not known."""

    pool: str
    unrecorded: list[str]
    missing: list[str]
    reason: str = ""


class ResumeView(msgspec.Struct, frozen=True, kw_only=True):
    """Why the daemon is suspended, what would go on, and how pools and database differ."""

    suspended: str
    operations: list[OperationView]
    pools: list[PoolPreview]


class TokenView(msgspec.Struct, frozen=True, kw_only=True):
    """A token, without its secret. `expires_at` is None for one that does not expire."""

    id: str
    name: str
    role: Role
    created_at: float
    expires_at: float | None


class NewTokenView(msgspec.Struct, frozen=True, kw_only=True):
    """A token just made. `secret` is shown this once and stored nowhere."""

    token: TokenView
    secret: str


class HealthView(msgspec.Struct, frozen=True, kw_only=True):
    """That the daemon is alive, and whether it is ready to take changes, else why not."""

    status: Literal["ok"] = "ok"
    ready: bool
    reason: str = ""


class PoolPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of pools."""

    items: list[PoolView]
    next: str | None = None


class SnapshotPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of snapshots."""

    items: list[SnapshotView]
    next: str | None = None


class VolumePage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of volumes."""

    items: list[VolumeView]
    next: str | None = None


class MountPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of mounts."""

    items: list[MountView]
    next: str | None = None


class DeletedView(msgspec.Struct, frozen=True, kw_only=True):
    """A volume that was deleted, or a snapshot `of` one, which its back end still keeps; `size` in bytes.

    `volume` is how the one that a snapshot is of is called, or was.
    """

    uid: str
    name: str
    of: str
    volume: str
    size: int
    where: str
    note: str


class DeletedPage(msgspec.Struct, frozen=True, kw_only=True):
    """All that is kept of what was deleted in a pool."""

    items: list[DeletedView]
    next: str | None = None


class ConnectionPage(msgspec.Struct, frozen=True, kw_only=True):
    """All connections of a volume."""

    items: list[ConnectionView]
    next: str | None = None


class OperationPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of operations."""

    items: list[OperationView]
    next: str | None = None


class FindingPage(msgspec.Struct, frozen=True, kw_only=True):
    """All findings of an audit."""

    items: list[Finding]
    next: str | None = None


class TokenPage(msgspec.Struct, frozen=True, kw_only=True):
    """All tokens."""

    items: list[TokenView]
    next: str | None = None


class ProblemView(msgspec.Struct, frozen=True, kw_only=True):
    """A problem as RFC 9457 has it: `code` names the class, `detail` what happened, `hint` what to do next."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    hint: str
