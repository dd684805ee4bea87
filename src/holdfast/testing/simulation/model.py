"""What must be true, told from the operations that ended and from nothing else: the oracle of the simulation.

It knows requests and their ends, not how Holdfast comes by them. Claims keep two operations on one resource apart,
so the order of their ends is the order of their effects.
"""

from typing import Any

import msgspec

from holdfast.engine.request import Bound, Request
from holdfast.model.resources import Attachment, Pool, Snapshot, Volume
from holdfast.model.sizes import parse_size
from holdfast.operations.attachment.mount import VolumeMount
from holdfast.operations.attachment.unmount import VolumeUnmount
from holdfast.operations.pool.create import PoolCreate
from holdfast.operations.pool.delete import PoolDelete
from holdfast.operations.pool.forget import PoolForget
from holdfast.operations.pool.import_ import PoolImport
from holdfast.operations.snapshot.change import SnapshotChange
from holdfast.operations.snapshot.create import SnapshotCreate
from holdfast.operations.snapshot.delete import SnapshotDelete
from holdfast.operations.snapshot.group import GroupCreate, member_uid
from holdfast.operations.snapshot.mount import SnapshotMount
from holdfast.operations.snapshot.rename import SnapshotRename
from holdfast.operations.snapshot.restore import SnapshotRestore
from holdfast.operations.volume.clone import VolumeClone
from holdfast.operations.volume.create import VolumeCreate
from holdfast.operations.volume.delete import VolumeDelete
from holdfast.operations.volume.label import VolumeLabel
from holdfast.operations.volume.rename import VolumeRename
from holdfast.operations.volume.resize import VolumeResize

Row = Pool | Volume | Snapshot | Attachment


class KnownPool(msgspec.Struct):
    """A pool that was acknowledged."""

    name: str
    source: str


class KnownVolume(msgspec.Struct):
    """A volume that was acknowledged. `token` is what its tenant wrote into it."""

    name: str
    pool: str
    size: int
    content: str
    fs: str | None
    labels: dict[str, str]
    token: bytes = b""


class KnownSnapshot(msgspec.Struct):
    """A snapshot that was acknowledged. `token` is what its volume's tenant had written then."""

    name: str
    volume: str
    size: int
    content: str
    fs: str | None
    labels: dict[str, str]
    protected: bool
    token: bytes = b""


class KnownMount(msgspec.Struct):
    """A mount that was acknowledged, of a volume or a snapshot."""

    volume: str
    path: str
    read_only: bool


