"""The counter that the database and every pool's mark share: a database behind its pools is an old one.

The database goes first. So a mark may be behind (a crash, a pool that was away), and is stamped again; but a
mark that is ahead was written by a later database than this one.
"""

import structlog

from holdfast.drivers.contract import Driver, PoolRef, Present
from holdfast.drivers.registry import Drivers
from holdfast.engine.engine import Engine
from holdfast.model.errors import Again, HoldfastError
from holdfast.model.resources import Pool
from holdfast.operations.refs import pool_ref
from holdfast.records import meta, resources
from holdfast.records.contract import Records, Tx

log = structlog.get_logger()
COUNTER, STAMPED = "counter", "stamped"


class Counters:
    """Of one daemon."""

    def __init__(self, records: Records, drivers: Drivers, engine: Engine, owner: str) -> None:
        self._records = records
        self._drivers = drivers
        self._engine = engine
        self._owner = owner
        self._seen: dict[str, int] = {}
        self._current: set[str] = set()
        drivers.gate = self.admit

    def _pools(self) -> list[Pool]:
        return [pool for pool in self._records.read(lambda tx: resources.page(tx, Pool)) if pool.status.ready]

    def _driver(self, pool: Pool) -> Driver:
        return self._drivers.named(pool.spec.driver)

    def admit(self, pool: PoolRef) -> None:
        """Before a pool is first used: its mark must not be ahead of this database, however late its disk appears."""
        if pool.uid in self._current:
            return
        found = self._drivers.named(pool.driver).look_pool(pool)
        if not isinstance(found, Present):
            return  # nothing in it will be believed either
        if found.facts.counter > self._records.read(lambda tx: meta.get(tx, COUNTER)):
            self._engine.suspended = "A pool was used by a later state of this database."
            raise Again("The pool was used by a later state of this database; `holdfast resume` says which one counts.")
        self._current.add(pool.uid)

    def check(self) -> str:
        """Why this database may not be the current one, or an empty text."""
        counter, stamped = self._records.read(lambda tx: (meta.get(tx, COUNTER), meta.get(tx, STAMPED)))
        if stamped:
            return "This database is a copy made by `holdfast db backup`; the world may have moved on since."
        for pool in self._pools():
            found = self._driver(pool).look_pool(pool_ref(pool, self._owner))
            if isinstance(found, Present) and found.facts.counter > counter:
                ahead = found.facts.counter - counter
                return f"The pool {pool.name} was used by a later state of this database, {ahead} counts ahead."
        return ""

    def advance(self) -> None:
        """Count on, in the database first, then in every pool that is there."""
        counter = self._records.write(lambda tx: meta.advance(tx, COUNTER))
        self.stamp(counter)

    def stamp(self, counter: int | None = None) -> None:
        """Bring the marks of all pools that are there up to the database's counter."""
        if counter is None:
            counter = self._records.read(lambda tx: meta.get(tx, COUNTER))
        for pool in self._pools():
            if self._seen.get(pool.uid) == counter:
                continue
            ref = pool_ref(pool, self._owner)
            found = self._driver(pool).look_pool(ref)
            if not isinstance(found, Present):
                continue
            if found.facts.counter > counter:
                self._engine.suspended = f"The pool {pool.name} was used by a later state of this database."
                continue
            try:
                self._driver(pool).stamp(ref, counter)
                self._seen[pool.uid] = counter
            except (HoldfastError, OSError) as error:
                log.warning("a pool's mark could not be stamped", pool=pool.name, error=str(error))

    def resume(self) -> None:
        """The administrator says that this database is the current one: overtake every mark, lift the suspension."""
        marks = [0]
        for pool in self._pools():
            found = self._driver(pool).look_pool(pool_ref(pool, self._owner))
            if isinstance(found, Present):
                marks.append(found.facts.counter)

        def fn(tx: Tx) -> int:
            meta.put(tx, STAMPED, 0)
            counter = max(meta.get(tx, COUNTER), *marks) + 1
            meta.put(tx, COUNTER, counter)
            return counter

        self.stamp(self._records.write(fn))
        self._engine.lift()
