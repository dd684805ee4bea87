"""Recover what was deleted, and the back end still keeps: a volume, or a snapshot of one that is there.

It comes back with the name and size that it had; where another has that name by now, as `recovered-UID`.
"""

import msgspec

from holdfast.engine.request import Binding, Bound, Drawn, Results
from holdfast.model.errors import NotFound, Refused
from holdfast.model.operations import ResourceRef
from holdfast.model.resources import Member, Snapshot, Volume
from holdfast.model.step import Step
from holdfast.operations.base import Asked, Desk
from holdfast.operations.pool.found import free_name, record
from holdfast.operations.refs import check_limit, find_pool, pool_now, pool_ref, usable
from holdfast.records import resources
from holdfast.records.claims import on_name, on_uid
from holdfast.records.contract import Tx
from holdfast.steps.importing import PoolObjects, PoolRecovered


class PoolRecover(Asked, frozen=True, kw_only=True, tag="pool.recover.1"):
    """By the pool's name, and the uid of what was deleted in it.

    How it was `called`, its `size` in bytes, and the volume that a snapshot is `of`, is the driver's to say.
    """

    name: str
    uid: str
    called: str = ""
    of: str = ""
    size: int = 0

    def checked(self, desk: Desk) -> "PoolRecover":
        """What is not kept, and a snapshot whose volume is gone, is refused at once."""
        pool = desk.records.read(lambda tx: find_pool(tx, self.name))
        usable(pool)
        (member, *_) = desk.records.read(lambda tx: resources.page(tx, Member))
        ref = pool_ref(pool, member.uid)
        kept = [item for item in desk.drivers.of(ref).inventory(ref) if item.uid == self.uid and item.recoverable]
        if not kept:
            raise NotFound(
                f"Nothing of {self.uid} is kept in the pool {self.name}.",
                f"`holdfast pool deleted {self.name}` tells what is.",
            )
        asked = msgspec.structs.replace(self, called=kept[0].name, of=kept[0].of, size=kept[0].size)
        desk.records.read(asked._check_parent)
        return asked

    def _check_parent(self, tx: Tx) -> None:
        if self.of and resources.by_uid(tx, Volume, self.of) is None:
            raise Refused(
                f"{self.uid} is a snapshot of the volume {self.of}, which is not there.",
                f"Recover that first: `holdfast pool recover {self.name} {self.of}`.",
            )

    def bind(self, tx: Tx, drawn: Drawn) -> Binding:
        """The pool, exclusively: nothing in it moves meanwhile. And what was deleted itself."""
        pool = find_pool(tx, self.name)
        usable(pool)
        claims = (on_uid(pool.uid), on_name("", self.name), on_uid(self.uid))
        return Binding(ResourceRef("pool", pool.uid, self.name), claims, {"pool": pool.uid, "kept": self.uid})

    def plan(self, tx: Tx, bound: Bound) -> tuple[Step, ...]:
        """Ask for it; and where another has its name by now, note there how it is called instead."""
        self._check_parent(tx)
        row = pool_now(tx, bound.uids["pool"], self.name)
        known = resources.by_uid(tx, Volume, self.uid) or resources.by_uid(tx, Snapshot, self.uid)
        if known is None and not self.of:
            check_limit(tx, row, self.size)
        pool = pool_ref(row, bound.drawn.owner)
        name = self._name(tx, pool.uid) if known is None else known.name
        return (PoolRecovered(pool, self.uid, self.called, name, known is not None),)

    def _name(self, tx: Tx, pool: str) -> str:
        if self.of:
            return free_name(tx, Snapshot, self.of, self.uid, self.called)
        return free_name(tx, Volume, pool, self.uid, self.called)

    def outcome(self, tx: Tx, bound: Bound, results: Results) -> None:
        """A row, unless there is one."""
        record(tx, bound.uids["pool"], results.get(PoolObjects).objects, bound)

    def withdrawn(self, tx: Tx, bound: Bound) -> None:
        """Nothing was reserved."""

    def abandoned(self, tx: Tx, bound: Bound, reason: str) -> None:
        """Nothing was reserved."""
