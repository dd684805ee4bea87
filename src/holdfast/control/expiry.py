"""Snapshots whose time is over are deleted, once the clock is to be believed.

What a wrong clock deletes does not come back when it is set right. So it must have run evenly for a while first: since
the daemon's start, and since it was last seen to jump, forward or back.
"""

import structlog

from holdfast.engine.engine import Engine
from holdfast.engine.submit import Caller
from holdfast.model.errors import HoldfastError
from holdfast.model.resources import Pool, Snapshot, Volume
from holdfast.operations.refs import etag
from holdfast.operations.snapshot.delete import SnapshotDelete
from holdfast.records import claims, resources
from holdfast.records.contract import Records, Tx
from holdfast.runtime.api import Runtime

log = structlog.get_logger()
# Seconds for which the clock must have run evenly: time to be set after a boot. And seconds, between two looks, that
# are no jump: clocks are slewed by 500 ppm at the most.
EVEN, JUMP = 600.0, 2.0
# Seconds until a deletion that was refused or given up is asked for again.
PATIENCE = 600.0


class Expiry:
    """Compares wall clock and monotonic clock at each tick, and asks for the deletions that are due."""

    def __init__(self, runtime: Runtime, records: Records, engine: Engine) -> None:
        self._runtime = runtime
        self._records = records
        self._engine = engine
        self._ahead: float | None = None
        self._even_since = 0.0
        self._not_before: dict[str, float] = {}

    def tick(self) -> int:
        """One look; how many deletions were asked for."""
        if not self._is_believed():
            return 0
        asked = 0
        for request, snapshot in self._records.read(self._due):
            now = self._runtime.monotonic()
            if now < self._not_before.get(snapshot.uid, 0):
                continue
            self._not_before[snapshot.uid] = now + PATIENCE
            try:
                self._engine.submit(request, Caller("expiry"))
                asked += 1
            except HoldfastError as error:
                log.warning("a snapshot whose time is over stays", snapshot=snapshot.name, error=error.detail)
        return asked

    def _is_believed(self) -> bool:
        now = self._runtime.monotonic()
        ahead = self._runtime.now() - now
        if self._ahead is None or abs(ahead - self._ahead) > JUMP:
            if self._ahead is not None:
                log.warning("the clock jumped; no snapshot expires for a while", seconds=ahead - self._ahead)
            self._even_since = now
        self._ahead = ahead
        return now - self._even_since >= EVEN

    def _due(self, tx: Tx) -> list[tuple[SnapshotDelete, Snapshot]]:
        """Those that nothing forbids, and nobody works on."""
        now, held = self._runtime.now(), {item for _, item, _ in claims.held(tx)}
        found = []
        for snapshot in resources.page(tx, Snapshot):
            expires = snapshot.spec.expires
            if expires is None or expires > now or snapshot.spec.protected or f"uid:{snapshot.uid}" in held:
                continue
            volume = resources.by_uid(tx, Volume, snapshot.parent)
            pool = resources.by_uid(tx, Pool, volume.parent) if volume else None
            if volume and pool:
                request = SnapshotDelete(
                    pool=pool.name, volume=volume.name, name=snapshot.name, if_match=etag(snapshot)
                )
                found.append((request, snapshot))
        return found
