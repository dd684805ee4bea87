"""Change a volume's labels: what people note on it. Records only; nothing in the world knows of them."""

import msgspec

from holdfast.engine.request import Binding, Bound, Drawn, Results
from holdfast.model.names import check_labels
from holdfast.model.operations import ResourceRef
from holdfast.model.resources import Volume
from holdfast.model.step import Step
from holdfast.operations.base import Asked, Desk
from holdfast.operations.refs import check_match, find_pool, find_volume, merge_labels, volume_now
from holdfast.records import resources
from holdfast.records.claims import on_uid
from holdfast.records.contract import Tx


class VolumeLabel(Asked, frozen=True, kw_only=True, tag="volume.label.1"):
    """`labels` are merged into what is there; a value of None removes one."""

    pool: str
    name: str
    labels: dict[str, str | None]
    if_match: str = ""

    def checked(self, desk: Desk) -> "VolumeLabel":
        """The labels' form."""
        check_labels(self.labels)
        return self

    def bind(self, tx: Tx, drawn: Drawn) -> Binding:
        """The volume."""
        pool = find_pool(tx, self.pool)
        volume = find_volume(tx, pool, self.name)
        check_match(volume, self.if_match)
        merge_labels(volume.spec.labels, self.labels)
        ref = ResourceRef("volume", volume.uid, f"{self.pool}/{self.name}")
        return Binding(ref, (on_uid(volume.uid),), {"volume": volume.uid})

    def plan(self, tx: Tx, bound: Bound) -> tuple[Step, ...]:
        """Check again; the world is not concerned."""
        volume = volume_now(tx, bound.uids["volume"], self.name)
        check_match(volume, self.if_match)
        merge_labels(volume.spec.labels, self.labels)  # refused here: an outcome cannot be
        return ()

    def outcome(self, tx: Tx, bound: Bound, results: Results) -> None:
        """The labels."""
        volume = resources.by_uid(tx, Volume, bound.uids["volume"])
        if volume is not None:
            spec = msgspec.structs.replace(volume.spec, labels=merge_labels(volume.spec.labels, self.labels))
            new = msgspec.structs.replace(
                volume, spec=spec, generation=volume.generation + 1, operation=bound.drawn.operation
            )
            resources.update(tx, new)

    def withdrawn(self, tx: Tx, bound: Bound) -> None:
        """Nothing was reserved."""

    def abandoned(self, tx: Tx, bound: Bound, reason: str) -> None:
        """Nothing was reserved."""
