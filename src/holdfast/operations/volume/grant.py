"""Note that an orchestrator gave a volume to a member, or took it back. Records only: it is used there by a mount."""

import msgspec

from holdfast.engine.request import Binding, Bound, Drawn, Results
from holdfast.model.errors import Exists
from holdfast.model.operations import ResourceRef
from holdfast.model.resources import Grant, Volume
from holdfast.model.step import Step
from holdfast.operations.base import Asked
from holdfast.operations.refs import find_pool, find_volume, usable, volume_now
from holdfast.records import resources
from holdfast.records.claims import on_uid
from holdfast.records.contract import Tx


class VolumeGrant(Asked, frozen=True, kw_only=True, tag="volume.grant.1"):
    """`to` None takes it back."""

    pool: str
    name: str
    to: Grant | None

    def bind(self, tx: Tx, drawn: Drawn) -> Binding:
        """The volume."""
        volume = find_volume(tx, find_pool(tx, self.pool), self.name)
        if self.to is not None:
            usable(volume)
        ref = ResourceRef("volume", volume.uid, f"{self.pool}/{self.name}")
        return Binding(ref, (on_uid(volume.uid),), {"volume": volume.uid})

    def plan(self, tx: Tx, bound: Bound) -> tuple[Step, ...]:
        """It is given once; the world is not concerned."""
        granted = volume_now(tx, bound.uids["volume"], self.name).spec.granted
        if self.to is not None and granted is not None and granted != self.to:
            raise Exists(f"The volume {self.name} is given to the member {granted.member} already.")
        return ()

    def outcome(self, tx: Tx, bound: Bound, results: Results) -> None:
        """Given, or taken back."""
        volume = resources.by_uid(tx, Volume, bound.uids["volume"])
        if volume is not None:
            spec = msgspec.structs.replace(volume.spec, granted=self.to)
            new = msgspec.structs.replace(
                volume, spec=spec, generation=volume.generation + 1, operation=bound.drawn.operation
            )
            resources.update(tx, new)

    def withdrawn(self, tx: Tx, bound: Bound) -> None:
        """Nothing was reserved."""

    def abandoned(self, tx: Tx, bound: Bound, reason: str) -> None:
        """Nothing was reserved."""
