"""Check a volume's file system while nobody uses it. What is found is told, and never repaired."""

from holdfast.engine.request import Bound, Results
from holdfast.host.checks import CheckResult
from holdfast.model.conditions import DAMAGED, Condition
from holdfast.model.errors import InUse, WrongState
from holdfast.model.resources import Attachment
from holdfast.model.step import Step
from holdfast.operations.connecting import visited
from holdfast.operations.refs import pool_now, pool_ref, usable, volume_now, volume_ref
from holdfast.operations.volume.caring import Care
from holdfast.records import resources
from holdfast.records.contract import Tx
from holdfast.steps.care import VolumeChecked

# True just if the last check found nothing wrong.
CHECKED = "Checked"
_LONGEST = 300
_INSTEAD = {
    "directory": "A directory volume has no file system of its own; check that of its pool's disk.",
    "block": "What is on a block volume is its user's; check it with the tool that it was made by.",
}

# A mount refuses what does not show the file system that was made; these showed it.
_THERE = ("clean", "replay")


class VolumeCheck(Care, frozen=True, kw_only=True, tag="volume.check.1"):
    """Of a volume that is not mounted."""

    done = "checked"
    instead = _INSTEAD

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
        place, what = pool_ref(pool, bound.drawn.owner), volume_ref(volume)
        return visited(pool, place, what, bound.drawn.member, VolumeChecked(place, what))

    def outcome(self, tx: Tx, bound: Bound, results: Results) -> None:
        """What was found."""
        found = results.get(CheckResult)
        checked = Condition(CHECKED, found.outcome == "clean", found.at, _reason(found))
        self.leave(tx, bound, checked, settled=DAMAGED if found.outcome in _THERE else "")


def _reason(found: CheckResult) -> str:
    if found.outcome == "clean":
        return "clean"
    kind = {"damaged": "damaged", "unproven": "not proven sound", "replay": "needs replay"}[found.outcome]
    return f"{kind}: {found.headline()}"[:_LONGEST]
