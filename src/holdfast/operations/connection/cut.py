"""Cut a volume's connection to another host: a dead member's, or one that is not ours. Only ever asked for."""

from holdfast.engine.request import Binding, Bound, Drawn, Results
from holdfast.model.errors import InUse, Invalid
from holdfast.model.operations import ResourceRef
from holdfast.model.resources import Attachment
from holdfast.model.step import Step
from holdfast.operations.base import Asked
from holdfast.operations.refs import find_pool, find_volume, pool_now, pool_ref, volume_now, volume_ref
from holdfast.records import resources
from holdfast.records.claims import on_uid
from holdfast.records.contract import Tx
from holdfast.steps.connection import ConnectionGone


class ConnectionCut(Asked, frozen=True, kw_only=True, tag="connection.cut.1"):
    """`host` is the back end's own name of the host. Whoever uses the volume there loses it at once."""

    pool: str
    name: str
    host: str

    destructive = True

    def bind(self, tx: Tx, drawn: Drawn) -> Binding:
        """The volume, as a mount would."""
        pool = find_pool(tx, self.pool)
        volume = find_volume(tx, pool, self.name)
        if not pool.status.connects:
            raise Invalid(f"Volumes of the pool {self.pool} are not connected to hosts.")
        claims = (on_uid(pool.uid, "shared"), on_uid(volume.uid))
        ref = ResourceRef("volume", volume.uid, f"{self.pool}/{self.name}")
        return Binding(ref, claims, {"pool": pool.uid, "volume": volume.uid})

    def plan(self, tx: Tx, bound: Bound) -> tuple[Step, ...]:
        """Never the connection that a mount of ours goes through."""
        pool = pool_now(tx, bound.uids["pool"], self.pool)
        volume = volume_now(tx, bound.uids["volume"], self.name)
        for attachment in resources.page(tx, Attachment, volume.uid):
            where = attachment.spec.path
            raise InUse(
                f"The volume {self.pool}/{self.name} is mounted at {where}; none of its connections is cut meanwhile.",
                f"Unmount it first: holdfast volume unmount {where}",
            )
        return (ConnectionGone(pool_ref(pool, bound.drawn.owner), volume_ref(volume), self.host),)

    def outcome(self, tx: Tx, bound: Bound, results: Results) -> None:
        """Nothing was recorded."""

    def withdrawn(self, tx: Tx, bound: Bound) -> None:
        """Nothing was reserved."""

    def abandoned(self, tx: Tx, bound: Bound, reason: str) -> None:
        """Nothing was reserved."""
