"""What must hold after every event, one rule of DESIGN after the other. A breach names its rule.

Checks read the records between transactions and the machine's own state, never through Holdfast. What is claimed by
an operation is under way and is judged when it is free again; what the weather has in its hands, when that is over.
"""

import random
import re
from collections.abc import Callable

import msgspec

from holdfast.control.daemon import Daemon
from holdfast.engine.request import Bound
from holdfast.model.resources import Attachment, Pool, Snapshot, Volume
from holdfast.operations.attachment.mount import MountRestore
from holdfast.operations.pool.adopt import PoolAdopt
from holdfast.operations.pool.forget import PoolForget
from holdfast.operations.pool.import_ import PoolImport
from holdfast.operations.pool.recover import PoolRecover
from holdfast.operations.registry import codec
from holdfast.records import resources
from holdfast.records.contract import Tx
from holdfast.records.sqlite import SqliteRecords
from holdfast.testing.simulation.breach import Breach
from holdfast.testing.simulation.held import Held, paths, stray_of
from holdfast.testing.simulation.home import RecordsDisk
from holdfast.testing.simulation.model import KnownVolume, Model, Row
from holdfast.testing.simulation.synced import Synced
from holdfast.testing.simulation.world import Kept, World, has_token, mark_of, settle_in
from holdfast.testing.universe import Universe

_CODEC = codec()
_OPEN = "('queued', 'running', 'undoing', 'parked')"
# What Holdfast does outside of operations: counters' stamps, and what a repair discards of what is over.
# Looks that want a child, and the sync of what was there before.
_HARMLESS = re.compile(r"\.persist|^child\.(?:check|fsck)-")
_OWN = (
    "pool.stamp", "tree.remove", "volume.sync-discarded",
    *(f"array.{purpose}." for purpose in ("stamp", "remove-host", "disconnect", "destroy", "eradicate")),
)  # fmt: skip


