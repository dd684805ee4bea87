"""From records and looks to views."""

import functools
from collections import defaultdict
from typing import cast

import msgspec

from holdfast import __version__
from holdfast.control.daemon import Daemon
from holdfast.model.errors import Again, HoldfastError, Invalid
from holdfast.model.observations import Absent, ForeignObject, Present, Unknown
from holdfast.model.resources import Attachment, Pool, Snapshot, Volume, state_of
from holdfast.model.views import (
    DeletedPage,
    DeletedView,
    HealthView,
    MountView,
    PoolView,
    ResumeView,
    SnapshotPage,
    SnapshotView,
    StatusView,
    UsageView,
    VolumePage,
    VolumeView,
)
from holdfast.operations.refs import find_pool, find_snapshot, find_volume, object_ref, pool_ref
from holdfast.records import operations, resources
from holdfast.records.contract import Tx
from holdfast.records.resources import Filter

# Seconds that a request walks a volume's tree; then the answer is what was counted so far.
LONGEST_WALK = 10.0


def pool(daemon: Daemon, found: Pool) -> PoolView:
    """With its room, asked of the place now."""
    provisioned = daemon.records.read(lambda tx: resources.provisioned(tx, found.uid))
    total, free, reason = None, None, "" if found.status.ready else "it is being made"
    if found.status.ready:
        ref = pool_ref(found, daemon.member.uid)
        try:
            room = daemon.drivers.of(ref).capacity(ref)
            total, free = room.total, room.free
        except (HoldfastError, OSError) as error:
            reason = error.detail if isinstance(error, HoldfastError) else str(Again(str(error)))
    return PoolView(
        uid=found.uid, name=found.name, driver=found.spec.driver, config=found.spec.config, limit=found.spec.limit,
        provisioned=provisioned, total=total, free=free, state=state_of(found),
        ready=found.status.ready and not reason, reason=reason, labels=found.spec.labels,
        generation=found.generation, created_at=found.created, conditions=found.conditions,
    )  # fmt: skip


def _volume(pool_name: str, found: Volume, mounts: tuple[str, ...], *, limits: bool) -> VolumeView:
    spec = found.spec
    advisory = spec.content == "directory" and not limits
    return VolumeView(
        uid=found.uid, pool=pool_name, name=found.name, size=spec.size, advisory=advisory, content=spec.content,
        fs=spec.fs, state=state_of(found), ready=found.status.ready, labels=spec.labels,
        generation=found.generation, created_at=found.created, conditions=found.conditions, mounts=mounts,
    )  # fmt: skip


def volume(daemon: Daemon, tx: Tx, pool_name: str, found: Volume) -> VolumeView:
    """With the paths where it is wanted."""
    wanted = resources.attachments(tx, volumes=[found.uid])
    limits = _limits(daemon, find_pool(tx, pool_name))
    return _volume(pool_name, found, tuple(attachment.spec.path for attachment in wanted), limits=limits)


def _limits(daemon: Daemon, parent: Pool) -> bool:
    """Whether the sizes of its directories are enforced."""
    try:
        return daemon.drivers.named(parent.spec.driver).limits(parent.spec.config)
    except Invalid:  # it is not installed any more
        return False


@functools.lru_cache(maxsize=4096)
def _rendered(pool_name: str, body: str, mounts: tuple[str, ...], limits: bool) -> msgspec.Raw:
    """A volume as JSON. It follows from these alone, and most do not change from one list to the next."""
    return msgspec.Raw(msgspec.json.encode(_volume(pool_name, resources.parse(Volume, body), mounts, limits=limits)))


def volumes(daemon: Daemon, tx: Tx, pool_name: str, filter_: Filter, after: str, limit: int) -> VolumePage:
    """A page of a pool's volumes by name, its items in JSON already."""
    parent = find_pool(tx, pool_name)
    found = resources.search_raw(tx, Volume, parent.uid, filter_, after, limit + 1)
    page = found[:limit]
    mounts: dict[str, tuple[str, ...]] = defaultdict(tuple)
    for attachment in resources.attachments(tx, volumes=[uid for uid, _name, _body in page]):
        mounts[attachment.parent] += (attachment.spec.path,)
    limits = _limits(daemon, parent)
    items = [_rendered(pool_name, body, mounts.get(uid, ()), limits) for uid, _name, body in page]
    return VolumePage(items=cast("list[VolumeView]", items), next=page[-1][1] if len(found) > limit else None)


def snapshot(tx: Tx, pool_name: str, volume_name: str, found: Snapshot) -> SnapshotView:
    """With the paths where it is wanted."""
    spec, wanted = found.spec, resources.attachments(tx, volumes=[found.uid])
    return SnapshotView(
        uid=found.uid, pool=pool_name, volume=volume_name, name=found.name, size=spec.size, content=spec.content,
        fs=spec.fs, state=state_of(found), ready=found.status.ready, taken=found.status.taken,
        protected=spec.protected, expires_at=spec.expires, labels=spec.labels, generation=found.generation,
        created_at=found.created, conditions=found.conditions,
        mounts=tuple(attachment.spec.path for attachment in wanted),
    )  # fmt: skip


