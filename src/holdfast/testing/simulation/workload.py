"""Clients: what they ask for, what they were told, and how they go on after the daemon died under them.

The mix, by weight: see MIX. About a third of what ends concerns mounts or file systems; about an eighth of all
requests are such that must be refused.
"""

import random
from collections.abc import Callable
from typing import Protocol

import msgspec

from holdfast.control import asking
from holdfast.control.daemon import Daemon
from holdfast.engine.submit import Caller
from holdfast.model.errors import HoldfastError, WrongState
from holdfast.model.operations import OperationView
from holdfast.operations.attachment.mount import VolumeMount
from holdfast.operations.attachment.unmount import VolumeUnmount
from holdfast.operations.base import Asked
from holdfast.operations.connection.cut import ConnectionCut
from holdfast.operations.pool.adopt import PoolAdopt
from holdfast.operations.pool.change import PoolChange
from holdfast.operations.pool.create import PoolCreate
from holdfast.operations.pool.delete import PoolDelete
from holdfast.operations.pool.forget import PoolForget
from holdfast.operations.pool.import_ import PoolImport
from holdfast.operations.pool.recover import PoolRecover
from holdfast.operations.snapshot.change import SnapshotChange
from holdfast.operations.snapshot.create import SnapshotCreate
from holdfast.operations.snapshot.delete import SnapshotDelete
from holdfast.operations.snapshot.mount import SnapshotMount
from holdfast.operations.snapshot.rename import SnapshotRename
from holdfast.operations.snapshot.restore import SnapshotRestore
from holdfast.operations.volume.check import VolumeCheck
from holdfast.operations.volume.clone import VolumeClone
from holdfast.operations.volume.create import VolumeCreate
from holdfast.operations.volume.delete import VolumeDelete
from holdfast.operations.volume.label import VolumeLabel
from holdfast.operations.volume.rename import VolumeRename
from holdfast.operations.volume.resize import VolumeResize
from holdfast.operations.volume.trim import VolumeTrim
from holdfast.runtime.api import Runtime
from holdfast.testing.flasharray.local import HOST
from holdfast.testing.simulation.arrays import POD
from holdfast.testing.simulation.breach import Breach
from holdfast.testing.simulation.model import Model

NAMES = [f"v{n}" for n in range(9)]
SNAPSHOTS = [f"s{n}" for n in range(4)]
POOLS = ("p0", "p1")
# Names of what an orchestrator has, which nobody else touches.
OTHERS = "k"
WAIT = 20.0


class Ask(msgspec.Struct):
    """A request that a client has begun: it repeats it under its key until it is told something."""

    request: Asked
    key: str
    operation: str = ""


class Asking(Protocol):
    """Who asks, and counts it."""

    asked: int
    refused: dict[str, int]

    def live(self, daemon: Daemon, runtime: Runtime, more: Callable[[], bool]) -> None:
        """Until enough was asked, or the daemon dies."""
        ...


