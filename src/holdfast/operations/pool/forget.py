"""Forget a pool: drop its records and touch nothing in the world. For a back end that is gone for good."""

from holdfast.engine.request import Binding, Bound, Drawn, Results
from holdfast.model.errors import NotFound
from holdfast.model.operations import ResourceRef
from holdfast.model.resources import Attachment, Pool, Snapshot, Volume
from holdfast.model.step import Step
from holdfast.operations.base import Asked
from holdfast.operations.refs import find_pool, object_ref, pool_ref
from holdfast.records import resources
from holdfast.records.claims import on_name, on_uid
from holdfast.records.contract import Tx
from holdfast.steps.paths import DevicesFree, DevicesGone, PathsFree


class PoolForget(Asked, frozen=True, kw_only=True, tag="pool.forget.1"):
    """By name. The records of its volumes and snapshots go too; mounted ones must be unmounted first."""

    name: str

    destructive = True

    def bind(self, tx: Tx, drawn: Drawn) -> Binding:
        """The pool, exclusively."""
        pool = find_pool(tx, self.name)
        claims = (on_uid(pool.uid), on_name("", self.name))
        return Binding(ResourceRef("pool", pool.uid, self.name), claims, {"pool": pool.uid})

    def plan(self, tx: Tx, bound: Bound) -> tuple[Step, ...]:
        """Nothing is touched; but what is still mounted or attached is in use."""
        pool = resources.by_uid(tx, Pool, bound.uids["pool"])
        if pool is None:
            raise NotFound(f"The pool {self.name} is not there any more.")
        volumes = resources.page(tx, Volume, bound.uids["pool"])
        rows: list[Volume | Snapshot] = [*volumes, *_snapshots(tx, volumes)]
        wanted = [a.spec.path for row in rows for a in resources.page(tx, Attachment, row.uid)]
        blocks = tuple(row.uid for row in rows if row.spec.content == "block")
        paths = (PathsFree(tuple(wanted)),) if wanted else ()
        if pool.status.connects:
            known = tuple(object_ref(row) for row in rows if row.status.identity)
            return (*paths, DevicesGone(pool_ref(pool, bound.drawn.owner), known)) if known else paths
        return (*paths, DevicesFree(blocks)) if blocks else paths

    def outcome(self, tx: Tx, bound: Bound, results: Results) -> None:
        """The rows go; what is in the world stays, and the audit of nobody claims it."""
        volumes = resources.page(tx, Volume, bound.uids["pool"])
        for row in (*_snapshots(tx, volumes), *volumes):
            for attachment in resources.page(tx, Attachment, row.uid):
                resources.delete(tx, attachment.uid)
            resources.delete(tx, row.uid)
        resources.delete(tx, bound.uids["pool"])

    def withdrawn(self, tx: Tx, bound: Bound) -> None:
        """Nothing was reserved."""

    def abandoned(self, tx: Tx, bound: Bound, reason: str) -> None:
        """Nothing was reserved."""


def _snapshots(tx: Tx, volumes: list[Volume]) -> list[Snapshot]:
    return [snapshot for volume in volumes for snapshot in resources.page(tx, Snapshot, volume.uid)]
