"""What looking after a filesystem volume has in common: whom it is for, what it claims, and where its finding goes."""

from typing import ClassVar

import msgspec

from holdfast.engine.request import Binding, Bound, Drawn
from holdfast.model.conditions import Condition, renew, without
from holdfast.model.errors import Invalid
from holdfast.model.operations import ResourceRef
from holdfast.model.resources import Volume
from holdfast.operations.base import Asked
from holdfast.operations.refs import find_pool, find_volume
from holdfast.records import resources
from holdfast.records.claims import on_uid
from holdfast.records.contract import Tx


class Care(Asked, frozen=True, kw_only=True):
    """Of content filesystem. The base of requests that change nothing anybody sees, and leave a condition."""

    # What is done to it, and for each other content what to do instead.
    done: ClassVar[str]
    instead: ClassVar[dict[str, str]]

    pool: str
    name: str

    def bind(self, tx: Tx, drawn: Drawn) -> Binding:
        """The volume: nobody mounts or unmounts it meanwhile."""
        pool = find_pool(tx, self.pool)
        volume = find_volume(tx, pool, self.name)
        if volume.spec.content != "filesystem":
            raise Invalid(f"Only filesystem volumes are {self.done}.", self.instead[volume.spec.content])
        claims = (on_uid(pool.uid, "shared"), on_uid(volume.uid))
        ref = ResourceRef("volume", volume.uid, f"{self.pool}/{self.name}")
        return Binding(ref, claims, {"pool": pool.uid, "volume": volume.uid})

    @staticmethod
    def leave(tx: Tx, bound: Bound, condition: Condition, *, settled: str = "") -> None:
        """The finding, with its own time also where it is the same as before. A condition that it settles goes."""
        volume = resources.by_uid(tx, Volume, bound.uids["volume"])
        if volume is not None:
            conditions = without(renew(volume.conditions, condition), settled)
            resources.update(tx, msgspec.structs.replace(volume, conditions=conditions))

    def withdrawn(self, tx: Tx, bound: Bound) -> None:
        """Nothing was reserved."""

    def abandoned(self, tx: Tx, bound: Bound, reason: str) -> None:
        """Nothing that anybody sees was changed: the volume is as it was."""
