"""Check a volume's file system while nobody uses it. What is found is told, and never repaired."""

import msgspec

from holdfast.engine.request import Binding, Bound, Drawn, Results
from holdfast.host.checks import CheckResult
from holdfast.model.conditions import Condition, renew
from holdfast.model.errors import InUse, Invalid, WrongState
from holdfast.model.operations import ResourceRef
from holdfast.model.resources import Attachment, Volume
from holdfast.model.step import Step
from holdfast.operations.base import Asked
from holdfast.operations.refs import find_pool, find_volume, pool_now, pool_ref, usable, volume_now, volume_ref
from holdfast.records import resources
from holdfast.records.claims import on_uid
from holdfast.records.contract import Tx
from holdfast.steps.care import VolumeChecked

# True just if the last check found nothing wrong.
CHECKED = "Checked"
_LONGEST = 300
_NOT_CHECKED = {
    "directory": "A directory volume has no file system of its own; check that of its pool's disk.",
    "block": "What is on a block volume is its user's; check it with the tool that it was made by.",
}


class VolumeCheck(Asked, frozen=True, kw_only=True, tag="volume.check.1"):
    """Of content filesystem, and not mounted."""

    pool: str
    name: str

    def bind(self, tx: Tx, drawn: Drawn) -> Binding:
        """The volume: nobody mounts it meanwhile."""
        pool = find_pool(tx, self.pool)
        volume = find_volume(tx, pool, self.name)
        if volume.spec.content != "filesystem":
            raise Invalid("Only filesystem volumes are checked.", _NOT_CHECKED[volume.spec.content])
        claims = (on_uid(pool.uid, "shared"), on_uid(volume.uid))
        ref = ResourceRef("volume", volume.uid, f"{self.pool}/{self.name}")
        return Binding(ref, claims, {"pool": pool.uid, "volume": volume.uid})

    def plan(self, tx: Tx, bound: Bound) -> tuple[Step, ...]:
        """Refuse while attached; look."""
        pool = pool_now(tx, bound.uids["pool"], self.pool)
        volume = volume_now(tx, bound.uids["volume"], self.name)
        usable(volume)
        if not volume.status.ready:
            raise WrongState(
                f"The volume {self.name} is not ready.", f"`holdfast volume show {self.pool}/{self.name}` tells why."
            )
        for attachment in resources.page(tx, Attachment, volume.uid):
            where = attachment.spec.path
            raise InUse(
                f"The volume {self.pool}/{self.name} is mounted at {where}; it is checked only unmounted.",
                f"Unmount it first: holdfast volume unmount {where}",
            )
        return (VolumeChecked(pool_ref(pool, bound.drawn.owner), volume_ref(volume)),)

    def outcome(self, tx: Tx, bound: Bound, results: Results) -> None:
        """What was found, as a condition."""
        volume = resources.by_uid(tx, Volume, bound.uids["volume"])
        if volume is not None:
            found = results.get(CheckResult)
            condition = Condition(CHECKED, found.outcome == "clean", found.at, _reason(found))
            new = msgspec.structs.replace(volume, conditions=renew(volume.conditions, condition))
            resources.update(tx, new)

    def withdrawn(self, tx: Tx, bound: Bound) -> None:
        """Nothing was reserved."""

    def abandoned(self, tx: Tx, bound: Bound, reason: str) -> None:
        """Nothing was changed: the volume is as it was."""


def _reason(found: CheckResult) -> str:
    if found.outcome == "clean":
        return "clean"
    kind = {"damaged": "damaged", "unproven": "not proven sound", "replay": "needs replay"}[found.outcome]
    return f"{kind}: {found.headline()}"[:_LONGEST]
