"""The audit: records against the world, both ways. It looks twice at the records, so that what moves is not accused."""

import os

import msgspec

from holdfast.control.audit_devices import device_findings
from holdfast.control.connections import Connections, Leak, Objects
from holdfast.drivers.contract import Absent, ForeignObject, Item, Observation, Present, Unknown, VolumeFacts
from holdfast.drivers.registry import Drivers
from holdfast.host.host import Host
from holdfast.model.conditions import ABANDONED, DAMAGED, holds
from holdfast.model.errors import HoldfastError
from holdfast.model.resources import Attachment, Finding, Pool, Snapshot, Volume
from holdfast.operations.look import Looks
from holdfast.operations.refs import object_ref, pool_ref
from holdfast.records import claims, operations, resources
from holdfast.records.contract import Records, Tx


class Rows(msgspec.Struct, frozen=True):
    """The records at one moment. `moving` are uids that an unfinished operation has claimed."""

    pools: list[Pool]
    volumes: list[Volume]
    snapshots: list[Snapshot]
    attachments: list[Attachment]
    moving: frozenset[str]
    unended: frozenset[str]


class Seen(msgspec.Struct, frozen=True):
    """A finding, the uid whose movement would explain it, and what a repair would need."""

    finding: Finding
    uid: str
    pool: Pool | None = None
    item: Item | None = None
    volume: Volume | None = None
    snapshot: Snapshot | None = None
    attachment: Attachment | None = None
    leak: Leak | None = None
    damaged: bool = False


def rows(tx: Tx, member: str) -> Rows:
    """Read all at once."""
    held = claims.held(tx)
    return Rows(
        resources.page(tx, Pool), resources.page(tx, Volume), resources.page(tx, Snapshot),
        resources.page(tx, Attachment),
        frozenset(item.removeprefix("uid:") for _, item, mode in held if mode == "exclusive"),
        frozenset(row.id for row in operations.unended(tx, member)),
    )  # fmt: skip


