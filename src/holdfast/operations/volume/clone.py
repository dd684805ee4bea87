"""Make a new volume of what another, or a snapshot of it, holds; with an identity of its own, in any pool.

It may be larger. It shares nothing that anybody sees: either can be changed, mounted and deleted without the other.
"""

import msgspec

from holdfast.engine.request import Binding, Bound, Drawn, Results
from holdfast.model.errors import Exists, Invalid, WrongState
from holdfast.model.names import check_labels, check_name
from holdfast.model.operations import ResourceRef
from holdfast.model.resources import Pool, Snapshot, Volume, VolumeSpec, VolumeStatus
from holdfast.model.sizes import parse_size
from holdfast.model.step import Step
from holdfast.operations.base import Asked, Desk
from holdfast.operations.connecting import visited
from holdfast.operations.refs import (
    check_limit,
    find_pool,
    find_snapshot,
    find_volume,
    mark_abandoned,
    object_ref,
    pool_now,
    pool_ref,
    snapshot_now,
    usable,
    volume_now,
    volume_ref,
)
from holdfast.operations.volume.resize import check_capable, check_growth
from holdfast.records import resources
from holdfast.records.claims import on_name, on_uid
from holdfast.records.contract import Tx
from holdfast.steps.copy import VolumeCopy
from holdfast.steps.device import FileSystemGrown
from holdfast.steps.settling import CopySettled
from holdfast.steps.volume import CopyResized, VolumeCopied


