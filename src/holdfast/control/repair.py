"""`audit --repair`: what is provably safe, by operations where a record is concerned; and what was left, and why."""

import msgspec

from holdfast.control.audit import Audit, Seen
from holdfast.control.connections import Connections
from holdfast.drivers.registry import Drivers
from holdfast.engine.engine import Engine
from holdfast.engine.submit import Caller
from holdfast.model.conditions import DAMAGED, holds
from holdfast.model.errors import HoldfastError, NotFound, Suspended
from holdfast.model.resources import Finding, Pool, Snapshot, Volume
from holdfast.operations.attachment.mount import MountRestore
from holdfast.operations.attachment.release import DeviceRelease
from holdfast.operations.base import Asked
from holdfast.operations.connection.cut import ConnectionCut
from holdfast.operations.refs import pool_ref
from holdfast.operations.snapshot.rename import SnapshotRename
from holdfast.operations.volume.check import VolumeCheck
from holdfast.operations.volume.rename import VolumeRename
from holdfast.records import resources
from holdfast.records.contract import Records

_WAIT = 60.0


class Repair:
    """Repairs what an audit saw."""

    def __init__(
        self, audit: Audit, engine: Engine, records: Records, drivers: Drivers, connections: Connections, owner: str
    ) -> None:
        self._records = records
        self._connections = connections
        self._audit = audit
        self._engine = engine
        self._drivers = drivers
        self._owner = owner

    def run(self, *, repair: bool) -> list[Finding]:
        """All findings; with `repair`, each says whether it was repaired, or what hindered it."""
        if repair and self._engine.suspended:
            raise Suspended(
                self._engine.suspended, "Check that the database is the current one, then `holdfast resume`."
            )
        seen = self._audit.look()
        if not repair:
            return [one.finding for one in seen]
        return [self._one(one) for one in seen]

    def _one(self, seen: Seen) -> Finding:
        try:
            repaired = self._leftover(seen) or self._host(seen) or self._by_operation(seen)
        except (HoldfastError, OSError) as error:
            return msgspec.structs.replace(seen.finding, remedy=f"Left alone: {error}")
        remedy = "" if repaired else seen.finding.remedy
        return msgspec.structs.replace(seen.finding, repaired=repaired, remedy=remedy)

    def _leftover(self, seen: Seen) -> bool:
        """Files whose names prove our owner and an operation that is over: nobody will come back for them."""
        item, pool = seen.item, seen.pool
        if item is None or pool is None or item.kind not in ("unfinished", "removing"):
            return False
        ref = pool_ref(pool, self._owner)
        while not self._drivers.of(ref).discard(ref, item):
            pass
        return True

    def _host(self, seen: Seen) -> bool:
        """An unused entry of a member that is gone: the back end refuses if it is used after all."""
        if seen.leak is None or seen.pool is None or seen.finding.kind != "orphan":
            return False
        self._connections.remove_host(seen.pool, seen.leak.host)
        return True

    def _renamed(self, pool: Pool, row: Snapshot) -> Asked:
        volume = self._records.read(lambda tx: resources.by_uid(tx, Volume, row.parent))
        if volume is None:
            raise NotFound(f"The volume of the snapshot {row.name} is not there any more.")
        return SnapshotRename(pool=pool.name, volume=volume.name, name=row.name, new_name=row.name)

    def _by_operation(self, seen: Seen) -> bool:
        request: Asked
        if seen.leak is not None and not seen.leak.ours:
            return False
        if seen.leak is not None and seen.leak.host and seen.volume is not None and seen.pool is not None:
            request = ConnectionCut(pool=seen.pool.name, name=seen.volume.name, host=seen.leak.host)
        elif seen.finding.kind in ("leaked-device", "leaked-connection"):
            row = seen.volume or seen.snapshot
            if row is None or (seen.leak is not None and (seen.leak.host or not row.status.identity)):
                return False  # its making was abandoned: nobody knows its device, and its delete takes all with it
            request = DeviceRelease(volume=row.uid)
        elif seen.attachment is not None:
            request = MountRestore(attachment=seen.attachment.uid)
        elif seen.damaged and seen.volume is not None and seen.pool is not None:
            return self._is_sound(seen.pool, seen.volume)
        elif seen.finding.kind == "drift" and seen.volume is not None and seen.pool is not None:
            name = seen.volume.name
            request = VolumeRename(pool=seen.pool.name, name=name, new_name=name)
        elif seen.finding.kind == "drift" and seen.snapshot is not None and seen.pool is not None:
            request = self._renamed(seen.pool, seen.snapshot)
        else:
            return False
        self._done(request)
        return True

    def _is_sound(self, pool: Pool, volume: Volume) -> bool:
        """Whether a check finds it clean; a repair of what is in it is its owner's to decide."""
        self._done(VolumeCheck(pool=pool.name, name=volume.name))
        now = self._records.read(lambda tx: resources.by_uid(tx, Volume, volume.uid))
        return now is not None and not holds(now.conditions, DAMAGED)

    def _done(self, request: Asked) -> None:
        op = self._engine.submit(request, Caller("audit"))
        ended = self._engine.watch.wait(op.id, _WAIT, parked=False)
        if ended.state != "done":
            why = ended.error.detail if ended.error else ended.reason
            raise HoldfastError(f"operation {op.id} is {ended.state}: {why}")
