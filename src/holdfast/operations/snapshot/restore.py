"""Let an unmounted volume be what one of its snapshots holds, whichever; its other snapshots stay.

It has the snapshot's size then. Until the new one is proven in its place what it was is kept; then that goes for good.
"""

import msgspec

from holdfast.engine.request import Binding, Bound, Drawn, Results
from holdfast.model.errors import InUse, WrongState
from holdfast.model.operations import ResourceRef
from holdfast.model.resources import Attachment, Snapshot, Volume
from holdfast.model.step import Step
from holdfast.operations.base import Asked
from holdfast.operations.connecting import leaving
from holdfast.operations.refs import (
    check_limit,
    find_pool,
    find_snapshot,
    find_volume,
    mark_abandoned,
    pool_now,
    pool_ref,
    sized,
    snapshot_now,
    snapshot_ref,
    usable,
    volume_now,
    volume_ref,
)
from holdfast.operations.volume.check import CHECKED
from holdfast.operations.volume.trim import TRIMMED
from holdfast.records import resources
from holdfast.records.claims import on_uid
from holdfast.records.contract import Tx
from holdfast.steps.restore import RestoreStaged, RestoreSwapped, RestoreTidied


class SnapshotRestore(Asked, frozen=True, kw_only=True, tag="snapshot.restore.1"):
    """By name."""

    pool: str
    volume: str
    name: str

    destructive = True

    def bind(self, tx: Tx, drawn: Drawn) -> Binding:
        """The volume and the snapshot."""
        pool = find_pool(tx, self.pool)
        volume = find_volume(tx, pool, self.volume)
        usable(volume)
        snapshot = find_snapshot(tx, pool, volume, self.name)
        usable(snapshot)
        claims = (on_uid(pool.uid, "shared"), on_uid(volume.uid), on_uid(snapshot.uid, "shared"))
        ref = ResourceRef("volume", volume.uid, f"{self.pool}/{self.volume}")
        return Binding(ref, claims, {"pool": pool.uid, "volume": volume.uid, "snapshot": snapshot.uid})

    def plan(self, tx: Tx, bound: Bound) -> tuple[Step, ...]:
        """Refuse while attached; a larger size is reserved."""
        pool = pool_now(tx, bound.uids["pool"], self.pool)
        volume = volume_now(tx, bound.uids["volume"], self.volume)
        snapshot = snapshot_now(tx, bound.uids["snapshot"], self.name)
        usable(volume)
        if not (volume.status.ready and snapshot.status.ready):
            raise WrongState(f"{self.pool}/{self.volume}@{self.name} is not ready.")
        for attachment in resources.page(tx, Attachment, volume.uid):
            where = attachment.spec.path
            raise InUse(
                f"The volume {self.pool}/{self.volume} is mounted at {where}.",
                f"Unmount it first: holdfast volume unmount {where}",
            )
        size, old = snapshot.spec.size, volume.spec.size
        if size > old:
            check_limit(tx, pool, size - old)
            resources.update(tx, sized(volume, size, volume.status.size_before or old, bound.drawn.operation))
        place, what = pool_ref(pool, bound.drawn.owner), msgspec.structs.replace(volume_ref(volume), size=size)
        held = snapshot_ref(snapshot)
        if pool.status.connects:  # in one act there; whatever of it is left here would show what was before
            return *leaving(place, what, bound.drawn.member, back=False), RestoreSwapped(place, what, held)
        return RestoreStaged(place, what, held), RestoreSwapped(place, what, held), RestoreTidied(place, what)

    def outcome(self, tx: Tx, bound: Bound, results: Results) -> None:
        """It has the snapshot's size."""
        volume = resources.by_uid(tx, Volume, bound.uids["volume"])
        snapshot = resources.by_uid(tx, Snapshot, bound.uids["snapshot"])
        if volume is not None and snapshot is not None:
            new = sized(volume, snapshot.spec.size, None, bound.drawn.operation)
            kept = tuple(each for each in volume.conditions if each.type not in (CHECKED, TRIMMED))
            resources.update(tx, msgspec.structs.replace(new, conditions=kept, generation=volume.generation + 1))

    def withdrawn(self, tx: Tx, bound: Bound) -> None:
        """The size is as before."""
        volume = resources.by_uid(tx, Volume, bound.uids["volume"])
        if volume is not None and volume.status.size_before is not None and volume.operation == bound.drawn.operation:
            resources.update(tx, sized(volume, volume.status.size_before, None, volume.operation))

    def abandoned(self, tx: Tx, bound: Bound, reason: str) -> None:
        """The row stays."""
        mark_abandoned(tx, Volume, bound.uids["volume"], reason, bound.drawn.now)
