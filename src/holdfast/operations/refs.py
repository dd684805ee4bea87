"""From records to what steps and drivers need, and the look-ups that all verbs share."""

import msgspec

from holdfast.drivers.contract import PoolRef, VolumeRef
from holdfast.engine.request import Binding
from holdfast.model.conditions import ABANDONED, Condition, holds, put
from holdfast.model.errors import NoSpace, NotFound, Stale, WrongState
from holdfast.model.names import check_labels
from holdfast.model.operations import ResourceRef
from holdfast.model.resources import Attachment, Pool, Snapshot, Volume
from holdfast.model.sizes import format_size
from holdfast.records import resources
from holdfast.records.claims import on_name, on_uid
from holdfast.records.contract import Tx
from holdfast.records.resources import R


def pool_ref(pool: Pool, owner: str) -> PoolRef:
    """For the driver."""
    return PoolRef(pool.uid, owner, pool.spec.driver, pool.spec.config, pool.status.identity)


def volume_ref(volume: Volume) -> VolumeRef:
    """For the driver."""
    spec = volume.spec
    status = volume.status
    return VolumeRef(volume.uid, volume.name, spec.size, spec.content, spec.fs, status.fs_uuid, status.identity)


def snapshot_ref(snapshot: Snapshot) -> VolumeRef:
    """For the driver, to whom it is one more object of the pool."""
    spec, status = snapshot.spec, snapshot.status
    return VolumeRef(
        snapshot.uid,
        snapshot.name,
        spec.size,
        spec.content,
        spec.fs,
        status.fs_uuid,
        status.identity,
        snapshot.parent,
        spec.group,
    )


def object_ref(row: Volume | Snapshot) -> VolumeRef:
    """For the driver."""
    return volume_ref(row) if isinstance(row, Volume) else snapshot_ref(row)


def etag(resource: Pool | Volume | Snapshot) -> str:
    """What changes with everything that people can change of it, and is never another resource's."""
    return f'"{resource.uid}.{resource.generation}"'


def check_match(resource: Pool | Volume | Snapshot, if_match: str) -> None:
    """Raise Stale unless `if_match` (as in RFC 9110: ETags, or `*`; empty: anything) names what it is now."""
    wanted = [part.strip() for part in if_match.split(",") if part.strip()]
    if if_match and "*" not in wanted and etag(resource) not in wanted:
        raise Stale(
            f"{resource.name} is not as it was: its ETag is {etag(resource)} now.", "Read it again, then decide anew."
        )


def merge_labels(old: dict[str, str], new: dict[str, str | None]) -> dict[str, str]:
    """`old` with `new` laid over it, None removing one; raise Invalid if they would be too many."""
    merged = {name: value for name, value in {**old, **new}.items() if value is not None}
    check_labels(merged)
    return merged


def check_limit(tx: Tx, pool: Pool, more: int) -> None:
    """Raise NoSpace unless so many bytes more fit within the pool's limit."""
    if pool.spec.limit is None:
        return
    used = resources.provisioned(tx, pool.uid)
    if used + more > pool.spec.limit:
        free = format_size(max(0, pool.spec.limit - used))
        raise NoSpace(
            f"The pool {pool.name} is limited to {format_size(pool.spec.limit)}; {free} are not provisioned yet.",
            "Delete volumes, or ask for less.",
        )


def sized(volume: Volume, size: int, before: int | None, operation: str) -> Volume:
    """The row with that size; `before` is what it had while that is on its way, else None."""
    return msgspec.structs.replace(
        volume, spec=msgspec.structs.replace(volume.spec, size=size), operation=operation,
        status=msgspec.structs.replace(volume.status, size_before=before),
    )  # fmt: skip


def find_pool(tx: Tx, name: str) -> Pool:
    """By name, ready for use; raise NotFound or WrongState."""
    pool = resources.by_name(tx, Pool, "", name)
    if pool is None:
        raise NotFound(f"There is no pool {ascii(name)}.", "`holdfast pool list` shows them.")
    return pool


def find_volume(tx: Tx, pool: Pool, name: str) -> Volume:
    """By name; raise NotFound."""
    volume = resources.by_name(tx, Volume, pool.uid, name)
    if volume is None:
        raise NotFound(
            f"There is no volume {ascii(name)} in the pool {pool.name}.",
            f"`holdfast volume list {pool.name}` shows them.",
        )
    return volume


