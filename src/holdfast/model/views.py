"""Resources as REST shows them: flat, units said, times in seconds since the epoch, sizes in bytes."""

import msgspec

from holdfast.model.conditions import Condition
from holdfast.model.resources import Content, FileSystem, Finding


class PoolView(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A pool. `total` and `free` are what the place says now, None where it cannot be asked."""

    uid: str
    name: str
    driver: str
    config: dict[str, str]
    limit: int | None
    provisioned: int
    total: int | None
    free: int | None
    ready: bool
    reason: str
    created_at: float
    conditions: tuple[Condition, ...]


class MountView(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A volume at a path of this member. `mounted` is what the kernel shows now."""

    id: str
    pool: str
    volume: str
    path: str
    read_only: bool
    mounted: bool
    reason: str


class VolumeView(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A volume. `advisory` says that nothing enforces its size."""

    uid: str
    pool: str
    name: str
    size: int
    advisory: bool
    content: Content
    fs: FileSystem | None
    ready: bool
    created_at: float
    conditions: tuple[Condition, ...]
    mounts: tuple[str, ...]


class StatusView(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The daemon itself."""

    version: str
    member: str
    uid: str
    suspended: str
    unfinished: int
    parked: int


class Findings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An audit's answer."""

    items: tuple[Finding, ...]
    next: str | None = None
