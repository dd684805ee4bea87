"""From records to what steps and drivers need, and the look-ups that all verbs share."""

import msgspec

from holdfast.drivers.contract import PoolRef, VolumeRef
from holdfast.engine.request import Binding
from holdfast.model.conditions import ABANDONED, Condition, holds, put
from holdfast.model.errors import NoSpace, NotFound, Stale, WrongState
from holdfast.model.names import check_labels
from holdfast.model.operations import ResourceRef
from holdfast.model.resources import Attachment, Pool, Volume
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


def etag(resource: Pool | Volume) -> str:
    """What changes with everything that people can change of it, and is never another resource's."""
    return f'"{resource.uid}.{resource.generation}"'


def check_match(resource: Pool | Volume, if_match: str) -> None:
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


def around(tx: Tx, volume_uid: str) -> tuple[Pool, Volume]:
    """A volume by uid, and its pool; raise NotFound."""
    volume = resources.by_uid(tx, Volume, volume_uid)
    pool = resources.by_uid(tx, Pool, volume.parent) if volume else None
    if volume is None or pool is None:
        raise NotFound("The volume is not there any more.")
    return pool, volume


def bind_attachment(tx: Tx, attachment: Attachment, member: str) -> Binding:
    """What everything about an existing attachment claims: its volume and its path."""
    pool, volume = around(tx, attachment.parent)
    path = attachment.spec.path
    claims = (on_uid(pool.uid, "shared"), on_uid(volume.uid), on_uid(attachment.uid), on_name(member, path))
    ref = ResourceRef("attachment", attachment.uid, f"{pool.name}/{volume.name}:{path}")
    return Binding(ref, claims, {"pool": pool.uid, "volume": volume.uid, "attachment": attachment.uid})


def usable(resource: Pool | Volume | Attachment) -> None:
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
