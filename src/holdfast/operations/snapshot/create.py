"""Take a snapshot of a volume, mounted or not: its row is reserved, then it is copied in one step, at one moment.

What is not whole yet is in no list. A snapshot counts nothing towards the pool's limit, which bounds what people asked
for; what it takes of the pool is shown.
"""

import msgspec

from holdfast.engine.request import Binding, Bound, Drawn, Results
from holdfast.model.errors import Exists, Invalid, WrongState
from holdfast.model.lifetimes import end_of
from holdfast.model.names import check_labels, check_name
from holdfast.model.operations import ResourceRef
from holdfast.model.resources import Snapshot, SnapshotSpec, SnapshotStatus
from holdfast.model.step import Step
from holdfast.operations.base import Asked, Desk
from holdfast.operations.connecting import visited
from holdfast.operations.refs import (
    find_pool,
    find_volume,
    mark_abandoned,
    pool_now,
    pool_ref,
    snapshot_ref,
    usable,
    volume_now,
    volume_ref,
)
from holdfast.records import resources
from holdfast.records.claims import on_name, on_uid
from holdfast.records.contract import Tx
from holdfast.steps.copy import VolumeCopy
from holdfast.steps.settling import CopySettled
from holdfast.steps.volume import VolumeCopied


class SnapshotCreate(Asked, frozen=True, kw_only=True, tag="snapshot.create.1"):
    """Of the volume `volume`, as `name`; `lifetime` in seconds, None for ever."""

    pool: str
    volume: str
    name: str
    labels: dict[str, str] = {}
    protected: bool = False
    lifetime: float | None = None

    def checked(self, desk: Desk) -> "SnapshotCreate":
        """Name, labels, lifetime, and that the driver can."""
        check_name("snapshot", self.name)
        check_labels(self.labels)
        end_of("A snapshot", self.lifetime, 0)
        pool = desk.records.read(lambda tx: find_pool(tx, self.pool))
        if not desk.drivers.named(pool.spec.driver).info.snapshots:
            raise Invalid(f"The driver {pool.spec.driver} takes no snapshots.", "Copy the volume, or use its back end.")
        return self

    def bind(self, tx: Tx, drawn: Drawn) -> Binding:
        """The volume, the new name and uid."""
        pool = find_pool(tx, self.pool)
        volume = find_volume(tx, pool, self.volume)
        usable(volume)
        self._check_free(tx, volume.uid)
        claims = (
            on_uid(pool.uid, "shared"), on_uid(volume.uid), on_uid(drawn.uid), on_name(volume.uid, self.name),
        )  # fmt: skip
        ref = ResourceRef("snapshot", drawn.uid, f"{self.pool}/{self.volume}@{self.name}")
        return Binding(ref, claims, {"pool": pool.uid, "volume": volume.uid})

    def _check_free(self, tx: Tx, volume: str) -> None:
        if resources.by_name(tx, Snapshot, volume, self.name) is not None:
            raise Exists(f"There is a snapshot {self.name} of {self.pool}/{self.volume} already.")

    def plan(self, tx: Tx, bound: Bound) -> tuple[Step, ...]:
        """Reserve the row; copy."""
        pool = pool_now(tx, bound.uids["pool"], self.pool)
        volume = volume_now(tx, bound.uids["volume"], self.volume)
        usable(volume)
        if not volume.status.ready:
            raise WrongState(f"The volume {self.volume} is not ready.")
        self._check_free(tx, volume.uid)
        spec = volume.spec
        snapshot = Snapshot(
            uid=bound.drawn.uid, name=self.name, parent=volume.uid, created=bound.drawn.now,
            operation=bound.drawn.operation,
            spec=SnapshotSpec(
                size=spec.size, content=spec.content, fs=spec.fs, labels=self.labels, protected=self.protected,
                expires=end_of("A snapshot", self.lifetime, bound.drawn.now),
            ),
            status=SnapshotStatus(fs_uuid=volume.status.fs_uuid),
        )  # fmt: skip
        resources.insert(tx, snapshot)
        place, what = pool_ref(pool, bound.drawn.owner), snapshot_ref(snapshot)
        copy = VolumeCopy(place, volume_ref(volume), what)
        if not (spec.fs and pool.status.connects):
            return (copy,)
        return copy, *visited(pool, place, what, bound.drawn.member, CopySettled(place, what))

    def outcome(self, tx: Tx, bound: Bound, results: Results) -> None:
        """Ready, and how it was taken."""
        self._note(tx, bound, results, ready=True)

    def _note(self, tx: Tx, bound: Bound, results: Results, *, ready: bool) -> None:
        snapshot = resources.by_uid(tx, Snapshot, bound.drawn.uid)
        if snapshot is not None:
            made = results.find(VolumeCopied, VolumeCopied())
            status = msgspec.structs.replace(snapshot.status, ready=ready, identity=made.identity, taken=made.taken)
            resources.update(tx, msgspec.structs.replace(snapshot, status=status))

    def learned(self, tx: Tx, bound: Bound, results: Results) -> None:
        """By its identity a device or a connection of it is found."""
        self._note(tx, bound, results, ready=False)

    def withdrawn(self, tx: Tx, bound: Bound) -> None:
        """The row goes."""
        resources.delete(tx, bound.drawn.uid)

    def abandoned(self, tx: Tx, bound: Bound, reason: str) -> None:
        """The row stays."""
        mark_abandoned(tx, Snapshot, bound.drawn.uid, reason, bound.drawn.now)
