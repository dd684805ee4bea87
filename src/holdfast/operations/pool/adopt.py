"""Adopt what is whole in a pool and has no record: what is newer than a database that was restored.

The names, sizes and snapshots are those of the marks. What is recorded stays as it is.
"""

from holdfast.engine.request import Binding, Bound, Drawn, Results
from holdfast.model.operations import ResourceRef
from holdfast.model.step import Step
from holdfast.operations.base import Asked
from holdfast.operations.pool.found import record
from holdfast.operations.refs import find_pool, pool_now, pool_ref, usable
from holdfast.records.claims import on_name, on_uid
from holdfast.records.contract import Tx
from holdfast.steps.importing import PoolObjects, PoolRead


class PoolAdopt(Asked, frozen=True, kw_only=True, tag="pool.adopt.1"):
    """By name; only these `uids`, unless there are none."""

    name: str
    uids: tuple[str, ...] = ()

    def bind(self, tx: Tx, drawn: Drawn) -> Binding:
        """The pool, exclusively: nothing in it moves meanwhile."""
        pool = find_pool(tx, self.name)
        usable(pool)
        claims = (on_uid(pool.uid), on_name("", self.name))
        return Binding(ResourceRef("pool", pool.uid, self.name), claims, {"pool": pool.uid})

    def plan(self, tx: Tx, bound: Bound) -> tuple[Step, ...]:
        """Read it."""
        return (PoolRead(pool_ref(pool_now(tx, bound.uids["pool"], self.name), bound.drawn.owner)),)

    def outcome(self, tx: Tx, bound: Bound, results: Results) -> None:
        """Rows for what had none."""
        found = results.get(PoolObjects).objects
        wanted = [each for each in found if not self.uids or each.uid in self.uids]
        record(tx, bound.uids["pool"], wanted, bound)

    def withdrawn(self, tx: Tx, bound: Bound) -> None:
        """Nothing was reserved."""

    def abandoned(self, tx: Tx, bound: Bound, reason: str) -> None:
        """Nothing was reserved."""