def pool_now(tx: Tx, uid: str, name: str) -> Pool:
    """The pool bound to a request, when its turn came; raise NotFound if it went or changed its name."""
    pool = resources.by_uid(tx, Pool, uid)
    if pool is None or pool.name != name:
        raise NotFound(f"The pool {name} is not there any more.")
    if not pool.status.ready:
        raise WrongState(f"The pool {name} is not ready.", f"`holdfast pool show {name}` tells why.")
    return pool


def volume_now(tx: Tx, uid: str, name: str) -> Volume:
    """The volume bound to a request, when its turn came; raise NotFound if it went or was renamed meanwhile."""
    volume = resources.by_uid(tx, Volume, uid)
    if volume is None:
        raise NotFound(f"The volume {name} is not there any more.")
    if volume.name != name:
        raise NotFound(f"The volume {name} was renamed to {volume.name} while this waited.", "Ask again by that name.")
    return volume


def find_snapshot(tx: Tx, pool: Pool, volume: Volume, name: str) -> Snapshot:
    """By name; raise NotFound."""
    snapshot = resources.by_name(tx, Snapshot, volume.uid, name)
    if snapshot is None:
        raise NotFound(
            f"There is no snapshot {ascii(name)} of {pool.name}/{volume.name}.",
            f"`holdfast snapshot list {pool.name}/{volume.name}` shows them.",
        )
    return snapshot


def snapshot_now(tx: Tx, uid: str, name: str) -> Snapshot:
    """The snapshot bound to a request, when its turn came; raise NotFound if it went or was renamed meanwhile."""
    snapshot = resources.by_uid(tx, Snapshot, uid)
    if snapshot is None:
        raise NotFound(f"The snapshot {name} is not there any more.")
    if snapshot.name != name:
        detail = f"The snapshot {name} was renamed to {snapshot.name} while this waited."
        raise NotFound(detail, "Ask again by that name.")
    return snapshot


def around(tx: Tx, uid: str) -> tuple[Pool, Volume | Snapshot, str]:
    """A volume or snapshot by uid, its pool, and how people call it; raise NotFound."""
    snapshot = resources.by_uid(tx, Snapshot, uid)
    volume = resources.by_uid(tx, Volume, snapshot.parent if snapshot else uid)
    pool = resources.by_uid(tx, Pool, volume.parent) if volume else None
    if volume is None or pool is None:
        raise NotFound("The volume is not there any more.")
    if snapshot is None:
        return pool, volume, f"{pool.name}/{volume.name}"
    return pool, snapshot, f"{pool.name}/{volume.name}@{snapshot.name}"


def bind_attachment(tx: Tx, attachment: Attachment, member: str) -> Binding:
    """What everything about an existing attachment claims: its volume or snapshot, and its path."""
    pool, row, name = around(tx, attachment.parent)
    path = attachment.spec.path
    claims = (on_uid(pool.uid, "shared"), on_uid(row.uid), on_uid(attachment.uid), on_name(member, path))
    ref = ResourceRef("attachment", attachment.uid, f"{name}:{path}")
    return Binding(ref, claims, {"pool": pool.uid, "volume": row.uid, "attachment": attachment.uid})


def usable(resource: Pool | Volume | Snapshot | Attachment) -> None:
    """Raise WrongState if an operation on it was abandoned, so that nobody knows how it is."""
    if holds(resource.conditions, ABANDONED):
        reason = next(c.reason for c in resource.conditions if c.type == ABANDONED)
        raise WrongState(
            f"{resource.name} is as an abandoned operation left it: {reason}.",
            "`holdfast audit --repair` looks at it; or delete it.",
        )


def mark_abandoned(tx: Tx, kind: type[R], uid: str, reason: str, now: float) -> None:
    """Keep the row, with a condition."""
    found = resources.by_uid(tx, kind, uid)
    if found is not None:
        conditions = put(found.conditions, Condition(ABANDONED, True, now, reason))
        resources.update(tx, msgspec.structs.replace(found, conditions=conditions))
