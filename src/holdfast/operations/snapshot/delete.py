"""Delete a snapshot: refused while it is protected or mounted; the row goes last."""

from holdfast.engine.request import Binding, Bound, Drawn, Results
from holdfast.model.errors import InUse, WrongState
from holdfast.model.operations import ResourceRef
from holdfast.model.resources import Attachment, Snapshot
from holdfast.model.step import Step
from holdfast.operations.base import Asked
from holdfast.operations.refs import (
    check_match,
    find_pool,
    find_snapshot,
    find_volume,
    mark_abandoned,
    pool_now,
    pool_ref,
    snapshot_now,
    snapshot_ref,
    volume_now,
)
from holdfast.records import resources
from holdfast.records.claims import on_name, on_uid
from holdfast.records.contract import Tx
from holdfast.steps.volume import VolumeRemove


class SnapshotDelete(Asked, frozen=True, kw_only=True, tag="snapshot.delete.1"):
    """By name."""

    pool: str
    volume: str
    name: str
    if_match: str = ""

    destructive = True

    def bind(self, tx: Tx, drawn: Drawn) -> Binding:
        """The snapshot and its name; its volume is not concerned, and may be used and changed meanwhile."""
        pool = find_pool(tx, self.pool)
        volume = find_volume(tx, pool, self.volume)
        snapshot = find_snapshot(tx, pool, volume, self.name)
        check_match(snapshot, self.if_match)
        claims = (
            on_uid(pool.uid, "shared"), on_uid(volume.uid, "shared"), on_uid(snapshot.uid),
            on_name(volume.uid, self.name),
        )  # fmt: skip
        ref = ResourceRef("snapshot", snapshot.uid, f"{self.pool}/{self.volume}@{self.name}")
        return Binding(ref, claims, {"pool": pool.uid, "volume": volume.uid, "snapshot": snapshot.uid})

    def plan(self, tx: Tx, bound: Bound) -> tuple[Step, ...]:
        """Refuse while protected or attached; remove."""
        pool = pool_now(tx, bound.uids["pool"], self.pool)
        volume_now(tx, bound.uids["volume"], self.volume)
        snapshot = snapshot_now(tx, bound.uids["snapshot"], self.name)
        check_match(snapshot, self.if_match)
        path = f"{self.pool}/{self.volume}@{self.name}"
        if snapshot.spec.protected:
            raise WrongState(
                f"The snapshot {path} is protected.", f"Lift that first: holdfast snapshot set {path} --unprotected"
            )
        for attachment in resources.page(tx, Attachment, snapshot.uid):
            where = attachment.spec.path
            raise InUse(
                f"The snapshot {path} is mounted at {where}.", f"Unmount it first: holdfast volume unmount {where}"
            )
        return (VolumeRemove(pool_ref(pool, bound.drawn.owner), snapshot_ref(snapshot)),)

    def outcome(self, tx: Tx, bound: Bound, results: Results) -> None:
        """The row goes last."""
        resources.delete(tx, bound.uids["snapshot"])

    def withdrawn(self, tx: Tx, bound: Bound) -> None:
        """The row is as it was."""

    def abandoned(self, tx: Tx, bound: Bound, reason: str) -> None:
        """The row stays."""
        mark_abandoned(tx, Snapshot, bound.uids["snapshot"], reason, bound.drawn.now)
