"""Rename a snapshot: in its mark, then in the record."""

import msgspec

from holdfast.engine.request import Binding, Bound, Drawn, Results
from holdfast.model.conditions import ABANDONED
from holdfast.model.errors import Exists, WrongState
from holdfast.model.names import check_name
from holdfast.model.operations import ResourceRef
from holdfast.model.resources import Snapshot
from holdfast.model.step import Step
from holdfast.operations.base import Asked, Desk
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
    usable,
    volume_now,
)
from holdfast.records import resources
from holdfast.records.claims import on_name, on_uid
from holdfast.records.contract import Tx
from holdfast.steps.volume import VolumeRename as RenameStep


class SnapshotRename(Asked, frozen=True, kw_only=True, tag="snapshot.rename.1"):
    """`new_name` among the same volume's snapshots."""

    pool: str
    volume: str
    name: str
    new_name: str
    if_match: str = ""

    def checked(self, desk: Desk) -> "SnapshotRename":
        """The new name."""
        check_name("snapshot", self.new_name)
        return self

    def bind(self, tx: Tx, drawn: Drawn) -> Binding:
        """The snapshot, its name and the new one."""
        pool = find_pool(tx, self.pool)
        volume = find_volume(tx, pool, self.volume)
        snapshot = find_snapshot(tx, pool, volume, self.name)
        self._check(tx, snapshot)
        names = dict.fromkeys((self.name, self.new_name))
        claims = (
            on_uid(pool.uid, "shared"), on_uid(volume.uid, "shared"), on_uid(snapshot.uid),
            *(on_name(volume.uid, name) for name in names),
        )  # fmt: skip
        ref = ResourceRef("snapshot", snapshot.uid, f"{self.pool}/{self.volume}@{self.name}")
        return Binding(ref, claims, {"pool": pool.uid, "volume": volume.uid, "snapshot": snapshot.uid})

    def _check(self, tx: Tx, snapshot: Snapshot) -> None:
        check_match(snapshot, self.if_match)
        if self.new_name == self.name:
            return  # what settles a snapshot whose operation was abandoned
        usable(snapshot)
        if resources.by_name(tx, Snapshot, snapshot.parent, self.new_name) is not None:
            raise Exists(f"There is a snapshot {self.new_name} of {self.pool}/{self.volume} already.")

    def plan(self, tx: Tx, bound: Bound) -> tuple[Step, ...]:
        """Check again; rewrite the mark."""
        pool = pool_now(tx, bound.uids["pool"], self.pool)
        volume_now(tx, bound.uids["volume"], self.volume)
        snapshot = snapshot_now(tx, bound.uids["snapshot"], self.name)
        self._check(tx, snapshot)
        if not snapshot.status.ready:
            raise WrongState(f"The snapshot {self.name} was never whole.", "Delete it.")
        return (RenameStep(pool_ref(pool, bound.drawn.owner), snapshot_ref(snapshot), self.new_name),)

    def outcome(self, tx: Tx, bound: Bound, results: Results) -> None:
        """The record follows."""
        snapshot = resources.by_uid(tx, Snapshot, bound.uids["snapshot"])
        if snapshot is not None:
            settled = tuple(c for c in snapshot.conditions if c.type != ABANDONED)
            new = msgspec.structs.replace(
                snapshot, conditions=settled, name=self.new_name, generation=snapshot.generation + 1,
                operation=bound.drawn.operation,
            )  # fmt: skip
            resources.update(tx, new)

    def withdrawn(self, tx: Tx, bound: Bound) -> None:
        """Nothing was reserved: the claim held the name."""

    def abandoned(self, tx: Tx, bound: Bound, reason: str) -> None:
        """The row stays."""
        mark_abandoned(tx, Snapshot, bound.uids["snapshot"], reason, bound.drawn.now)
