"""Trim a mounted volume: what its file system does not use is given back to the pool's disk."""

from holdfast.engine.request import Bound, Results
from holdfast.model.conditions import Condition
from holdfast.model.errors import WrongState
from holdfast.model.resources import Attachment
from holdfast.model.step import Step
from holdfast.operations.refs import pool_now, pool_ref, usable, volume_now, volume_ref
from holdfast.operations.volume.caring import Care
from holdfast.records import resources
from holdfast.records.contract import Tx
from holdfast.steps.care import TrimResult, VolumeTrimmed

TRIMMED = "Trimmed"
_INSTEAD = {
    "directory": "A directory volume takes just what its files take; trim its pool's disk: fstrim.",
    "block": "What is on a block volume is its user's, who trims it: fstrim where it is mounted, or blkdiscard.",
}


class VolumeTrim(Care, frozen=True, kw_only=True, tag="volume.trim.1"):
    """Of a volume that is mounted writable."""

    done = "trimmed"
    instead = _INSTEAD

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
        """How much."""
        reason = f"{results.get(TrimResult).trimmed} bytes trimmed"
        self.leave(tx, bound, Condition(TRIMMED, True, bound.drawn.now, reason))
