"""What a database does not know of its pools, and what it alone knows: before it is said to be the current one."""

from holdfast.drivers.contract import Absent, PoolRef
from holdfast.drivers.registry import Drivers
from holdfast.model.errors import HoldfastError
from holdfast.model.resources import Pool, Snapshot, Volume
from holdfast.model.views import PoolPreview
from holdfast.operations.refs import object_ref, pool_ref
from holdfast.records import resources
from holdfast.records.contract import Records, Tx

_Rows = dict[str, Volume | Snapshot]


class Preview:
    """Looks, and changes nothing; it may, where no verb may, since nothing of this is believed later."""

    def __init__(self, records: Records, drivers: Drivers, owner: str) -> None:
        self._records = records
        self._drivers = drivers
        self._owner = owner

    def pools(self) -> list[PoolPreview]:
        """Of each pool."""
        found = []
        for pool, rows in self._records.read(self._recorded):
            ref = pool_ref(pool, self._owner)
            try:
                found.append(PoolPreview(pool.name, self._unrecorded(ref, rows), self._missing(ref, rows)))
            except (HoldfastError, OSError) as error:
                reason = error.detail if isinstance(error, HoldfastError) else str(error)
                found.append(PoolPreview(pool.name, [], [], reason))
        return found

    @staticmethod
    def _recorded(tx: Tx) -> list[tuple[Pool, _Rows]]:
        found = []
        for pool in resources.page(tx, Pool):
            volumes = resources.page(tx, Volume, pool.uid)
            rows: _Rows = {volume.uid: volume for volume in volumes}
            rows |= {each.uid: each for volume in volumes for each in resources.page(tx, Snapshot, volume.uid)}
            if pool.status.ready:
                found.append((pool, rows))
        return found

    def _unrecorded(self, ref: PoolRef, rows: _Rows) -> list[str]:
        there = dict(self._drivers.named(ref.driver).objects(ref))
        names = {uid: facts.name for uid, facts in there.items()} | {uid: row.name for uid, row in rows.items()}
        return sorted(
            f"{names.get(facts.of, facts.of)}@{facts.name}" if facts.of else facts.name
            for uid, facts in there.items()
            if uid not in rows
        )

    def _missing(self, ref: PoolRef, rows: _Rows) -> list[str]:
        ready = {uid: row for uid, row in rows.items() if row.status.ready}
        looks = self._drivers.named(ref.driver).look_volumes(ref, [object_ref(row) for row in ready.values()])
        return sorted(
            f"{rows[row.parent].name}@{row.name}" if isinstance(row, Snapshot) else row.name
            for uid, row in ready.items()
            if isinstance(looks[uid], Absent)
        )