class Client:
    """One of several. It lives on while its greenlet dies with the daemon."""

    def __init__(
        self, number: int, seed: int, model: Model, places: int, drivers: dict[str, str] | None = None,
        array: dict[str, str] | None = None, *, taking: bool = False,
    ) -> None:  # fmt: skip
        self.caller = Caller(f"client-{number}", "simulation")
        self.random = random.Random(f"{seed} {number}")
        self.model = model
        self.open: Ask | None = None
        self.refused: dict[str, int] = {}
        self.told: dict[str, str] = {}
        self.asked = 0
        self._places = places
        # By pool, where it is not dir.
        self._drivers = drivers or {}
        # What a pool on an array is configured with; then most requests are about that one.
        self._array = array
        self._mix = {**MIX, **(ON_ARRAY if array else {}), **(WITH_SNAPSHOTS if taking else {})}

    # -- asking ----------------------------------------------------------------------------------

    def live(self, daemon: Daemon, runtime: Runtime, more: Callable[[], bool]) -> None:
        """Ask, wait, think; until enough was asked, or the daemon dies."""
        while self.open is not None or more():
            if self.open is None:
                self.asked += 1
                self.open = Ask(self.draw(), f"key-{self.asked}")
            self._ask(daemon, self.open)
            self.open = None
            runtime.sleep(self.random.expovariate(1.0))

    def _ask(self, daemon: Daemon, ask: Ask) -> None:
        try:
            begun = (lambda _op: None) if self.random.random() < 0.5 else None
            allowance = 300.0 if self.random.random() < 0.3 else None
            view = asking.ask(daemon, ask.request, self.caller, ask.key, allowance=allowance, begun=begun)
        except HoldfastError as error:
            if ask.operation:
                raise Breach(6, f"the operation is not known by its key any more: {error}", ask.operation) from None
            self.refused[error.code] = self.refused.get(error.code, 0) + 1
            return
        if ask.operation and view.id != ask.operation:
            raise Breach(6, "the same key gave another operation", view.id)
        ask.operation = view.id
        self._told(view)
        self._wait(daemon, view.id)

    def _wait(self, daemon: Daemon, op: str) -> None:
        view = daemon.engine.watch.wait(op, self.random.choice((0.0, WAIT, 10 * WAIT)))
        self._told(view)
        if view.ended:
            return
        exit_ = self.random.choices(("leave", "retry", "cancel", "abandon"), (70, 15, 13, 2))[0]
        try:
            if exit_ == "retry":
                daemon.engine.exits.retry(op)
            elif exit_ == "cancel":
                daemon.engine.exits.cancel(op)
            elif exit_ == "abandon":
                daemon.engine.exits.abandon(op, "the simulation gave up")
        except (WrongState, HoldfastError) as error:
            self.refused[error.code] = self.refused.get(error.code, 0) + 1

    def _told(self, view: OperationView) -> None:
        """An end that was told is never taken back."""
        before = self.told.get(view.id)
        if before is not None and before != view.state:
            raise Breach(6, f"told that it is {before}, then that it is {view.state}", view.id)
        if view.ended:
            self.told[view.id] = view.state

    # -- drawing ---------------------------------------------------------------------------------

    def draw(self) -> Asked:
        """The next request."""
        kind = self.random.choices(tuple(self._mix), tuple(self._mix.values()))[0]
        drawn: Asked = getattr(self, f"_{kind}")()
        return drawn

    def _pool(self) -> str:
        if self._array:
            return self.random.choices((*POOLS, POD, "p9"), (15, 8, 75, 2))[0]
        return self.random.choices((*POOLS, "p9"), (70, 28, 2))[0]

    def _name(self) -> str:
        return self.random.choice(NAMES)

    def _volume(self, content: str = "") -> tuple[str, str]:
        """One that is there, mostly, by what this client could know."""
        names = {uid: pool.name for uid, pool in self.model.pools.items()}
        there = [
            v
            for v in self.model.volumes.values()
            if (not content or v.content == content) and v.pool in names and not v.name.startswith(OTHERS)
        ]
        if not there or self.random.random() < 0.07:
            return self._pool(), self._name()
        chosen = self.random.choice(there)
        return names[chosen.pool], chosen.name

    def _pool_create(self) -> Asked:
        name = self._pool()
        if name == POD and self._array:
            return PoolCreate(name=name, driver="flasharray", config=self._array)
        return PoolCreate(name=name, driver=self._drivers.get(name, "dir"), config={"source": f"/srv/{name}"})

    def _pool_import(self) -> Asked:
        name = self.random.choice(POOLS)
        return PoolImport(name=name, driver=self._drivers.get(name, "dir"), config={"source": f"/srv/{name}"})

    def _pool_adopt(self) -> Asked:
        return PoolAdopt(name=self._pool())

    def _pool_recover(self) -> Asked:
        uids = tuple(self.model.buried)[-9:] or tuple(self.model.volumes) or ("0" * 32,)
        return PoolRecover(name=self.random.choice((POD, POD, self._pool())), uid=self.random.choice(uids))

    def _pool_delete(self) -> Asked:
        return PoolDelete(name=self._pool())

    def _pool_forget(self) -> Asked:
        return PoolForget(name=self._pool())

    def _pool_change(self) -> Asked:
        return PoolChange(name=self._pool(), limit=self.random.choice((None, "64MiB", "12MiB")))

    def _directory(self) -> Asked:
        return VolumeCreate(pool=self._pool(), name=self._name(), size="1MiB")

    def _grow(self) -> Asked:
        pool, name = self._volume("block")
        return VolumeResize(pool=pool, name=name, size=self.random.choice(("1MiB", "2MiB", "3MiB")))

    def _cut(self) -> Asked:
        pool, name = self._volume()
        return ConnectionCut(pool=pool, name=name, host=HOST)

    def _block(self) -> Asked:
        return VolumeCreate(pool=self._pool(), name=self._name(), size="1MiB", content="block")

    def _filesystem(self) -> Asked:
        return VolumeCreate(pool=self._pool(), name=self._name(), size="1MiB", content="filesystem", fs="ext4")

    def _delete(self) -> Asked:
        pool, name = self._volume()
        return VolumeDelete(pool=pool, name=name)

    def _rename(self) -> Asked:
        pool, name = self._volume()
        return VolumeRename(pool=pool, name=name, new_name=self._name())

    def _label(self) -> Asked:
        pool, name = self._volume()
        value = self.random.choice(("a", "b", None))
        return VolumeLabel(pool=pool, name=name, labels={"of": value})

    def _mount(self) -> Asked:
        content = self.random.choices(("filesystem", "directory", "block"), (50, 30, 20))[0]
        pool, name = self._volume(content)
        path = f"/mnt/{'f' if content == 'block' else 'd'}{self.random.randrange(self._places)}"
        return VolumeMount(pool=pool, name=name, path=path, read_only=self.random.random() < 0.2)

    def _unmount(self) -> Asked:
        paths = [mount.path for mount in self.model.mounts.values() if mount.path[5] in "df"]
        return VolumeUnmount(path=self.random.choice(paths) if paths else "/mnt/d0")

    def _snapshot(self, content: str = "") -> dict[str, str]:
        """One that is there, mostly."""
        there = [
            each
            for each in self.model.snapshots.values()
            if (not content or each.content == content)
            and each.volume in self.model.volumes
            and not each.name.startswith(OTHERS)
        ]
        if there and self.random.random() > 0.07:
            chosen = self.random.choice(there)
            volume = self.model.volumes[chosen.volume]
            pool = self.model.pools.get(volume.pool)
            return {"pool": pool.name if pool else "p9", "volume": volume.name, "name": chosen.name}
        pool_name, name = self._volume()
        return {"pool": pool_name, "volume": name, "name": self.random.choice(SNAPSHOTS)}

    def _take(self) -> Asked:
        pool, name = self._volume()
        drawn = self.random.random()
        return SnapshotCreate(
            pool=pool, volume=name, name=self.random.choice(SNAPSHOTS), protected=drawn < 0.1,
            lifetime=5.0 if 0.1 <= drawn < 0.2 else None,
        )  # fmt: skip

    def _give_up(self) -> Asked:
        return SnapshotDelete(**self._snapshot())

    def _call(self) -> Asked:
        return SnapshotRename(**self._snapshot(), new_name=self.random.choice(SNAPSHOTS))

    def _note(self) -> Asked:
        protected, of = self.random.random() < 0.3, self._snapshot()
        return SnapshotChange(
            pool=of["pool"], volume=of["volume"], name=of["name"], labels={"of": self.random.choice(("a", None))},
            protected=protected,
        )  # fmt: skip

    def _go_back(self) -> Asked:
        return SnapshotRestore(**self._snapshot())

    def _clone(self) -> Asked:
        drawn = self.random.random()
        if drawn < 0.5:
            pool, name = self._volume("block" if drawn < 0.1 else "")
            return VolumeClone(
                pool=pool, source=name, name=self._name(), size="4MiB" if drawn < 0.1 else None,
                to=self._pool() if 0.05 <= drawn < 0.2 else "",
            )  # fmt: skip
        of = self._snapshot()
        return VolumeClone(pool=of["pool"], source=of["volume"], snapshot=of["name"], name=self._name())

    def _see(self) -> Asked:
        content = self.random.choices(("filesystem", "directory", "block"), (50, 30, 20))[0]
        path = f"/mnt/{'f' if content == 'block' else 'd'}{self.random.randrange(self._places)}"
        return SnapshotMount(**self._snapshot(content), path=path)

    def _check(self) -> Asked:
        pool, name = self._volume("filesystem")
        return VolumeCheck(pool=pool, name=name)

    def _trim(self) -> Asked:
        pool, name = self._volume("filesystem")
        return VolumeTrim(pool=pool, name=name)

    def _invalid(self) -> Asked:
        pool, name = self._volume()
        return self.random.choice(
            (
                VolumeCreate(pool=pool, name="../x", size="1MiB"),
                VolumeCreate(pool=pool, name=name, size="1"),
                VolumeCreate(pool=pool, name="large", size="1000000000TiB", content="block"),
                VolumeCreate(pool="p9", name=name, size="1MiB"),
                VolumeMount(pool=pool, name=name, path="/state"),
                VolumeMount(pool=pool, name=name, path="relative"),
                VolumeMount(pool=pool, name=name, path="/mnt/nowhere"),
                VolumeMount(pool=pool, name=name, path="/srv/p0"),
                VolumeRename(pool=pool, name=name, new_name=""),
                VolumeDelete(pool=pool, name=name, if_match='"0.0"'),
                VolumeUnmount(path="/mnt"),
                PoolCreate(name="p2", config={"source": "/srv/p0/volumes"}),
                PoolCreate(name="p3", config={"source": "/nowhere"}),
                VolumeTrim(pool=pool, name=name),
            )
        )


MIX = {
    "directory": 11, "filesystem": 12, "block": 6, "delete": 15, "rename": 5, "label": 4, "mount": 16, "unmount": 11,
    "check": 3, "trim": 3, "pool_create": 3, "pool_delete": 1.5, "pool_forget": 0.5, "pool_change": 1, "invalid": 8,
}  # fmt: skip
# What is otherwise where there are snapshots.
WITH_SNAPSHOTS = {
    "take": 12,
    "give_up": 5,
    "call": 2,
    "note": 2,
    "go_back": 6,
    "see": 6,
    "clone": 5,
    "grow": 3,
    "delete": 10,
    "pool_import": 6,
    "pool_adopt": 2,
}
# What is otherwise where there is an array.
ON_ARRAY = {"mount": 26, "unmount": 18, "directory": 4, "grow": 4, "cut": 2, "pool_recover": 2}
