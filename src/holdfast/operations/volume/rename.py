"""Rename a volume: in its mark, then in the record. Its uid, data and mounts do not move."""

import msgspec

from holdfast.engine.request import Binding, Bound, Drawn, Results
from holdfast.model.conditions import ABANDONED, holds
from holdfast.model.errors import Exists
from holdfast.model.names import check_name
from holdfast.model.operations import ResourceRef
from holdfast.model.resources import Volume
from holdfast.model.step import Step
from holdfast.operations.base import Asked, Desk
from holdfast.operations.refs import (
    check_match,
    find_pool,
    find_volume,
    mark_abandoned,
    pool_now,
    pool_ref,
    usable,
    volume_now,
    volume_ref,
)
from holdfast.records import resources
from holdfast.records.claims import on_name, on_uid
from holdfast.records.contract import Tx
from holdfast.steps.volume import NameSeen
from holdfast.steps.volume import VolumeRename as RenameStep


class VolumeRename(Asked, frozen=True, kw_only=True, tag="volume.rename.1"):
    """`new_name` within the same pool."""

    pool: str
    name: str
    new_name: str
    if_match: str = ""

    def checked(self, desk: Desk) -> "VolumeRename":
        """The new name."""
        check_name("volume", self.new_name)
        return self

    def bind(self, tx: Tx, drawn: Drawn) -> Binding:
        """The volume, its name and the new one."""
        pool = find_pool(tx, self.pool)
        volume = find_volume(tx, pool, self.name)
        check_match(volume, self.if_match)
        if self.new_name != self.name:  # to its own name: what settles a volume whose operation was abandoned
            usable(volume)
        self._check_free(tx, pool.uid)
        names = dict.fromkeys((self.name, self.new_name))
        claims = (on_uid(pool.uid, "shared"), on_uid(volume.uid), *(on_name(pool.uid, name) for name in names))
        ref = ResourceRef("volume", volume.uid, f"{self.pool}/{self.name}")
        return Binding(ref, claims, {"pool": pool.uid, "volume": volume.uid})

    def _check_free(self, tx: Tx, pool: str) -> None:
        if self.new_name != self.name and resources.by_name(tx, Volume, pool, self.new_name) is not None:
            raise Exists(f"There is a volume {self.new_name} in the pool {self.pool} already.")

    def plan(self, tx: Tx, bound: Bound) -> tuple[Step, ...]:
        """Check again; rewrite the mark."""
        pool = pool_now(tx, bound.uids["pool"], self.pool)
        volume = volume_now(tx, bound.uids["volume"], self.name)
        check_match(volume, self.if_match)
        if self.new_name != self.name:
            usable(volume)
        self._check_free(tx, pool.uid)
        return (RenameStep(pool_ref(pool, bound.drawn.owner), volume_ref(volume), self.new_name),)

    def outcome(self, tx: Tx, bound: Bound, results: Results) -> None:
        """The record follows."""
        volume = resources.by_uid(tx, Volume, bound.uids["volume"])
        if volume is not None:
            if holds(volume.conditions, ABANDONED):
                volume = _settled(volume, results.find(NameSeen, NameSeen()).size)
            settled = tuple(c for c in volume.conditions if c.type != ABANDONED)
            new = msgspec.structs.replace(
                volume,
                conditions=settled,
                name=self.new_name,
                generation=volume.generation + 1,
                operation=bound.drawn.operation,
            )
            resources.update(tx, new)

    def withdrawn(self, tx: Tx, bound: Bound) -> None:
        """Nothing was reserved: the claim held the name."""

    def abandoned(self, tx: Tx, bound: Bound, reason: str) -> None:
        """The row stays."""
        mark_abandoned(tx, Volume, bound.uids["volume"], reason, bound.drawn.now)


def _settled(volume: Volume, size: int) -> Volume:
    """What was abandoned may have resized or restored it: its size is what its mark tells."""
    spec = msgspec.structs.replace(volume.spec, size=size or volume.spec.size)
    status = msgspec.structs.replace(volume.status, size_before=None)
    return msgspec.structs.replace(volume, spec=spec, status=status)