class Model:
    """All that was acknowledged. `loose` are uids that an abandoned operation left to whoever looks."""

    def __init__(self) -> None:
        self.pools: dict[str, KnownPool] = {}
        self.volumes: dict[str, KnownVolume] = {}
        self.snapshots: dict[str, KnownSnapshot] = {}
        self.mounts: dict[str, KnownMount] = {}
        # What was deleted, and held when it was.
        self.buried: dict[str, KnownVolume | KnownSnapshot] = {}
        self.loose: dict[str, None] = {}
        # Of these nobody knows whether they hold what they did, or what a snapshot of them does.
        self._either: dict[str, None] = {}

    def ended(self, request: Request, bound: Bound, state: str) -> None:
        """An operation is over."""
        if state == "abandoned":
            if isinstance(request, SnapshotRestore):
                self._either[bound.uids["volume"]] = None
            made = _members(request, bound) if isinstance(request, GroupCreate) else {}
            for uid in (*bound.uids.values(), *made, bound.drawn.uid):
                if uid not in self.pools or isinstance(request, PoolCreate | PoolDelete | PoolForget):
                    self.loose[uid] = None
        elif state == "done":
            self._done(request, bound)

    def _done(self, request: Request, bound: Bound) -> None:
        if isinstance(request, PoolCreate | PoolImport):
            self.pools[bound.uids.get("pool", bound.drawn.uid)] = KnownPool(request.name, _source(request.config))
        elif isinstance(request, PoolDelete | PoolForget):
            self._forget(bound.uids["pool"])
        else:
            self._done_in_pool(request, bound)

    def _done_in_pool(self, request: Request, bound: Bound) -> None:
        uids, new = bound.uids, bound.drawn.uid
        match request:
            case VolumeCreate():
                size, labels = parse_size(request.size), dict(request.labels)
                self.volumes[new] = KnownVolume(
                    request.name, uids["pool"], size, request.content, request.fs, labels
                )  # fmt: skip
            case VolumeDelete():
                self._bury(self.volumes, uids["volume"])
            case VolumeMount():
                self.mounts[new] = KnownMount(uids["volume"], request.path, request.read_only)
            case VolumeUnmount():
                self.mounts.pop(uids["attachment"], None)
                self.loose.pop(uids["attachment"], None)
            case VolumeRename() if uids["volume"] in self.volumes:
                self.volumes[uids["volume"]].name = request.new_name
            case VolumeResize() if uids["volume"] in self.volumes:
                self.volumes[uids["volume"]].size = parse_size(request.size)
            case SnapshotCreate() if uids["volume"] in self.volumes:
                self._taken(new, request.name, uids["volume"], dict(request.labels), protected=request.protected)
            case GroupCreate():
                for uid, parent in _members(request, bound).items():
                    self._taken(uid, request.name, parent, {}, protected=False)
            case VolumeClone():
                source: KnownVolume | KnownSnapshot | None = self.volumes.get(uids["volume"])
                if request.snapshot:
                    source = self.snapshots.get(uids["snapshot"])
                if source is not None:
                    size = source.size if request.size is None else parse_size(request.size)
                    self.volumes[new] = KnownVolume(
                        request.name, uids["to"], size, source.content, source.fs, dict(request.labels),
                        self._known(uids["volume"], source),
                    )  # fmt: skip
            case SnapshotDelete():
                self._bury(self.snapshots, uids["snapshot"])
            case SnapshotRename() if uids["snapshot"] in self.snapshots:
                self.snapshots[uids["snapshot"]].name = request.new_name
            case SnapshotChange() if uids["snapshot"] in self.snapshots:
                known = self.snapshots[uids["snapshot"]]
                known.labels = _merged(known.labels, request.labels)
                known.protected = known.protected if request.protected is None else request.protected
            case SnapshotMount():
                self.mounts[new] = KnownMount(uids["snapshot"], request.path, True)
            case SnapshotRestore() if uids["volume"] in self.volumes and uids["snapshot"] in self.snapshots:
                held, volume = self.snapshots[uids["snapshot"]], self.volumes[uids["volume"]]
                volume.size, volume.token = held.size, held.token
            case VolumeLabel() if uids["volume"] in self.volumes:
                volume = self.volumes[uids["volume"]]
                volume.labels = _merged(volume.labels, request.labels)
            case _:
                pass

    def _bury(self, table: "dict[str, KnownVolume] | dict[str, KnownSnapshot]", uid: str) -> None:
        """It is gone, unless its back end keeps it. Of what was loose nobody knows what it held."""
        known = table.pop(uid, None)
        if known is not None:
            known.token = b"" if uid in self.loose or uid in self._either else known.token
            self.buried[uid] = known
        self.loose.pop(uid, None)

    def _taken(self, uid: str, name: str, volume: str, labels: dict[str, str], *, protected: bool) -> None:
        """A snapshot of a volume as it is now."""
        of = self.volumes[volume]
        token = self._known(volume, of)
        self.snapshots[uid] = KnownSnapshot(name, volume, of.size, of.content, of.fs, labels, protected, token)

    def _known(self, volume: str, source: "KnownVolume | KnownSnapshot") -> bytes:
        """What a copy of it holds, if anybody can tell."""
        return b"" if isinstance(source, KnownVolume) and volume in self._either else source.token

    def _forget(self, pool: str) -> None:
        self.pools.pop(pool, None)
        gone = [uid for uid, volume in self.volumes.items() if volume.pool == pool]
        taken = [uid for uid, snapshot in self.snapshots.items() if snapshot.volume in gone]
        for uid in gone:
            del self.volumes[uid]
        for uid in taken:
            del self.snapshots[uid]
        gone += taken
        self.mounts = {uid: mount for uid, mount in self.mounts.items() if mount.volume not in gone}

    # -- comparing -------------------------------------------------------------------------------

    def differs(self, row: Row) -> str:
        """How a record differs from what was acknowledged, or an empty text."""
        known = self._table(row).get(row.uid)
        shown = self._shown(row)
        return "" if known == shown else f"the record shows {shown}, acknowledged was {known}"

    def adopt(self, rows: list[Row]) -> None:
        """After a repair: what abandoned operations left is what the records show."""
        there = {row.uid: row for row in rows}
        for uid in self.loose:
            for table in (self.pools, self.volumes, self.snapshots, self.mounts):
                if uid not in there:
                    table.pop(uid, None)
            if uid in there:
                self._table(there[uid])[uid] = self._shown(there[uid])
        for uid in self._either:
            if uid in self.volumes:
                self.volumes[uid].token = b""
        self._either.clear()
        self.loose.clear()

    def recorded(self, rows: list[Row]) -> None:
        """What was read in a pool, and had no record: it is what the records show, for no client knew it."""
        for row in rows:
            if row.uid not in self._table(row):
                self._table(row)[row.uid] = self._shown(row)
                self.loose.pop(row.uid, None)

    def _table(self, row: Row) -> dict[str, Any]:
        tables: dict[type, dict[str, Any]] = {Pool: self.pools, Volume: self.volumes, Snapshot: self.snapshots}
        return tables.get(type(row), self.mounts)

    def _shown(self, row: Row) -> KnownPool | KnownVolume | KnownSnapshot | KnownMount:
        if isinstance(row, Pool):
            return KnownPool(row.name, _source(row.spec.config))
        if isinstance(row, Attachment):
            return KnownMount(row.parent, row.spec.path, row.spec.read_only)
        if isinstance(row, Snapshot):
            taken, had = row.spec, self.snapshots.get(row.uid) or self.buried.get(row.uid)
            return KnownSnapshot(
                row.name, row.parent, taken.size, taken.content, taken.fs, dict(taken.labels), taken.protected,
                had.token if had else b"",
            )  # fmt: skip
        spec, known = row.spec, self.volumes.get(row.uid) or self.buried.get(row.uid)
        token = known.token if known else b""
        return KnownVolume(row.name, row.parent, spec.size, spec.content, spec.fs, dict(spec.labels), token)


def _members(request: GroupCreate, bound: Bound) -> dict[str, str]:
    """A group's snapshots, and their volumes."""
    volumes = [bound.uids[f"volume {name}"] for name in request.volumes]
    return {member_uid(bound.drawn.uid, volume): volume for volume in volumes}


def _source(config: dict[str, str]) -> str:
    """A pool's place."""
    return config.get("source") or config["pod"]


def _merged(labels: dict[str, str], changes: dict[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in {**labels, **changes}.items() if value is not None}
