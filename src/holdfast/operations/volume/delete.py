"""Delete a volume: refused while it is attached, by the records and by the kernel; the row goes last."""

import msgspec

from holdfast.engine.request import Binding, Bound, Drawn, Results
from holdfast.model.errors import InUse
from holdfast.model.operations import ResourceRef
from holdfast.model.resources import Attachment, Pool, Snapshot, Volume
from holdfast.model.step import Step
from holdfast.operations.base import Asked
from holdfast.operations.refs import (
    check_match,
    find_pool,
    find_volume,
    mark_abandoned,
    pool_now,
    pool_ref,
    volume_now,
    volume_ref,
)
from holdfast.records import resources
from holdfast.records.claims import on_name, on_uid
from holdfast.records.contract import Tx
from holdfast.steps.volume import VolumeRemove


class VolumeDelete(Asked, frozen=True, kw_only=True, tag="volume.delete.1"):
    """By name."""

    pool: str
    name: str
    if_match: str = ""

    destructive = True

    def bind(self, tx: Tx, drawn: Drawn) -> Binding:
        """The volume and its name."""
        pool = find_pool(tx, self.pool)
        volume = find_volume(tx, pool, self.name)
        check_match(volume, self.if_match)
        claims = (on_uid(pool.uid, "shared"), on_uid(volume.uid), on_name(pool.uid, self.name))
        ref = ResourceRef("volume", volume.uid, f"{self.pool}/{self.name}")
        return Binding(ref, claims, {"pool": pool.uid, "volume": volume.uid})

    def plan(self, tx: Tx, bound: Bound) -> tuple[Step, ...]:
        """Refuse while attached; remove."""
        pool: Pool = pool_now(tx, bound.uids["pool"], self.pool)
        volume = volume_now(tx, bound.uids["volume"], self.name)
        check_match(volume, self.if_match)
        for attachment in resources.page(tx, Attachment, volume.uid):
            where = attachment.spec.path
            raise InUse(
                f"The volume {self.pool}/{self.name} is mounted at {where}.",
                f"Unmount it first: holdfast volume unmount {where}",
            )
        if resources.has_children(tx, Snapshot, volume.uid):
            raise InUse(
                f"The volume {self.pool}/{self.name} has snapshots.",
                f"Delete them first; `holdfast snapshot list {self.pool}/{self.name}` shows them.",
            )
        resources.update(tx, msgspec.structs.replace(volume, operation=bound.drawn.operation))
        return (VolumeRemove(pool_ref(pool, bound.drawn.owner), volume_ref(volume)),)

    def outcome(self, tx: Tx, bound: Bound, results: Results) -> None:
        """The row and its size go last."""
        resources.delete(tx, bound.uids["volume"])

    def withdrawn(self, tx: Tx, bound: Bound) -> None:
        """The row is as it was."""

    def abandoned(self, tx: Tx, bound: Bound, reason: str) -> None:
        """The row and its size stay."""
        mark_abandoned(tx, Volume, bound.uids["volume"], reason, bound.drawn.now)
