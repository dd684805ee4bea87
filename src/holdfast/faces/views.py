"""From records and looks to views."""

from collections import defaultdict

from holdfast import __version__
from holdfast.control.daemon import Daemon
from holdfast.model.errors import Again, HoldfastError
from holdfast.model.observations import Absent, ForeignObject, Present, Unknown
from holdfast.model.resources import Attachment, Pool, Volume, state_of
from holdfast.model.views import HealthView, MountView, PoolView, StatusView, UsageView, VolumeView
from holdfast.operations.refs import find_pool, find_volume, pool_ref, volume_ref
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


def _volume(pool_name: str, found: Volume, mounts: tuple[str, ...]) -> VolumeView:
    spec = found.spec
    return VolumeView(
        uid=found.uid, pool=pool_name, name=found.name, size=spec.size, advisory=spec.content == "directory",
        content=spec.content, fs=spec.fs, state=state_of(found), ready=found.status.ready, labels=spec.labels,
        generation=found.generation, created_at=found.created, conditions=found.conditions, mounts=mounts,
    )  # fmt: skip


def volume(tx: Tx, pool_name: str, found: Volume) -> VolumeView:
    """With the paths where it is wanted."""
    wanted = resources.attachments(tx, volumes=[found.uid])
    return _volume(pool_name, found, tuple(attachment.spec.path for attachment in wanted))


def volumes(tx: Tx, pool_name: str, filter_: Filter, after: str, most: int) -> list[VolumeView]:
    """A page of a pool's volumes by name."""
    parent = find_pool(tx, pool_name)
    found = resources.search(tx, Volume, parent.uid, filter_, after, most)
    mounts: dict[str, list[str]] = defaultdict(list)
    for attachment in resources.attachments(tx, volumes=[each.uid for each in found]):
        mounts[attachment.parent].append(attachment.spec.path)
    return [_volume(pool_name, each, tuple(mounts.get(each.uid, ()))) for each in found]


def usage(daemon: Daemon, pool_name: str, name: str) -> UsageView:
    """What a volume takes, asked of its pool now."""

    def read(tx: Tx) -> tuple[Pool, Volume]:
        parent = find_pool(tx, pool_name)
        return parent, find_volume(tx, parent, name)

    parent, found = daemon.records.read(read)
    ref = pool_ref(parent, daemon.member.uid)
    end = daemon.runtime.monotonic() + LONGEST_WALK
    seen = daemon.drivers.of(ref).usage(ref, volume_ref(found), lambda: daemon.runtime.monotonic() > end)
    return UsageView(real=seen.real, apparent=seen.apparent, files=seen.files, complete=seen.complete)


def mount(daemon: Daemon, found: Attachment) -> MountView:
    """With what the kernel shows now."""

    def names(tx: Tx) -> tuple[str, str]:
        held = resources.by_uid(tx, Volume, found.parent)
        parent = resources.by_uid(tx, Pool, held.parent) if held else None
        return (parent.name if parent else "", held.name if held else "")

    pool_name, volume_name = daemon.records.read(names)
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
        id=found.uid, pool=pool_name, volume=volume_name, path=found.spec.path, read_only=found.spec.read_only,
        mounted=isinstance(look, Present), reason=reason,
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


def health(daemon: Daemon) -> HealthView:
    """Alive is who answers; ready is who takes changes."""
    reason = daemon.engine.not_ready()
    return HealthView(ready=not reason, reason=reason)
