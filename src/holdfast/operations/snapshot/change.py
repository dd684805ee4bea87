"""Change what is noted on a snapshot: labels, whether it is protected, when it expires. The world is not concerned."""

import msgspec

from holdfast.engine.request import Binding, Bound, Drawn, Results
from holdfast.model.lifetimes import end_of
from holdfast.model.names import check_labels
from holdfast.model.operations import ResourceRef
from holdfast.model.resources import Snapshot
from holdfast.model.step import Step
from holdfast.operations.base import Asked, Desk
from holdfast.operations.refs import (
    check_match,
    find_pool,
    find_snapshot,
    find_volume,
    merge_labels,
    snapshot_now,
    volume_now,
)
from holdfast.records import resources
from holdfast.records.claims import on_uid
from holdfast.records.contract import Tx


class SnapshotChange(Asked, frozen=True, kw_only=True, tag="snapshot.change.1"):
    """`labels` are merged into what is there, a value of None removes one; `protected` stays as it is if None.

    So does its end, unless `lifetime` says in how many seconds from now that is, or it is to be `endless`.
    """

    pool: str
    volume: str
    name: str
    labels: dict[str, str | None] = {}
    protected: bool | None = None
    lifetime: float | None = None
    endless: bool = False
    if_match: str = ""

    def checked(self, desk: Desk) -> "SnapshotChange":
        """The labels' form, and the lifetime."""
        check_labels(self.labels)
        end_of("A snapshot", self.lifetime, 0)
        return self

    def bind(self, tx: Tx, drawn: Drawn) -> Binding:
        """The snapshot."""
        pool = find_pool(tx, self.pool)
        volume = find_volume(tx, pool, self.volume)
        snapshot = find_snapshot(tx, pool, volume, self.name)
        check_match(snapshot, self.if_match)
        merge_labels(snapshot.spec.labels, self.labels)
        ref = ResourceRef("snapshot", snapshot.uid, f"{self.pool}/{self.volume}@{self.name}")
        return Binding(ref, (on_uid(snapshot.uid),), {"volume": volume.uid, "snapshot": snapshot.uid})

    def plan(self, tx: Tx, bound: Bound) -> tuple[Step, ...]:
        """Check again."""
        volume_now(tx, bound.uids["volume"], self.volume)
        snapshot = snapshot_now(tx, bound.uids["snapshot"], self.name)
        check_match(snapshot, self.if_match)
        merge_labels(snapshot.spec.labels, self.labels)  # refused here: an outcome cannot be
        return ()

    def outcome(self, tx: Tx, bound: Bound, results: Results) -> None:
        """So it is."""
        snapshot = resources.by_uid(tx, Snapshot, bound.uids["snapshot"])
        if snapshot is not None:
            protected = snapshot.spec.protected if self.protected is None else self.protected
            labels = merge_labels(snapshot.spec.labels, self.labels)
            expires = None if self.endless else snapshot.spec.expires
            if self.lifetime is not None:
                expires = end_of("A snapshot", self.lifetime, bound.drawn.now)
            spec = msgspec.structs.replace(snapshot.spec, labels=labels, protected=protected, expires=expires)
            new = msgspec.structs.replace(
                snapshot, spec=spec, generation=snapshot.generation + 1, operation=bound.drawn.operation
            )
            resources.update(tx, new)

    def withdrawn(self, tx: Tx, bound: Bound) -> None:
        """Nothing was reserved."""

    def abandoned(self, tx: Tx, bound: Bound, reason: str) -> None:
        """Nothing was reserved."""
