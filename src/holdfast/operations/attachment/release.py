"""Let go of a device or a connection that no attachment wants. Asked by the audit's repair, never by people."""

from holdfast.engine.request import Binding, Bound, Drawn, Results
from holdfast.model.errors import InUse
from holdfast.model.operations import ResourceRef
from holdfast.model.resources import Attachment, Snapshot
from holdfast.model.step import Step
from holdfast.operations.base import Asked
from holdfast.operations.connecting import leaving
from holdfast.operations.refs import around, object_ref, pool_ref
from holdfast.records import resources
from holdfast.records.claims import on_uid
from holdfast.records.contract import Tx
from holdfast.steps.loop import LoopDetach


class DeviceRelease(Asked, frozen=True, kw_only=True, tag="attachment.release.1"):
    """`volume` is the uid of a volume or a snapshot."""

    volume: str

    def bind(self, tx: Tx, drawn: Drawn) -> Binding:
        """The volume, as a mount would."""
        pool, row, name = around(tx, self.volume)
        kind = "snapshot" if isinstance(row, Snapshot) else "volume"
        return Binding(ResourceRef(kind, row.uid, name), (on_uid(pool.uid, "shared"), on_uid(row.uid)))

    def plan(self, tx: Tx, bound: Bound) -> tuple[Step, ...]:
        """Only while nobody wants it."""
        pool, row, name = around(tx, self.volume)
        if resources.has_children(tx, Attachment, row.uid):
            raise InUse(f"{name} is wanted at a path.")
        place, what = pool_ref(pool, bound.drawn.owner), object_ref(row)
        if pool.status.connects:
            return leaving(place, what, bound.drawn.member, back=False)
        return (LoopDetach(place, what),)

    def outcome(self, tx: Tx, bound: Bound, results: Results) -> None:
        """Nothing was recorded."""

    def withdrawn(self, tx: Tx, bound: Bound) -> None:
        """Nothing was reserved."""

    def abandoned(self, tx: Tx, bound: Bound, reason: str) -> None:
        """Nothing was reserved."""
