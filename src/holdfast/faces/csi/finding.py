"""What a call's ids and names mean in the records."""

import re

from holdfast.model.errors import NotFound
from holdfast.model.resources import Attachment, Pool, Snapshot, Volume
from holdfast.records import resources
from holdfast.records.contract import Tx

_UID = re.compile(r"[0-9a-f]{32}", re.ASCII)


def is_uid(text: str) -> bool:
    """Whether it may be one of ours; an id may be anything."""
    return bool(_UID.fullmatch(text))


def by_uid(tx: Tx, uid: str) -> tuple[Pool, Volume] | None:
    """A volume and its pool."""
    volume = resources.by_uid(tx, Volume, uid) if is_uid(uid) else None
    pool = resources.by_uid(tx, Pool, volume.parent) if volume is not None else None
    return None if volume is None or pool is None else (pool, volume)


def the_volume(tx: Tx, uid: str) -> tuple[Pool, Volume]:
    """Likewise; raise NotFound."""
    found = by_uid(tx, uid)
    if found is None:
        raise NotFound(f"There is no volume {ascii(uid[:200])}.")
    return found


def snapshot_by_uid(tx: Tx, uid: str) -> tuple[Pool, Volume, Snapshot]:
    """A snapshot, its volume and pool; raise NotFound."""
    row = resources.by_uid(tx, Snapshot, uid) if is_uid(uid) else None
    found = by_uid(tx, row.parent) if row is not None else None
    if row is None or found is None:
        raise NotFound(f"There is no snapshot {ascii(uid[:200])}.")
    return *found, row


def by_name(tx: Tx, name: str) -> tuple[Pool, Volume] | None:
    """In whichever pool: a name of CSI's is one of all."""
    for pool in resources.page(tx, Pool):
        volume = resources.by_name(tx, Volume, pool.uid, name)
        if volume is not None:
            return pool, volume
    return None


def at(tx: Tx, path: str) -> Attachment | None:
    """What is wanted at a path."""
    return next(iter(resources.attachments(tx, paths=[path])), None)
