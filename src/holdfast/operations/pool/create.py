"""Create a pool: mark an empty place, then it is ready.

The place is claimed by name, so that two pools never race for one directory, nor lie inside each other.
"""

import msgspec

from holdfast.engine.request import Binding, Bound, Drawn, Results
from holdfast.host.mounttable import is_under
from holdfast.model.errors import Exists, Invalid
from holdfast.model.names import check_labels, check_name
from holdfast.model.operations import ResourceRef
from holdfast.model.resources import Pool, PoolSpec, PoolStatus
from holdfast.model.sizes import parse_size
from holdfast.model.step import Step
from holdfast.operations.base import Asked, Desk
from holdfast.operations.refs import mark_abandoned, pool_ref
from holdfast.records import resources
from holdfast.records.claims import on_name, on_uid
from holdfast.records.contract import Tx
from holdfast.steps.pool import PoolMade, PoolMake


def check_place(tx: Tx, name: str, driver: str, place: str, own: str) -> None:
    """Nobody has the name, and no other pool shares, contains or lies inside the place; raise Exists or Invalid."""
    for pool in resources.page(tx, Pool):
        if pool.uid == own:
            continue
        if pool.name == name:
            raise Exists(f"There is a pool {name} already.")
        other = pool.spec.place
        if pool.spec.driver == driver and (is_under(place, other) or is_under(other, place)):
            raise Invalid(f"{place} and the pool {pool.name} at {other} lie inside each other.")


class PoolCreate(Asked, frozen=True, kw_only=True, tag="pool.create.1"):
    """`limit` bounds the sum of the volumes' sizes, in bytes or as '10GiB'. `place` is the driver's to say."""

    name: str
    driver: str = "dir"
    config: dict[str, str]
    limit: int | str | None = None
    place: str = ""
    labels: dict[str, str] = {}

    def checked(self, desk: Desk) -> "PoolCreate":
        """Name, driver, options, the place."""
        check_name("pool", self.name)
        check_labels(self.labels)
        driver = desk.drivers.named(self.driver)
        config = driver.validate(self.config)
        limit = None if self.limit is None else parse_size(self.limit)
        asked = msgspec.structs.replace(self, config=config, limit=limit, place=driver.place(config))
        desk.records.read(lambda tx: check_place(tx, self.name, self.driver, asked.place, ""))
        return asked

    def bind(self, tx: Tx, drawn: Drawn) -> Binding:
        """A new uid; the name; all places, for the check of who is inside of whom."""
        check_place(tx, self.name, self.driver, self.place, "")
        claims = (on_uid(drawn.uid), on_name("", self.name), on_name("places", self.driver))
        return Binding(ResourceRef("pool", drawn.uid, self.name), claims)

    def plan(self, tx: Tx, bound: Bound) -> tuple[Step, ...]:
        """Reserve the row; mark the place."""
        check_place(tx, self.name, self.driver, self.place, bound.drawn.uid)
        limit = None if self.limit is None else parse_size(self.limit)
        pool = Pool(
            uid=bound.drawn.uid, name=self.name, created=bound.drawn.now, operation=bound.drawn.operation,
            spec=PoolSpec(
                driver=self.driver, config=self.config, place=self.place, limit=limit, labels=self.labels
            ),
            status=PoolStatus(),
        )  # fmt: skip
        resources.insert(tx, pool)
        return (PoolMake(pool_ref(pool, bound.drawn.owner)),)

    def outcome(self, tx: Tx, bound: Bound, results: Results) -> None:
        """Ready, with the place's identity."""
        self._keep(tx, bound, results.get(PoolMade), ready=True)

    def _keep(self, tx: Tx, bound: Bound, made: PoolMade, *, ready: bool) -> None:
        pool = resources.by_uid(tx, Pool, bound.drawn.uid)
        if pool is not None:
            status = PoolStatus(ready=ready, identity=made.identity, connects=made.connects)
            resources.update(tx, msgspec.structs.replace(pool, status=status))

    def learned(self, tx: Tx, bound: Bound, results: Results) -> None:
        """Where it is, if it was marked."""
        self._keep(tx, bound, results.find(PoolMade, PoolMade({})), ready=False)

    def withdrawn(self, tx: Tx, bound: Bound) -> None:
        """The row goes."""
        resources.delete(tx, bound.drawn.uid)

    def abandoned(self, tx: Tx, bound: Bound, reason: str) -> None:
        """The row stays."""
        mark_abandoned(tx, Pool, bound.drawn.uid, reason, bound.drawn.now)
