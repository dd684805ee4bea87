"""Change what people can choose of a pool: its limit and its labels. Records only."""

import msgspec

from holdfast.engine.request import Binding, Bound, Drawn, Results
from holdfast.model.errors import NotFound
from holdfast.model.names import check_labels
from holdfast.model.operations import ResourceRef
from holdfast.model.resources import Pool
from holdfast.model.sizes import parse_size
from holdfast.model.step import Step
from holdfast.operations.base import Asked, Desk
from holdfast.operations.refs import check_match, find_pool, merge_labels
from holdfast.records import resources
from holdfast.records.claims import on_uid
from holdfast.records.contract import Tx


class PoolChange(Asked, frozen=True, kw_only=True, tag="pool.change.1"):
    """`limit` as of create, None for no limit, left alone if `keep_limit`. `labels` are merged, None removes one."""

    name: str
    limit: int | str | None = None
    keep_limit: bool = False
    labels: dict[str, str | None] = {}
    if_match: str = ""

    def checked(self, desk: Desk) -> "PoolChange":
        """The limit's and the labels' form."""
        check_labels(self.labels)
        return self if self.limit is None else msgspec.structs.replace(self, limit=parse_size(self.limit))

    def bind(self, tx: Tx, drawn: Drawn) -> Binding:
        """The pool, exclusively, so that no volume is being made against the old limit."""
        pool = find_pool(tx, self.name)
        check_match(pool, self.if_match)
        merge_labels(pool.spec.labels, self.labels)
        return Binding(ResourceRef("pool", pool.uid, self.name), (on_uid(pool.uid),), {"pool": pool.uid})

    def plan(self, tx: Tx, bound: Bound) -> tuple[Step, ...]:
        """Check again; the world is not concerned."""
        pool = resources.by_uid(tx, Pool, bound.uids["pool"])
        if pool is None:
            raise NotFound(f"The pool {self.name} is not there any more.")
        check_match(pool, self.if_match)
        merge_labels(pool.spec.labels, self.labels)  # refused here: an outcome cannot be
        return ()

    def outcome(self, tx: Tx, bound: Bound, results: Results) -> None:
        """The new limit and labels. A limit below what is provisioned only keeps further volumes out."""
        pool = resources.by_uid(tx, Pool, bound.uids["pool"])
        if pool is not None:
            limit = pool.spec.limit if self.keep_limit else None if self.limit is None else parse_size(self.limit)
            labels = merge_labels(pool.spec.labels, self.labels)
            spec = msgspec.structs.replace(pool.spec, limit=limit, labels=labels)
            new = msgspec.structs.replace(
                pool, spec=spec, generation=pool.generation + 1, operation=bound.drawn.operation
            )
            resources.update(tx, new)

    def withdrawn(self, tx: Tx, bound: Bound) -> None:
        """Nothing was reserved."""

    def abandoned(self, tx: Tx, bound: Bound, reason: str) -> None:
        """Nothing was reserved."""
