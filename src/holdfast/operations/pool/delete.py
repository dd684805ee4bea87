"""Delete a pool: only an empty one, and only when the place itself says that it is empty."""

import msgspec

from holdfast.engine.request import Binding, Bound, Drawn, Results
from holdfast.model.errors import InUse, NotFound
from holdfast.model.operations import ResourceRef
from holdfast.model.resources import Pool, Volume
from holdfast.model.step import Step
from holdfast.operations.base import Asked
from holdfast.operations.refs import check_match, find_pool, mark_abandoned, pool_ref
from holdfast.records import resources
from holdfast.records.claims import on_name, on_uid
from holdfast.records.contract import Tx
from holdfast.steps.hosts import HostsGone
from holdfast.steps.pool import PoolRemove


class PoolDelete(Asked, frozen=True, kw_only=True, tag="pool.delete.1"):
    """By name."""

    name: str
    if_match: str = ""

    destructive = True

    def bind(self, tx: Tx, drawn: Drawn) -> Binding:
        """The pool, exclusively: no operation on a volume runs meanwhile."""
        pool = find_pool(tx, self.name)
        check_match(pool, self.if_match)
        claims = (on_uid(pool.uid), on_name("", self.name))
        return Binding(ResourceRef("pool", pool.uid, self.name), claims, {"pool": pool.uid})

    def plan(self, tx: Tx, bound: Bound) -> tuple[Step, ...]:
        """Refuse while a volume is recorded; remove the mark."""
        pool = resources.by_uid(tx, Pool, bound.uids["pool"])
        if pool is None or pool.name != self.name:
            raise NotFound(f"The pool {self.name} is not there any more.")
        check_match(pool, self.if_match)
        if resources.has_children(tx, Volume, pool.uid):
            raise InUse(f"The pool {self.name} has volumes.", f"`holdfast volume list {self.name}` shows them.")
        resources.update(tx, msgspec.structs.replace(pool, operation=bound.drawn.operation))
        place = pool_ref(pool, bound.drawn.owner)
        if pool.status.connects and _is_last(tx, pool):
            return HostsGone(place, bound.drawn.member), PoolRemove(place)
        return (PoolRemove(place),)

    def outcome(self, tx: Tx, bound: Bound, results: Results) -> None:
        """The row goes last."""
        resources.delete(tx, bound.uids["pool"])

    def withdrawn(self, tx: Tx, bound: Bound) -> None:
        """The row is as it was."""

    def abandoned(self, tx: Tx, bound: Bound, reason: str) -> None:
        """The row stays."""
        mark_abandoned(tx, Pool, bound.uids["pool"], reason, bound.drawn.now)


def _is_last(tx: Tx, pool: Pool) -> bool:
    """Whether no other pool is on its array: behind the last one nobody would know where the entries of hosts are."""
    array = pool.status.identity.get("array")
    return not any(
        other.uid != pool.uid and other.status.connects and other.status.identity.get("array") == array
        for other in resources.page(tx, Pool)
    )
