"""What must be true, told from the operations that ended and from nothing else: the oracle of the simulation.

It knows requests and their ends, not how Holdfast comes by them. Claims keep two operations on one resource apart,
so the order of their ends is the order of their effects.
"""

from typing import Any

import msgspec

from holdfast.engine.request import Bound, Request
from holdfast.model.resources import Attachment, Pool, Volume
from holdfast.model.sizes import parse_size
from holdfast.operations.attachment.mount import VolumeMount
from holdfast.operations.attachment.unmount import VolumeUnmount
from holdfast.operations.pool.create import PoolCreate
from holdfast.operations.pool.delete import PoolDelete
from holdfast.operations.pool.forget import PoolForget
from holdfast.operations.volume.create import VolumeCreate
from holdfast.operations.volume.delete import VolumeDelete
from holdfast.operations.volume.label import VolumeLabel
from holdfast.operations.volume.rename import VolumeRename
from holdfast.operations.volume.resize import VolumeResize


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


class KnownMount(msgspec.Struct):
    """A mount that was acknowledged."""

    volume: str
    path: str
    read_only: bool


class Model:
    """All that was acknowledged. `loose` are uids that an abandoned operation left to whoever looks."""

    def __init__(self) -> None:
        self.pools: dict[str, KnownPool] = {}
        self.volumes: dict[str, KnownVolume] = {}
        self.mounts: dict[str, KnownMount] = {}
        self.loose: dict[str, None] = {}

    def ended(self, request: Request, bound: Bound, state: str) -> None:
        """An operation is over."""
        if state == "abandoned":
            for uid in (*bound.uids.values(), bound.drawn.uid):
                if uid not in self.pools or isinstance(request, PoolCreate | PoolDelete | PoolForget):
                    self.loose[uid] = None
        elif state == "done":
            self._done(request, bound)

    def _done(self, request: Request, bound: Bound) -> None:
        uids, new = bound.uids, bound.drawn.uid
        match request:
            case PoolCreate():
                self.pools[new] = KnownPool(request.name, _source(request.config))
            case PoolDelete() | PoolForget():
                self._forget(uids["pool"])
            case VolumeCreate():
                size, labels = parse_size(request.size), dict(request.labels)
                self.volumes[new] = KnownVolume(
                    request.name, uids["pool"], size, request.content, request.fs, labels
                )  # fmt: skip
            case VolumeDelete():
                self.volumes.pop(uids["volume"], None)
                self.loose.pop(uids["volume"], None)
            case VolumeMount():
                self.mounts[new] = KnownMount(uids["volume"], request.path, request.read_only)
            case VolumeUnmount():
                self.mounts.pop(uids["attachment"], None)
                self.loose.pop(uids["attachment"], None)
            case VolumeRename() if uids["volume"] in self.volumes:
                self.volumes[uids["volume"]].name = request.new_name
            case VolumeResize() if uids["volume"] in self.volumes:
                self.volumes[uids["volume"]].size = parse_size(request.size)
            case VolumeLabel() if uids["volume"] in self.volumes:
                labels = self.volumes[uids["volume"]].labels
                merged = {name: value for name, value in {**labels, **request.labels}.items() if value is not None}
                self.volumes[uids["volume"]].labels = merged
            case _:
                pass

    def _forget(self, pool: str) -> None:
        self.pools.pop(pool, None)
        gone = [uid for uid, volume in self.volumes.items() if volume.pool == pool]
        for uid in gone:
            del self.volumes[uid]
        self.mounts = {uid: mount for uid, mount in self.mounts.items() if mount.volume not in gone}

    # -- comparing -------------------------------------------------------------------------------

    def differs(self, row: Pool | Volume | Attachment) -> str:
        """How a record differs from what was acknowledged, or an empty text."""
        known = self._table(row).get(row.uid)
        shown = self._shown(row)
        return "" if known == shown else f"the record shows {shown}, acknowledged was {known}"

    def adopt(self, rows: list[Pool | Volume | Attachment]) -> None:
        """After a repair: what abandoned operations left is what the records show."""
        there = {row.uid: row for row in rows}
        for uid in self.loose:
            for table in (self.pools, self.volumes, self.mounts):
                if uid not in there:
                    table.pop(uid, None)
            if uid in there:
                self._table(there[uid])[uid] = self._shown(there[uid])
        self.loose.clear()

    def _table(self, row: Pool | Volume | Attachment) -> dict[str, Any]:
        return self.pools if isinstance(row, Pool) else self.volumes if isinstance(row, Volume) else self.mounts

    def _shown(self, row: Pool | Volume | Attachment) -> KnownPool | KnownVolume | KnownMount:
        if isinstance(row, Pool):
            return KnownPool(row.name, _source(row.spec.config))
        if isinstance(row, Attachment):
            return KnownMount(row.parent, row.spec.path, row.spec.read_only)
        spec, known = row.spec, self.volumes.get(row.uid)
        token = known.token if known else b""
        return KnownVolume(row.name, row.parent, spec.size, spec.content, spec.fs, dict(spec.labels), token)


def _source(config: dict[str, str]) -> str:
    """A pool's place."""
    return config.get("source") or config["pod"]