class Audit:
    """Looks, and says what it found; changes nothing."""

    def __init__(
        self, records: Records, host: Host, drivers: Drivers, looks: Looks, connections: Connections, member: str,
        owner: str,
    ) -> None:  # fmt: skip
        self._connections = connections
        self._kernel = host.kernel
        self._records = records
        self._drivers = drivers
        self._looks = looks
        self._member = member
        self._owner = owner

    def look(self) -> list[Seen]:
        """All findings, by pool, then mounts and devices."""
        before = self._records.read(lambda tx: rows(tx, self._member))
        self._connections.begin({pool.uid for pool in before.pools})
        seen: list[Seen] = []
        for pool in before.pools:
            seen.extend(self._pool(pool, before) if pool.status.ready else [_abandoned(pool.name, pool.uid)])
        unknown = {one.uid for one in seen if one.finding.kind == "unknown"}
        parents = {volume.uid: volume.parent for volume in before.volumes}
        parents |= {snapshot.uid: parents.get(snapshot.parent, "") for snapshot in before.snapshots}
        for attachment in before.attachments:
            if parents.get(attachment.parent) not in unknown:
                seen.extend(self._attachment(attachment))
        for finding, uid, row in device_findings(
            self._kernel, before.pools, [*before.volumes, *before.snapshots], before.attachments
        ):
            volume, snapshot = (row, None) if isinstance(row, Volume) else (None, row)
            seen.append(Seen(finding, uid, volume=volume, snapshot=snapshot))
        after = self._records.read(lambda tx: rows(tx, self._member))
        moved = before.moving | after.moving | _changed(before, after)
        ops = before.unended | after.unended
        return [s for s in seen if s.uid not in moved and not (s.item and s.item.operation in ops)]

    def _pool(self, pool: Pool, records: Rows) -> list[Seen]:
        ref = pool_ref(pool, self._owner)
        driver = self._drivers.of(ref)
        match driver.look_pool(ref):
            case Present():
                pass
            case Unknown(reason) | ForeignObject(reason):
                return [
                    Seen(
                        _finding("unknown", pool.name, reason, "Bring the place back; nothing is judged till then."),
                        pool.uid,
                    )
                ]
            case Absent():
                return [
                    Seen(_finding("ghost", pool.name, "its mark is gone", "Restore it, or `pool forget`."), pool.uid)
                ]
        try:
            items = list(driver.inventory(ref))
        except (HoldfastError, OSError) as error:
            return [
                Seen(_finding("unknown", pool.name, str(error), "Nothing is judged till it can be read."), pool.uid)
            ]
        mine = _objects(pool, records)
        found = [seen for item in items if (seen := self._item(pool, item, mine)) is not None]
        there = {item.uid for item in items if item.kind in ("volume", "kept")}
        shown = there | {item.uid for item in items if item.kind == "unfinished"}
        wanted = [object_ref(row) for _, row in mine.values() if row.status.ready and row.uid in shown]
        looks = driver.look_volumes(ref, wanted) if wanted else {}
        silent = dict.fromkeys((what.uid for what in wanted), Unknown("its driver did not answer for it"))
        for name, row in mine.values():
            look = looks.get(row.uid, silent.get(row.uid))
            seen = self._object(pool, name, row, look, there=row.uid in there)
            if seen is not None:
                found.append(seen)
        return [*found, *self._leaks(pool, records)] if pool.status.connects else found

    def _leaks(self, pool: Pool, records: Rows) -> list[Seen]:
        try:
            leaks = self._connections.leaks(pool, _objects(pool, records), records.attachments, records.moving)
        except (HoldfastError, OSError) as error:
            return [Seen(_finding("unknown", pool.name, str(error), "Its connections could not be read."), pool.uid)]
        return [
            Seen(
                leak.finding, leak.uid, pool, volume=leak.row if isinstance(leak.row, Volume) else None,
                snapshot=leak.row if isinstance(leak.row, Snapshot) else None, leak=leak,
            )
            for leak in leaks
        ]  # fmt: skip

    @staticmethod
    def _item(pool: Pool, item: Item, mine: Objects) -> Seen | None:
        if item.kind == "volume" and item.uid in mine:
            return None
        whole = item.uid in mine and mine[item.uid][1].status.ready
        if item.kind == "unfinished" and whole and (pool.status.connects or not item.operation):
            return None  # it is that volume itself, and its own look says what is wrong with it
        if item.kind == "unfinished" and not item.operation and item.uid not in mine:
            return _unproven(item)
        if item.kind == "kept":
            return _lost(pool, mine[item.uid][0], item) if item.uid in mine else None
        if item.kind == "removing" and item.uid in mine:
            evidence, remedy = "its removal was abandoned half-way", "Delete ends it; nothing brings it back."
            if item.recoverable:
                remedy = f"Delete ends it; `holdfast pool recover {pool.name} {item.uid}` brings it back."
            return Seen(_finding("drift", mine[item.uid][0], evidence, remedy), item.uid)
        evidence = {
            "volume": "no record knows this volume",
            "unfinished": f"left by operation {item.operation}, which is over",
            "removing": "left by a removal that is over",
            "foreign": "nothing of Holdfast's",
        }[item.kind]
        remedy = {
            "volume": f"It is left alone: `holdfast pool adopt {pool.name}` records it again; or move it away.",
            "foreign": "It is left alone: look at it, then move or remove it.",
        }.get(item.kind, "--repair removes it.")
        return Seen(_finding("orphan", item.where, evidence, remedy), item.uid or item.where, pool, item)

    @staticmethod
    def _object(
        pool: Pool, name: str, row: Volume | Snapshot, look: Observation[VolumeFacts] | None, *, there: bool
    ) -> Seen | None:
        volume, snapshot = (row, None) if isinstance(row, Volume) else (None, row)
        if not row.status.ready:
            evidence = "its making was abandoned" if there else "its making was abandoned; nothing is there"
            return Seen(_finding("drift", name, evidence, "Delete it."), row.uid)
        match look:
            case None | Absent():
                remedy = "Restore it, or delete the record."
                return Seen(_finding("ghost", name, "recorded, but not in its pool", remedy), row.uid)
            case Present(facts) if facts.blank:
                evidence = "its note says that its file system was never made, or never settled"
                return Seen(_finding("drift", name, evidence, "Left alone; look at it."), row.uid)
            case Present() if holds(row.conditions, DAMAGED):
                reason = next(each.reason for each in row.conditions if each.type == DAMAGED)
                finding = _finding(
                    "drift", name, f"damaged, when it was to be mounted: {reason}", "--repair checks it."
                )
                return Seen(finding, row.uid, pool, volume=volume, damaged=True)
            case Present() if holds(row.conditions, ABANDONED):
                finding = _finding(
                    "drift", name, "an operation on it was abandoned; it is whole", "--repair settles it."
                )
                return Seen(finding, row.uid, pool, volume=volume, snapshot=snapshot)
            case Present(facts) if facts.name != row.name:
                evidence = f"its mark calls it {facts.name}"
                return Seen(
                    _finding("drift", name, evidence, "--repair writes the recorded name."),
                    row.uid,
                    pool,
                    volume=volume,
                    snapshot=snapshot,
                )
            case ForeignObject(evidence) | Unknown(evidence):
                return Seen(_finding("drift", name, evidence, "Left alone; look at it."), row.uid)
        return None

    def _left(self, attachment: Attachment) -> list[Seen]:
        """After a reboot who asked for it asks again, or takes it back; not if its directory is gone."""
        path, above = attachment.spec.path, os.path.dirname(attachment.spec.path)
        try:
            self._kernel.stat(above)
        except FileNotFoundError:
            evidence, remedy = f"not mounted, and {above} is gone", f"Take it back: holdfast volume unmount {path}"
            return [Seen(_finding("drift", path, evidence, remedy), attachment.parent)]
        except OSError:
            return []  # nobody can tell
        return []

    def _attachment(self, attachment: Attachment) -> list[Seen]:
        path, uid = attachment.spec.path, attachment.parent
        match self._looks.attachment(attachment):
            case Present():
                if attachment.status.ready and not holds(attachment.conditions, ABANDONED):
                    return []
                finding = _finding("drift", path, "its mount was abandoned; it is mounted", "--repair settles it.")
                return [Seen(finding, uid, attachment=attachment)]
            case Absent() if attachment.spec.use != "mount" and not holds(attachment.conditions, ABANDONED):
                return self._left(attachment)
            case Absent():
                finding = _finding("drift", path, "wanted, but not mounted", "--repair mounts it again.")
                return [Seen(finding, uid, attachment=attachment)]
            case ForeignObject(evidence):
                remedy = "It is left alone: unmount it, and ours comes back."
                return [Seen(_finding("drift", path, f"covered: {evidence}", remedy), uid)]
            case Unknown(reason):
                return [Seen(_finding("unknown", path, reason, "Nothing is judged till it can be read."), uid)]