def snapshots(tx: Tx, pool_name: str, volume_name: str, filter_: Filter, after: str, limit: int) -> SnapshotPage:
    """A page of a volume's snapshots by name; of those in the making none."""
    parent = find_volume(tx, find_pool(tx, pool_name), volume_name)
    whole = msgspec.structs.replace(filter_, without="making")
    found = resources.search(tx, Snapshot, parent.uid, whole, after, limit + 1)
    page = found[:limit]
    items = [snapshot(tx, pool_name, volume_name, each) for each in page]
    return SnapshotPage(items=items, next=page[-1].name if len(found) > limit else None)


def usage(daemon: Daemon, pool_name: str, name: str, snapshot_name: str = "") -> UsageView:
    """What a volume or a snapshot of it takes, asked of its pool now."""

    def read(tx: Tx) -> tuple[Pool, Volume | Snapshot]:
        parent = find_pool(tx, pool_name)
        held = find_volume(tx, parent, name)
        return parent, find_snapshot(tx, parent, held, snapshot_name) if snapshot_name else held

    parent, found = daemon.records.read(read)
    ref = pool_ref(parent, daemon.member.uid)
    end = daemon.runtime.monotonic() + LONGEST_WALK
    seen = daemon.drivers.of(ref).usage(ref, object_ref(found), lambda: daemon.runtime.monotonic() > end)
    return UsageView(real=seen.real, apparent=seen.apparent, files=seen.files, complete=seen.complete, own=seen.own)


def mount(daemon: Daemon, found: Attachment) -> MountView:
    """With what the kernel shows now."""

    def names(tx: Tx) -> tuple[str, str, str]:
        taken = resources.by_uid(tx, Snapshot, found.parent)
        held = resources.by_uid(tx, Volume, taken.parent if taken else found.parent)
        parent = resources.by_uid(tx, Pool, held.parent) if held else None
        return (parent.name if parent else "", held.name if held else "", taken.name if taken else "")

    pool_name, volume_name, snapshot_name = daemon.records.read(names)
    look = daemon.looks.attachment(found)
    reason = ""
    match look:
        case Present():
            pass
        case Absent():
            reason = "not mounted"
        case ForeignObject(evidence):
            reason = evidence
        case Unknown(why):
            reason = why
    return MountView(
        id=found.uid, pool=pool_name, volume=volume_name, snapshot=snapshot_name, path=found.spec.path,
        read_only=found.spec.read_only, use=found.spec.use, flags=found.spec.flags,
        mounted=isinstance(look, Present), reason=reason,
    )  # fmt: skip


def deleted(daemon: Daemon, pool: Pool) -> DeletedPage:
    """What its back end still keeps of what was deleted."""
    ref = pool_ref(pool, daemon.member.uid)
    kept = [item for item in daemon.drivers.of(ref).inventory(ref) if item.recoverable]
    names = {item.uid: item.name for item in kept}
    names |= daemon.records.read(lambda tx: {each.uid: each.name for each in resources.page(tx, Volume, pool.uid)})
    return DeletedPage(
        items=[
            DeletedView(
                uid=item.uid, name=item.name, of=item.of, volume=names.get(item.of, ""), size=item.size,
                where=item.where, note=item.note,
            )
            for item in kept
        ]
    )  # fmt: skip


def status(daemon: Daemon) -> StatusView:
    """The daemon."""

    def read(tx: Tx) -> tuple[int, int, int]:
        rows = operations.unended(tx, daemon.member.uid)
        return len(rows), sum(row.state == "parked" for row in rows), resources.count(tx, Volume)

    unfinished, parked, count = daemon.records.read(read)
    return StatusView(
        version=__version__, member=daemon.member.name, uid=daemon.member.uid, suspended=daemon.engine.suspended,
        unfinished=unfinished, parked=parked, started_at=daemon.started, volumes=count, findings=daemon.auditor.last,
    )  # fmt: skip


def resume(daemon: Daemon) -> ResumeView:
    """What a resumption would do, and what it would not."""
    rows = daemon.records.read(lambda tx: operations.unended(tx, daemon.member.uid))
    return ResumeView(
        suspended=daemon.engine.suspended,
        operations=[daemon.engine.get(row.id) for row in rows],
        pools=daemon.preview.pools(),
    )


def health(daemon: Daemon) -> HealthView:
    """Alive is who answers; ready is who takes changes."""
    reason = daemon.engine.not_ready()
    return HealthView(ready=not reason, reason=reason)
