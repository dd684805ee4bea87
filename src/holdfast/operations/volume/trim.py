"""Trim a mounted volume: what its file system does not use is given back to the pool's disk."""

import msgspec

from holdfast.engine.request import Binding, Bound, Drawn, Results
from holdfast.model.conditions import Condition, renew
from holdfast.model.errors import Invalid, WrongState
from holdfast.model.operations import ResourceRef
from holdfast.model.resources import Attachment, Volume
from holdfast.model.step import Step
from holdfast.operations.base import Asked
from holdfast.operations.refs import find_pool, find_volume, pool_now, pool_ref, usable, volume_now, volume_ref
from holdfast.records import resources
from holdfast.records.claims import on_uid
from holdfast.records.contract import Tx
from holdfast.steps.care import TrimResult, VolumeTrimmed

TRIMMED = "Trimmed"
_NOT_TRIMMED = {
    "directory": "A directory volume takes just what its files take; trim its pool's disk: fstrim.",
    "block": "What is on a block volume is its user's, who trims it: fstrim where it is mounted, or blkdiscard.",
}


class VolumeTrim(Asked, frozen=True, kw_only=True, tag="volume.trim.1"):
    """Of content filesystem, and mounted writable."""

    pool: str
    name: str

    def bind(self, tx: Tx, drawn: Drawn) -> Binding:
        """The volume: nobody unmounts it meanwhile."""
        pool = find_pool(tx, self.pool)
        volume = find_volume(tx, pool, self.name)
        if volume.spec.content != "filesystem":
            raise Invalid("Only filesystem volumes are trimmed.", _NOT_TRIMMED[volume.spec.content])
        claims = (on_uid(pool.uid, "shared"), on_uid(volume.uid))
        ref = ResourceRef("volume", volume.uid, f"{self.pool}/{self.name}")
        return Binding(ref, claims, {"pool": pool.uid, "volume": volume.uid})

    def plan(self, tx: Tx, bound: Bound) -> tuple[Step, ...]:
        """At the first path where it is mounted writable; which one does not matter."""
        pool = pool_now(tx, bound.uids["pool"], self.pool)
        volume = volume_now(tx, bound.uids["volume"], self.name)
        usable(volume)
        for attachment in resources.page(tx, Attachment, volume.uid):
            spec = attachment.spec
            if spec.member == bound.drawn.member and not spec.read_only:
                return (VolumeTrimmed(pool_ref(pool, bound.drawn.owner), volume_ref(volume), spec.path),)
        raise WrongState(
            f"The volume {self.pool}/{self.name} is not mounted writable; only a mounted file system can be trimmed.",
            f"Mount it first: holdfast volume mount {self.pool}/{self.name} PATH",
        )

    def outcome(self, tx: Tx, bound: Bound, results: Results) -> None:
        """How much, as a condition."""
        volume = resources.by_uid(tx, Volume, bound.uids["volume"])
        if volume is not None:
            reason = f"{results.get(TrimResult).trimmed} bytes trimmed"
            conditions = renew(volume.conditions, Condition(TRIMMED, True, bound.drawn.now, reason))
            resources.update(tx, msgspec.structs.replace(volume, conditions=conditions))

    def withdrawn(self, tx: Tx, bound: Bound) -> None:
        """Nothing was reserved."""

    def abandoned(self, tx: Tx, bound: Bound, reason: str) -> None:
        """Nothing that anybody sees was changed: the volume is as it was."""