def _unproven(item: Item) -> Seen:
    """It does not say who made it, and no record says that it was never whole."""
    remedy = "Nothing proves that it was never whole: look at it, then remove it there."
    return Seen(_finding("orphan", item.where, "no record knows it, and it does not say who made it", remedy), item.uid)


def _objects(pool: Pool, records: Rows) -> Objects:
    """All that is to be in the pool."""
    volumes = {volume.uid: volume for volume in records.volumes if volume.parent == pool.uid}
    found: Objects = {uid: (f"{pool.name}/{volume.name}", volume) for uid, volume in volumes.items()}
    for row in records.snapshots:
        if row.parent in volumes:
            found[row.uid] = (f"{pool.name}/{volumes[row.parent].name}@{row.name}", row)
    return found


def _lost(pool: Pool, name: str, item: Item) -> Seen:
    remedy = f"`holdfast pool recover {pool.name} {item.uid}` brings it back before that; or delete it."
    if not item.recoverable:
        remedy = "Nothing proves that it is whole. Recover it there before that, or delete it."
    return Seen(_finding("ghost", name, item.note, remedy), item.uid)


def _abandoned(name: str, uid: str) -> Seen:
    return Seen(_finding("drift", name, "its making was abandoned", "Delete or forget it."), uid)


def _finding(kind: str, subject: str, evidence: str, remedy: str) -> Finding:
    return msgspec.convert({"kind": kind, "subject": subject, "evidence": evidence, "remedy": remedy}, Finding)


def _changed(before: Rows, after: Rows) -> frozenset[str]:
    old = {r.uid: r for r in (*before.pools, *before.volumes, *before.snapshots, *before.attachments)}
    new = {r.uid: r for r in (*after.pools, *after.volumes, *after.snapshots, *after.attachments)}
    uids = {uid for uid in old.keys() | new.keys() if old.get(uid) != new.get(uid)}
    parents = {r.parent for r in (*before.attachments, *after.attachments) if r.uid in uids}
    return frozenset(uids | parents)
