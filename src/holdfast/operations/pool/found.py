"""From what was found in a pool to records: what is recorded already stays as it is."""

from collections.abc import Sequence
from typing import TypeVar

from holdfast.engine.request import Bound
from holdfast.model.errors import HoldfastError
from holdfast.model.names import check_name
from holdfast.model.resources import Snapshot, SnapshotSpec, SnapshotStatus, Volume, VolumeSpec, VolumeStatus
from holdfast.records import resources
from holdfast.records.contract import Tx
from holdfast.steps.importing import FoundObject

K = TypeVar("K", Volume, Snapshot)


def record(tx: Tx, pool: str, found: Sequence[FoundObject], bound: Bound) -> None:
    """Insert rows for what has none: volumes, and snapshots of what is recorded in the pool by then."""
    for each in found:
        if not each.of:
            _insert(tx, _volume(tx, pool, each, bound))
    known = {volume.uid for volume in resources.page(tx, Volume, pool)}
    for each in found:
        if each.of in known:
            _insert(tx, _snapshot(tx, each, bound))


def _insert(tx: Tx, row: Volume | Snapshot) -> None:
    """Unless a record has that uid: of two objects that claim one, the second stays an orphan."""
    known = resources.by_uid(tx, Volume, row.uid) or resources.by_uid(tx, Snapshot, row.uid)
    if known is None:
        resources.insert(tx, row)


def _volume(tx: Tx, pool: str, found: FoundObject, bound: Bound) -> Volume:
    name = free_name(tx, Volume, pool, found.uid, found.name)
    return Volume(
        uid=found.uid, name=name, parent=pool, created=bound.drawn.now, operation=bound.drawn.operation,
        spec=VolumeSpec(size=found.size, content=found.content, fs=found.fs),
        status=VolumeStatus(
            ready=True, formatted="formatted" if found.content == "filesystem" else "never", fs_uuid=found.fs_uuid,
            identity=found.identity,
        ),
    )  # fmt: skip


def _snapshot(tx: Tx, found: FoundObject, bound: Bound) -> Snapshot:
    name = free_name(tx, Snapshot, found.of, found.uid, found.name)
    return Snapshot(
        uid=found.uid, name=name, parent=found.of, created=bound.drawn.now, operation=bound.drawn.operation,
        spec=SnapshotSpec(size=found.size, content=found.content, fs=found.fs, group=found.group),
        status=SnapshotStatus(ready=True, fs_uuid=found.fs_uuid, identity=found.identity, taken=found.taken),
    )  # fmt: skip


def free_name(tx: Tx, kind: type[K], parent: str, uid: str, name: str) -> str:
    """`name`, unless it is none, or another's by now."""
    if _is_name(name) and resources.by_name(tx, kind, parent, name) is None:
        return name
    return f"recovered-{uid}"


def _is_name(name: str) -> bool:
    try:
        check_name("volume", name)
    except HoldfastError:
        return False
    return True
