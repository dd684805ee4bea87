"""Import a pool that no record knows: its volumes and snapshots come back into the records from the pool alone.

What does not prove to be whole and the owner's stays where it is, and the audit tells of it. Nothing in the pool is
changed, but for the owner in its marks if it is taken over.
"""

import msgspec

from holdfast.engine.request import Binding, Bound, Drawn, Results
from holdfast.model.errors import Exists, Invalid, Refused
from holdfast.model.names import check_labels, check_name
from holdfast.model.operations import ResourceRef
from holdfast.model.resources import Member, Pool, PoolSpec, PoolStatus
from holdfast.model.step import Step
from holdfast.operations.base import Asked, Desk
from holdfast.operations.pool.create import check_place
from holdfast.operations.pool.found import record
from holdfast.operations.refs import mark_abandoned, pool_ref
from holdfast.records import meta, resources
from holdfast.records.claims import on_name, on_uid
from holdfast.records.contract import Tx
from holdfast.steps.importing import PoolObjects, PoolRead, PoolTakenOver

_COUNTER = "counter"
_MEANING = (
    "Taking it over makes all that is in it this installation's, for good: do it only if that other one is gone and "
    "will not come back, for two that use one pool destroy it. Then add --take-over."
)


class PoolImport(Asked, frozen=True, kw_only=True, tag="pool.import.1"):
    """`uid`, `owner` and `counter` are what its mark tells, and `place` is the driver's to say."""

    name: str
    driver: str = "dir"
    config: dict[str, str]
    labels: dict[str, str] = {}
    take_over: bool = False
    uid: str = ""
    owner: str = ""
    counter: int = 0
    place: str = ""

    destructive = True

    def checked(self, desk: Desk) -> "PoolImport":
        """Name, options, what is there, and whose."""
        check_name("pool", self.name)
        check_labels(self.labels)
        driver = desk.drivers.named(self.driver)
        config = driver.validate(self.config)
        found = driver.find_pool(config)
        asked = msgspec.structs.replace(
            self, config=config, place=driver.place(config), uid=found.uid, owner=found.owner, counter=found.counter
        )
        (member, *_) = desk.records.read(lambda tx: resources.page(tx, Member))
        if found.owner != member.uid and not self.take_over:
            raise Refused(
                f"The pool in {asked.place} is another installation's: its owner is {found.owner}, not {member.uid}.",
                _MEANING,
            )
        desk.records.read(asked._check_free)
        return asked

    def _check_free(self, tx: Tx) -> None:
        check_place(tx, self.name, self.driver, self.place, "")
        known = resources.by_uid(tx, Pool, self.uid)
        if known is not None:
            raise Exists(
                f"The pool in {self.place} is recorded already, as {known.name} at {known.spec.place}.",
                "A copy of a pool's directory cannot be used beside the pool itself.",
            )

    def bind(self, tx: Tx, drawn: Drawn) -> Binding:
        """The pool's own uid; the name; all places."""
        if not self.uid:
            raise Invalid("The pool was not looked at.")
        self._check_free(tx)
        claims = (on_uid(self.uid), on_name("", self.name), on_name("places", self.driver))
        return Binding(ResourceRef("pool", self.uid, self.name), claims, {"pool": self.uid})

    def plan(self, tx: Tx, bound: Bound) -> tuple[Step, ...]:
        """Reserve the row; overtake the counter in its mark, which a later state of another database wrote."""
        self._check_free(tx)
        meta.put(tx, _COUNTER, max(meta.get(tx, _COUNTER), self.counter + 1))
        pool = Pool(
            uid=self.uid, name=self.name, created=bound.drawn.now, operation=bound.drawn.operation,
            spec=PoolSpec(driver=self.driver, config=self.config, place=self.place, labels=self.labels),
            status=PoolStatus(),
        )  # fmt: skip
        resources.insert(tx, pool)
        ref = pool_ref(pool, bound.drawn.owner)
        foreign = self.owner != bound.drawn.owner
        return (PoolTakenOver(ref, self.owner), PoolRead(ref)) if foreign else (PoolRead(ref),)

    def outcome(self, tx: Tx, bound: Bound, results: Results) -> None:
        """Ready, with all that was found whole."""
        pool = resources.by_uid(tx, Pool, self.uid)
        if pool is None:
            return
        found = results.get(PoolObjects)
        status = PoolStatus(ready=True, identity=found.identity, connects=found.connects)
        resources.update(tx, msgspec.structs.replace(pool, status=status))
        record(tx, self.uid, found.objects, bound)

    def withdrawn(self, tx: Tx, bound: Bound) -> None:
        """The row goes; the pool is as it was."""
        resources.delete(tx, self.uid)

    def abandoned(self, tx: Tx, bound: Bound, reason: str) -> None:
        """The row stays."""
        mark_abandoned(tx, Pool, self.uid, reason, bound.drawn.now)