class Invariants:
    """Of one universe. `excused` are uids, paths and names that the weather has in its hands."""

    def __init__(self, universe: Universe, world: World, disk: RecordsDisk) -> None:
        self._universe = universe
        self._world = world
        self.model = Model()
        self.excused: dict[str, None] = {}
        # Whose marks were another's for a while; and of those what an import passed over: it stays until it is adopted.
        self.doubted: dict[str, None] = {}
        self.passed_over: dict[str, str] = {}
        self.ended: dict[str, str] = {}
        self.results: dict[str, int] = {}
        # Paths whose mounts others took away; they are ours again once they are back.
        self.gone: dict[str, None] = {}
        # Of tenants who go on writing; without it each writes once.
        self.restless: random.Random | None = None
        # Whether the power was cut since the last commit: no mount is there, not even one that was acknowledged last.
        self.dark = False
        # Mount points of what was published of a pool that was forgotten.
        self.orphaned: dict[str, None] = {}
        self._changed = 0
        self._synced = Synced(disk)
        # What running operations have claimed for themselves alone, as of the last commit.
        self.claimed: dict[str, str] = {}
        # Whether the world may have changed since it was looked at.
        self._touched = True
        self._epochs: dict[str, int] = {}
        # What more is checked at each commit, of back ends that are not on this machine.
        self.beside: Callable[[Tx, Held], None] = lambda _tx, _held: None

    # -- when ------------------------------------------------------------------------------------

    def at_effect(self, name: str, operation: str) -> None:
        """Something is about to be done to the world."""
        self._touched = True
        if not operation:
            if not name.startswith(_OWN):
                raise Breach(1, f"{name} outside of any operation")
            return
        daemon = self._universe.daemon
        if daemon is None or not hasattr(daemon, "engine"):
            return
        self._synced.at_effect(name, operation)
        tx = peek(daemon)
        rows = tx.run("SELECT state, direction, epoch FROM operations WHERE id=?", (operation,))
        if not rows:
            raise Breach(1, f"{name} by an operation that is not recorded", operation)
        state, direction, epoch = rows[0]
        if state not in ("running", "undoing", "parked"):
            raise Breach(10, f"{name} by an operation that is {state}", operation)
        if int(epoch) < self._epochs.get(operation, 0):
            raise Breach(10, f"{name} under an epoch that is over", operation)
        self._epochs[operation] = int(epoch)
        intents = tx.run("SELECT 1 FROM steps WHERE op=? AND state='intent'", (operation,))
        if direction == "forward" and not intents and not _HARMLESS.search(name):
            raise Breach(1, f"{name} before the intent was recorded", operation)
        self._no_child_lives(tx, name, operation)

    def _no_child_lives(self, tx: Tx, name: str, operation: str) -> None:
        for (pid,) in tx.run("SELECT pid FROM children WHERE op=?", (operation,)):
            if pid in self._universe.alive:
                raise Breach(9, f"{name} while its abandoned child {pid} lives", operation)

    def at_journal(self, operation: str) -> None:
        """The journal of an operation changed, by anything but the identity of a child."""
        daemon = self._universe.daemon
        if daemon is not None and hasattr(daemon, "engine"):
            self._synced.at_journal(daemon, operation)

    def at_commit(self) -> None:
        """The records changed."""
        daemon = self._universe.daemon
        if daemon is None or not hasattr(daemon, "engine"):
            return
        tx = peek(daemon)
        before = len(self.ended)
        self._ends(tx)
        self._synced.at_commit(daemon, tx, ended=len(self.ended) > before)
        if self.dark:
            self.dark = False
            self.gone.update((mount.path, None) for mount in self.model.mounts.values())
        held = self._claims(tx)
        self.claimed = held.exclusive
        if len(self.ended) > before:  # only then is anything judged that was not
            self._records(tx, held)
        elif not self._touched:
            return
        self._touched = False
        self._volumes(tx, held)
        self._snapshots(tx, held)
        self._strays(tx, held, daemon.member.uid)
        self._mounts(held)
        self.beside(tx, held)

    def calm(self) -> None:
        """After healing nothing is excused any more."""
        self.excused.clear()
        self.gone.clear()
        if self._universe.daemon is not None:
            self.model.adopt(_rows(peek(self._universe.daemon)))

    # -- what ------------------------------------------------------------------------------------

    def _ends(self, tx: Tx) -> None:
        """Rule 6 and 10: what is over is over, once."""
        rows = tx.run(
            "SELECT id, state, request, ids, changed, kind FROM operations WHERE changed>? ORDER BY changed",
            (self._changed,),
        )
        for op, state, request, ids, changed, kind in rows:
            self._changed = int(changed)
            if op in self.ended:
                if state != self.ended[str(op)]:
                    raise Breach(10, f"the operation was {self.ended[str(op)]} and is {state}", str(op))
                continue
            if state not in ("done", "undone", "abandoned"):
                continue
            if any(pid in self._universe.alive for (pid,) in tx.run("SELECT pid FROM children WHERE op=?", (op,))):
                raise Breach(9, "it ended while its child lives", str(op))
            self.ended[str(op)] = str(state)
            self.results[f"{kind} {state}"] = self.results.get(f"{kind} {state}", 0) + 1
            asked, bound = _CODEC.request(str(request)), msgspec.json.decode(str(ids), type=Bound)
            if state != "done" and isinstance(asked, MountRestore):
                lost = self.model.mounts.get(bound.uids["attachment"])
                self.gone.update({} if lost is None else {lost.path: None})
            if state == "done" and isinstance(asked, PoolForget):
                self._forgotten(asked.name, str(op))
            self.model.ended(asked, bound, str(state))
            if state == "done" and isinstance(asked, PoolImport | PoolAdopt | PoolRecover):
                made = _objects(tx, bound.uids["pool"])
                self.model.recorded([each for each in made if each.operation == op])
                self._passed_over(tx, bound.uids["pool"])

    def _forgotten(self, name: str, op: str) -> None:
        """With snapshots some pools are kept by their administrator, and may be imported. Nothing in the world goes."""
        for mount in self.model.mounts.values():
            self.orphaned[mount.path] = None
        if self.restless is None or int(op, 16) % 2:
            self._world.wipe(name)
        else:
            self._world.keep(name)

    def _passed_over(self, tx: Tx, pool: str) -> None:
        """What did not prove to be the owner's while the pool was read, and the snapshots of such a volume."""
        recorded = {row.uid for row in _objects(tx, pool)}
        entries = [disk.volumes() for disk in self._world.disks if disk.source == self.model.pools[pool].source]
        for uid, entry in (each for found in entries for each in found.items()):
            mark = mark_of(entry)
            if uid in self.doubted or (mark is not None and mark.of in self.doubted):
                self.passed_over[uid] = pool
        for uid in recorded:
            self.passed_over.pop(uid, None)

    def _claims(self, tx: Tx) -> Held:
        """No claim without an operation; what is granted exclusively is granted once."""
        held = Held({}, {})
        rows = tx.run(
            "SELECT c.item, c.mode, c.op, o.state, o.kind FROM claims c LEFT JOIN operations o ON o.id=c.op"
            " ORDER BY c.item, c.seq"
        )
        granted: dict[str, str] = {}
        for item, mode, op, state, kind in rows:
            if state is None or state in ("done", "undone", "abandoned"):
                raise Breach(7, f"a claim on {item} of an operation that is {state}", str(op))
            if state == "queued":
                continue
            if granted.get(str(item)) == "exclusive" or (item in granted and mode == "exclusive"):
                raise Breach(10, f"{item} was granted twice", str(op))
            granted[str(item)] = str(mode)
            if mode == "exclusive":
                held.exclusive[str(item).removeprefix("uid:")] = str(op)
                held.by_kind[str(item).removeprefix("uid:")] = str(kind)
        return held

    def free(self, held: Held, *uids: str) -> bool:
        """Whether nobody moves these: no operation, no weather, and nobody who gave one up."""
        loose = self.model.loose
        return not any(uid in held.exclusive or uid in loose or uid in self.excused for uid in uids)

    def is_seen(self, path: str) -> bool:
        """Whether what is mounted there is in nobody's hands."""
        return path not in self.excused and path not in self.gone

    def _records(self, tx: Tx, held: Held) -> None:
        """Rules 6 and 7: records are what was acknowledged, both ways."""
        rows = _rows(tx)
        for row in rows:
            if self.free(held, row.uid, row.parent) and (differs := self.model.differs(row)):
                raise Breach(6, f"{row.name}: {differs}")
        there = {row.uid for row in rows}
        for known in (self.model.pools, self.model.volumes, self.model.snapshots, self.model.mounts):
            for uid in known:
                if uid not in there and self.free(held, uid):
                    raise Breach(7, f"{known[uid]} was acknowledged, and is not recorded")

    def _volumes(self, tx: Tx, held: Held) -> None:
        """Rules 3, 4 and 6: a volume is whole on its disk; its tenant's data stays until a delete passed its pivot."""
        for uid, volume in self.model.volumes.items():
            pool = self.model.pools.get(volume.pool)
            if pool is None or uid in self.excused or uid in self.model.loose:
                continue
            if held.by_kind.get(uid) == "volume.delete" and self._past(tx, held.exclusive[uid]):
                continue
            kept = self._world.places[pool.source].kept(uid)
            if kept is None:
                raise Breach(6, f"the volume {volume.name} is not in its pool", held.exclusive.get(uid, ""))
            inner = kept.image.inner if kept.image else None
            if inner is not None and inner.frozen and uid not in held.exclusive:
                raise Breach(5, f"the file system of {volume.name} was left frozen")
            lied = kept.image is not None and kept.image.lied  # a copy of what a sick device told is as it was told
            if kept.image is not None and lied and uid not in held.exclusive:
                kept.image.lied, volume.token = False, volume.token if has_token(kept, volume) else b""
            self._write(kept, volume, uid, held)
            if not lied and not self._holds(tx, kept, uid, volume, held):
                raise Breach(3, f"the data of {volume.name} is gone", held.exclusive.get(uid, ""))
            if uid not in held.exclusive and (shown := kept.marked()) != (volume.name, uid):
                raise Breach(6, f"the mark of {volume.name} shows {shown}")

    def _write(self, kept: Kept, volume: KnownVolume, uid: str, held: Held) -> None:
        """Its tenant, who waits while an operation has the volume to itself, as a writer does for a thaw."""
        if not volume.token and self.restless is None:
            settle_in(kept, volume, uid.encode())
        elif (
            self.restless is not None
            and uid not in held.exclusive
            and self.restless.random() < (0.1, 1)[not volume.token]
        ):
            settle_in(kept, volume, f"{uid[:16]}{self.restless.getrandbits(64):016x}".encode())

    def _holds(self, tx: Tx, kept: Kept, uid: str, volume: KnownVolume, held: Held) -> bool:
        """Its tenant's data; while it is restored, from the point of no return on, what a snapshot of it has."""
        if not volume.token or has_token(kept, volume):
            return True
        if held.by_kind.get(uid) != "snapshot.restore" or not self._past(tx, held.exclusive[uid], "restore-swapped.1"):
            return False
        return any(
            not each.token or has_token(kept, each) for each in self.model.snapshots.values() if each.volume == uid
        )

    def _snapshots(self, tx: Tx, held: Held) -> None:
        """Rules 3 and 6: a snapshot holds what its volume did, until its own delete passed its pivot."""
        for uid, snapshot in self.model.snapshots.items():
            volume = self.model.volumes.get(snapshot.volume)
            if volume is None and uid not in self.model.loose:
                raise Breach(3, f"the volume of the snapshot {snapshot.name} was deleted")
            pool = self.model.pools.get(volume.pool) if volume else None
            if pool is None or uid in self.excused or uid in self.model.loose:
                continue
            if held.by_kind.get(uid) == "snapshot.delete" and self._past(tx, held.exclusive[uid]):
                continue
            kept = self._world.places[pool.source].kept(uid)
            if kept is None:
                raise Breach(6, f"the snapshot {snapshot.name} is not in its pool", held.exclusive.get(uid, ""))
            if snapshot.token and not has_token(kept, snapshot) and not (kept.image and kept.image.lied):
                raise Breach(3, f"the data of the snapshot {snapshot.name} is gone", held.exclusive.get(uid, ""))
            if uid not in held.exclusive and (shown := kept.marked()) != (snapshot.name, uid):
                raise Breach(6, f"the mark of the snapshot {snapshot.name} shows {shown}")

    @staticmethod
    def _past(tx: Tx, operation: str, tag: str = "") -> bool:
        """Whether a delete may have begun to delete; or what the step of that tag does may be done."""
        sql = "SELECT 1 FROM steps WHERE op=? AND body LIKE ? AND state IN ('intent', 'done')"
        return bool(tx.run(sql, (operation, f'%"{tag}%')))

    def _strays(self, tx: Tx, held: Held, owner: str) -> None:
        """Rule 7: whatever bears our owner has a record, or an operation that is under way."""
        known = {str(row[0]) for row in tx.run(f"SELECT id FROM operations WHERE state IN {_OPEN}")}
        abandoned = {op for op, state in self.ended.items() if state == "abandoned"}
        recorded = {str(row[0]) for row in tx.run("SELECT uid FROM resources")}
        pools = {pool.source for pool in self.model.pools.values()}
        for disk in self._world.disks:
            if disk.used and disk.source not in pools:
                continue
            for name in disk.volumes():
                if name in self.excused or name in self.passed_over:
                    continue
                if any(part in self.model.loose for part in name.split(".")):
                    continue
                stray = stray_of(name, owner, known | abandoned, recorded, held)
                if stray:
                    raise Breach(7, f"{disk.source}/volumes/{name} {stray}")

    def _mounts(self, held: Held) -> None:
        """Rules 5 and 6: each acknowledged mount is there, and none is that nobody wants."""
        wanted = {mount.path: mount for uid, mount in self.model.mounts.items() if self.free(held, uid, mount.volume)}
        seen: dict[str, bool] = {}
        for mount in self._world.machine.namespace.facts():
            if mount.path.startswith(("/state", "/run")):
                raise Breach(8, f"something is mounted at {mount.path}, the daemon's own")
            if mount.path.startswith("/mnt/"):
                seen[mount.path] = mount.read_only
        for path in [path for path in self.gone if path in seen]:
            del self.gone[path]
        for path, known in wanted.items():
            if path in self.excused or path in self.gone:
                continue
            if path not in seen:
                raise Breach(6, f"the mount at {path} was acknowledged, and is not there")
            if seen[path] != known.read_only:
                raise Breach(6, f"the mount at {path} has another access mode")
        claimed = {path for item in held.exclusive for path in paths(item)}
        known_paths = {mount.path for mount in self.model.mounts.values()}
        for name in self._world.machine.root.root.children["mnt"].children:
            path = f"/mnt/{name}"
            if path in known_paths:
                self.orphaned.pop(path, None)
            elif name.startswith("k") and path not in (*claimed, *self.orphaned) and not self._loose_mount():
                raise Breach(5, f"the mount point {path} is left")
        for path in seen:
            if path not in known_paths and path not in claimed and path not in self.excused and not self._loose_mount():
                raise Breach(5, f"a mount is left at {path}")

    def _loose_mount(self) -> bool:
        """An abandoned mount or unmount leaves its mount to whoever looks."""
        return bool(self.model.loose)


def _objects(tx: Tx, pool: str) -> list[Row]:
    """Of one pool."""
    volumes = resources.page(tx, Volume, pool)
    return [*volumes, *(each for volume in volumes for each in resources.page(tx, Snapshot, volume.uid))]


def _rows(tx: Tx) -> list[Row]:
    """All records but the member's."""
    pools, volumes = resources.page(tx, Pool), resources.page(tx, Volume)
    return [*pools, *volumes, *resources.page(tx, Snapshot), *resources.page(tx, Attachment)]


def peek(daemon: Daemon) -> Tx:
    """Reading the records from outside, between transactions."""
    records = daemon.records
    if not isinstance(records, SqliteRecords):
        raise TypeError("only SQLite's records are simulated")
    return records.peek()
