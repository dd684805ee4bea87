"""From records and looks to views."""

from holdfast import __version__
from holdfast.control.daemon import Daemon
from holdfast.model.errors import Again, HoldfastError
from holdfast.model.observations import Absent, ForeignObject, Present, Unknown
from holdfast.model.resources import Attachment, Pool, Volume
from holdfast.model.views import MountView, PoolView, StatusView, VolumeView
from holdfast.operations.refs import find_pool, pool_ref
from holdfast.records import operations, resources
from holdfast.records.contract import Tx


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
        provisioned=provisioned, total=total, free=free, ready=found.status.ready and not reason, reason=reason,
        created_at=found.created, conditions=found.conditions,
    )  # fmt: skip


def volume(tx: Tx, pool_name: str, found: Volume) -> VolumeView:
    """With the paths where it is wanted."""
    wanted = resources.page(tx, Attachment, found.uid)
    return VolumeView(
        uid=found.uid, pool=pool_name, name=found.name, size=found.spec.size,
        advisory=found.spec.content == "directory", content=found.spec.content, fs=found.spec.fs,
        ready=found.status.ready, created_at=found.created, conditions=found.conditions,
        mounts=tuple(attachment.spec.path for attachment in wanted),
    )  # fmt: skip


def volumes(tx: Tx, pool_name: str, after: str, most: int) -> list[VolumeView]:
    """A page of a pool's volumes by name."""
    parent = find_pool(tx, pool_name)
    return [volume(tx, pool_name, found) for found in resources.page(tx, Volume, parent.uid, after, most)]


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
    rows = daemon.records.read(lambda tx: operations.unended(tx, daemon.member.uid))
    return StatusView(
        version=__version__, member=daemon.member.name, uid=daemon.member.uid, suspended=daemon.engine.suspended,
        unfinished=len(rows), parked=sum(row.state == "parked" for row in rows),
    )  # fmt: skip