class VolumeClone(Asked, frozen=True, kw_only=True, tag="volume.clone.1"):
    """Of the volume `source`, or of its `snapshot`, as `name`; in the pool `to`, of that `size`, if they are given."""

    pool: str
    source: str
    snapshot: str = ""
    name: str
    labels: dict[str, str] = {}
    to: str = ""
    size: int | str | None = None

    def checked(self, desk: Desk) -> "VolumeClone":
        """Name, labels, size, and that the drivers can."""
        check_name("volume", self.name)
        check_labels(self.labels)
        pool, target, fs = desk.records.read(self._about)
        if not desk.drivers.named(target.spec.driver).info.snapshots:
            raise Invalid(f"The driver {target.spec.driver} clones no volumes.", "Make a new one and copy.")
        for each in (pool, target):
            if each.status.connects and pool.uid != target.uid:
                driver = each.spec.driver
                raise Invalid(f"Nothing is copied into or out of a pool of the driver {driver} yet.", "Mount and copy.")
        if self.size is None:
            return self
        check_capable(fs)
        return msgspec.structs.replace(self, size=parse_size(self.size))

    def _about(self, tx: Tx) -> tuple[Pool, Pool, str | None]:
        pool = find_pool(tx, self.pool)
        return pool, find_pool(tx, self.to or self.pool), find_volume(tx, pool, self.source).spec.fs

    def bind(self, tx: Tx, drawn: Drawn) -> Binding:
        """The source, which a snapshot of its volume shares with others; the new name and uid."""
        pool, target = find_pool(tx, self.pool), find_pool(tx, self.to or self.pool)
        usable(pool)
        usable(target)
        volume = find_volume(tx, pool, self.source)
        usable(volume)
        self._check_free(tx, target.uid)
        uids = {"pool": pool.uid, "volume": volume.uid, "to": target.uid}
        source = on_uid(volume.uid)
        if self.snapshot:
            snapshot = find_snapshot(tx, pool, volume, self.snapshot)
            usable(snapshot)
            uids["snapshot"] = snapshot.uid
            source = on_uid(snapshot.uid, "shared")
        pools = [on_uid(each, "shared") for each in dict.fromkeys((pool.uid, target.uid))]
        claims = (*pools, source, on_name(target.uid, self.name), on_uid(drawn.uid))
        return Binding(ResourceRef("volume", drawn.uid, f"{self.to or self.pool}/{self.name}"), claims, uids)

    def _check_free(self, tx: Tx, pool: str) -> None:
        if resources.by_name(tx, Volume, pool, self.name) is not None:
            raise Exists(f"There is a volume {self.name} in the pool {self.to or self.pool} already.")

    def _source(self, tx: Tx, bound: Bound) -> Volume | Snapshot:
        volume = volume_now(tx, bound.uids["volume"], self.source)
        found = snapshot_now(tx, bound.uids["snapshot"], self.snapshot) if self.snapshot else volume
        usable(found)
        if not found.status.ready:
            raise WrongState(f"{found.name} is not ready.")
        return found

    def plan(self, tx: Tx, bound: Bound) -> tuple[Step, ...]:
        """Reserve the row and its size; copy, and let it grow."""
        pool = pool_now(tx, bound.uids["pool"], self.pool)
        target = pool_now(tx, bound.uids.get("to", pool.uid), self.to or self.pool)
        source = self._source(tx, bound)
        self._check_free(tx, target.uid)
        spec = source.spec
        size = spec.size if self.size is None else parse_size(self.size)
        if size != spec.size:
            check_growth(source.name, spec, size)
        check_limit(tx, target, size)
        formatted = spec.content == "filesystem"
        volume = Volume(
            uid=bound.drawn.uid, name=self.name, parent=target.uid, created=bound.drawn.now,
            operation=bound.drawn.operation,
            spec=VolumeSpec(
                size=size, content=spec.content, fs=spec.fs, labels=self.labels,
                cloned_of=f"{'snapshot' if self.snapshot else 'volume'}/{source.uid}",
            ),
            status=VolumeStatus(
                formatted="formatting" if formatted else "never", fs_uuid=bound.drawn.fs_uuid if formatted else None
            ),
        )  # fmt: skip
        resources.insert(tx, volume)
        place, what = pool_ref(target, bound.drawn.owner), volume_ref(volume)
        origin = None if target.uid == pool.uid else pool_ref(pool, bound.drawn.owner)
        if spec.content == "directory":
            return (VolumeCopy(place, object_ref(source), what, origin),)
        first = msgspec.structs.replace(what, size=spec.size)
        copy: tuple[Step, ...] = (VolumeCopy(place, object_ref(source), first, origin),)
        inside: tuple[Step, ...] = (CopySettled(place, what),) if formatted and target.status.connects else ()
        if size != spec.size:
            copy = (*copy, CopyResized(place, first, size))
            inside = (*inside, FileSystemGrown(place, what, size)) if formatted else inside
        return *copy, *(visited(target, place, what, bound.drawn.member, *inside) if inside else ())

    def outcome(self, tx: Tx, bound: Bound, results: Results) -> None:
        """Ready, and formatted for ever."""
        volume = resources.by_uid(tx, Volume, bound.drawn.uid)
        if volume is not None:
            formatted = "formatted" if volume.status.formatted == "formatting" else "never"
            status = msgspec.structs.replace(
                volume.status, ready=True, formatted=formatted, identity=_identity(results)
            )
            resources.update(tx, msgspec.structs.replace(volume, status=status))

    def learned(self, tx: Tx, bound: Bound, results: Results) -> None:
        """By its identity a device or a connection of it is found."""
        volume = resources.by_uid(tx, Volume, bound.drawn.uid)
        if volume is not None:
            status = msgspec.structs.replace(volume.status, identity=_identity(results))
            resources.update(tx, msgspec.structs.replace(volume, status=status))

    def withdrawn(self, tx: Tx, bound: Bound) -> None:
        """The row and its size go."""
        resources.delete(tx, bound.drawn.uid)

    def abandoned(self, tx: Tx, bound: Bound, reason: str) -> None:
        """The row and its size stay."""
        mark_abandoned(tx, Volume, bound.drawn.uid, reason, bound.drawn.now)


def _identity(results: Results) -> dict[str, str]:
    return results.find(VolumeCopied, VolumeCopied()).identity
