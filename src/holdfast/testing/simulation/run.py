"""One seed: clients and weather over a machine, checked after every event, healed, checked again, and swept clean."""

import random
import time
from collections import Counter
from typing import TYPE_CHECKING

import msgspec
import structlog

from holdfast.drivers.btrfs.driver import BtrfsDriver
from holdfast.drivers.contract import Driver
from holdfast.drivers.dir.driver import DirDriver
from holdfast.drivers.registry import Drivers
from holdfast.engine.submit import Caller
from holdfast.host.host import Host
from holdfast.model.conditions import ABANDONED, holds
from holdfast.model.errors import HoldfastError
from holdfast.model.resources import Attachment, Pool, Snapshot, Volume
from holdfast.operations.attachment.unmount import VolumeUnmount
from holdfast.operations.base import Asked
from holdfast.operations.pool.adopt import PoolAdopt
from holdfast.operations.pool.delete import PoolDelete
from holdfast.operations.pool.forget import PoolForget
from holdfast.operations.snapshot.change import SnapshotChange
from holdfast.operations.snapshot.delete import SnapshotDelete
from holdfast.operations.volume.delete import VolumeDelete
from holdfast.records import operations, resources
from holdfast.testing.flasharray.model import Sent
from holdfast.testing.simulation.array_conditions import LATE
from holdfast.testing.simulation.arrays import POD
from holdfast.testing.simulation.beside import LONGEST_SETTLE, Beside
from holdfast.testing.simulation.breach import Breach
from holdfast.testing.simulation.conditions import Conditions
from holdfast.testing.simulation.invariants import Invariants
from holdfast.testing.simulation.slow import SETTLE, Before, SlowDriver
from holdfast.testing.simulation.trace import Trace
from holdfast.testing.simulation.universe import SimulatedUniverse
from holdfast.testing.simulation.weather import CRASH, Failpoints
from holdfast.testing.simulation.workload import Asking, Client
from holdfast.testing.simulation.world import World
from holdfast.testing.universe import Universe

if TYPE_CHECKING:
    from holdfast.testing.simulation.orchestrator import Orchestrator

PLACES = 5
OPERATIONS = 80
# Longer than any backoff, deadline and condition; virtual seconds.
PATIENCE = 1e5
MOST_STARTS = 400
# Requests for an operation that ends; a good part is refused.
MOST_ASKED = 100


class Report(msgspec.Struct):
    """How a run went. `ended` counts operations; `results` by kind and end."""

    seed: int
    digest: str
    ended: int
    refused: dict[str, int]
    results: dict[str, int]
    hits: dict[str, int]
    starts: int
    seconds: float


class Run:
    """Plays one seed."""

    def __init__(
        self, seed: int, operations: int = OPERATIONS, *, keep: bool = False, array: bool = False,
        taking: bool = False, csi: bool = False,
    ) -> None:  # fmt: skip
        self.seed = seed
        self.array = array
        self.taking = taking
        self.csi = csi
        self.trace = Trace(keep=keep)
        self.hits: Counter[str] = Counter()
        self._wanted = operations
        self._random = random.Random(f"{seed} run")
        cache: dict[str, Before] = {}
        self.universe = SimulatedUniverse(seed, lambda host: self._known(host, cache))
        kinds = self._random.choice((("ext4", "btrfs"), ("xfs", "ext4"), ("btrfs", "xfs")))
        self.world = World(self.universe.machine, kinds, PLACES)
        self.invariants = Invariants(self.universe, self.world, self.universe.disk)
        drivers = {"p1": "slow"}
        if taking and kinds[0] == "btrfs":
            drivers["p0"] = "btrfs"
            self.world.disks[0].system.quotas = True
        if taking:
            self.invariants.restless = random.Random(f"{seed} tenants")
        # Adoptions have few failpoints.
        self.failpoints = Failpoints(self.universe, seed, self.hits, 1.5 * CRASH if taking else CRASH)
        self.conditions = Conditions(self.universe, self.world, self.invariants, seed, self.hits)
        self._beside = Beside(self.universe, self.world, self.invariants, seed, self.hits) if array else None
        config = self._beside.config if self._beside else None
        self.clients: list[Asking] = [
            Client(number, seed, self.invariants.model, PLACES, drivers, config, taking=taking)
            for number in range(self._random.choice((1, 3, 5)))
        ]
        self.orchestrator = self._orchestrator(POD if array else "p0") if csi else None
        self._breach: Breach | None = None
        self.universe.hook = self._hook
        self.universe.fatal_reason = self._fatal
        if self._beside is not None:
            self._beside.array.heard = self._heard

    def _orchestrator(self, pool: str) -> "Orchestrator":
        """It needs what only the extra `csi` brings."""
        from holdfast.testing.simulation.orchestrator import Orchestrator

        found = Orchestrator(self.seed, self.world, self.invariants, pool)
        self.clients += [found]
        return found

    def _known(self, host: Host, cache: dict[str, Before]) -> Drivers:
        def late() -> None:
            self.hits["late-look"] += 1

        known: dict[str, Driver] = {
            "btrfs": BtrfsDriver(host),
            "dir": DirDriver(host),
            "slow": SlowDriver(host, cache, late),
        }
        return Drivers(known if self._beside is None else {**known, "flasharray": self._beside.driver(host)})

    # -- what is seen ----------------------------------------------------------------------------

    def _hook(self, universe: Universe, name: str) -> None:
        commit = name.startswith("records.")  # of whom is in the lines around it
        operation = "" if commit else str(structlog.contextvars.get_contextvars().get("operation", ""))
        self.trace.note(universe.scheduler.clock, operation, f"{universe.incarnations} {name}")
        try:
            if name == "records.commit.after":
                self.invariants.at_commit()
                self.conditions.check()
            elif name.endswith(".before") and not name.startswith(("journal.", "records.")):
                self.invariants.at_effect(name, operation)
            elif name.startswith("journal.") and name.endswith(".after") and name != "journal.child.after":
                self.invariants.at_journal(operation)
        except Breach as breach:
            self._breach = self._breach or breach
            universe.kill()
        self.failpoints.at(name)

    def _heard(self, sent: Sent) -> None:
        try:
            if self._beside is not None:
                self._beside.invariants.at_request(sent)
        except Breach as breach:
            self._breach = self._breach or breach
            self.universe.kill()

    def _fatal(self, reason: str) -> None:
        if reason.startswith("operation "):
            self._breach = self._breach or Breach(6, f"a fault of Holdfast itself: {reason}", reason.split()[1])

    def _check(self) -> None:
        if self._breach is not None:
            raise self._breach

    # -- playing ---------------------------------------------------------------------------------

    def play(self) -> Report:
        """Raises Breach."""
        begun = time.perf_counter()
        self.universe.world.spawn("weather", self.conditions.run)
        if self._beside is not None:
            self.universe.world.spawn("weather", self._beside.conditions.run)
        try:
            while len(self.invariants.ended) < self._wanted:
                self._live()
            self._heal()
        finally:
            self.universe.end()
        self.hits["state-full"] += self.universe.disk.refused
        refused: Counter[str] = Counter()
        for client in self.clients:
            refused.update(client.refused)
        return Report(
            self.seed, self.trace.digest(), len(self.invariants.ended), dict(refused), self.invariants.results,
            dict(self.hits), self.universe.incarnations, time.perf_counter() - begun,
        )  # fmt: skip

    def _more(self) -> bool:
        if sum(client.asked for client in self.clients) > MOST_ASKED * self._wanted:
            raise Breach(5, "nothing that is asked for comes to an end any more")
        return len(self.invariants.ended) < self._wanted

    def _start(self) -> None:
        """Until one lives."""
        while self.universe.daemon is None:
            if self.universe.incarnations > MOST_STARTS:
                raise Breach(6, "the daemon does not come up")
            alive = self.universe.start()
            self._check()
            if not alive:
                self._bury()

    def _bury(self) -> None:
        self._check()
        universe = self.universe
        universe.bury()
        if self._beside is not None:
            self._beside.ground.hang_up(LATE)
        if universe.power_is_cut:
            universe.power_cut()
            if self._beside is not None:
                self._beside.ground.shelf.appear()
            self.invariants.dark = True
            for disk in self.world.disks:
                if self.failpoints.calm or self._random.random() < 0.8:
                    disk.appear()
                else:
                    universe.world.spawn("disk", lambda disk=disk: _late(universe, disk))  # type: ignore[misc]  # a default binds it
        if not self.failpoints.calm:
            universe.pass_time(self._random.choice((0.0, 1.0, 100.0)))

    def _live(self) -> None:
        """One incarnation, until it dies or the clients have had enough."""
        self._start()
        universe, daemon = self.universe, self.universe.daemon
        if daemon is None:
            return
        runtime = universe.runtime
        tasks = [
            runtime.spawn("client", lambda client=client: client.live(daemon, runtime, self._more))  # type: ignore[misc]  # a default binds it
            for client in self.clients
        ]
        universe.scheduler.run(lambda: runtime.dead or all(getattr(task, "finished", False) for task in tasks), 1e8)
        self._check()
        if runtime.dead:
            self._bury()

    # -- healing ---------------------------------------------------------------------------------

    def _heal(self) -> None:
        """The world is well: every operation ends, the audit is content, and all of it can be taken away."""
        self.failpoints.calm = True
        self.conditions.heal()
        if self._beside is not None:
            self._beside.conditions.heal()
        self._start()
        self._settled()
        if self.orchestrator is not None and (daemon := self.universe.daemon) is not None:
            asker = self.orchestrator
            self.universe.run(lambda: asker.again(daemon), PATIENCE)
        self._look_again()
        findings = self.universe.run(self._audited, PATIENCE * 10)
        self._check()
        if findings:
            raise Breach(7, f"after healing the audit finds {findings}")
        self.invariants.calm()
        self._sweep()

    def _look_again(self) -> None:
        """A stamp that hung while its pool was forgotten wrote its mark on a wiped disk: its administrator sees it."""
        known = [pool.source for pool in self.invariants.model.pools.values()]
        for disk in self.world.disks:
            if (disk.wipes or disk.used) and disk.source not in known:
                disk.wipe()

    def _settled(self) -> None:
        daemon = self.universe.daemon

        def wait() -> None:
            if daemon is None:
                return
            member = daemon.member.uid
            for row in daemon.records.read(lambda tx: operations.unended(tx, member)):
                daemon.engine.exits.retry(row.id)
                view = daemon.engine.watch.wait(row.id, PATIENCE, parked=False)
                if not view.ended:
                    raise Breach(5, f"it does not end though the world is well: {view.state}, {view.reason}", row.id)

        self.universe.run(wait, PATIENCE * 10)
        self._check()

    def _audited(self) -> list[str]:
        daemon = self.universe.daemon
        if daemon is None:
            return ["no daemon"]
        settle = SETTLE if self._beside is None else LONGEST_SETTLE
        self.universe.runtime.sleep(settle)
        daemon.repair.run(repair=True)
        self._passed_over()
        self._abandoned()
        self.universe.runtime.sleep(settle)
        return [f"{found.kind} {found.subject}: {found.evidence}" for found in daemon.repair.run(repair=False)]

    def _passed_over(self) -> None:
        """What an import could not prove to be ours is adopted, as the audit's remedy says."""
        for uid in dict.fromkeys(self.invariants.passed_over.values()):
            if (pool := self.invariants.model.pools.get(uid)) is not None:
                self._ask(PoolAdopt(name=pool.name))

    def _abandoned(self) -> None:
        """What abandoned operations left half-made is deleted, as the audit's remedy says."""
        daemon = self.universe.daemon
        if daemon is None:
            return
        for row in daemon.records.read(lambda tx: resources.page(tx, Snapshot)):
            if not row.status.ready or holds(row.conditions, ABANDONED):
                self._drop(row)
        for volume in daemon.records.read(lambda tx: resources.page(tx, Volume)):
            pool = daemon.records.read(lambda tx, uid=volume.parent: resources.by_uid(tx, Pool, uid))  # type: ignore[misc]  # a default binds it
            if pool is not None and (not volume.status.ready or holds(volume.conditions, ABANDONED)):
                self._ask(VolumeDelete(pool=pool.name, name=volume.name))
        for pool in daemon.records.read(lambda tx: resources.page(tx, Pool)):
            if not pool.status.ready or holds(pool.conditions, ABANDONED):
                self._ask(PoolForget(name=pool.name))

    def _drop(self, row: Snapshot) -> None:
        """Delete a snapshot, protected or not."""
        daemon = self.universe.daemon
        if daemon is None:
            return
        volume = daemon.records.read(lambda tx: resources.by_uid(tx, Volume, row.parent))
        pool = daemon.records.read(lambda tx: resources.by_uid(tx, Pool, volume.parent)) if volume else None
        if volume is None or pool is None:
            raise Breach(7, f"the snapshot {row.name} has no volume")
        if row.spec.protected:
            self._ask(SnapshotChange(pool=pool.name, volume=volume.name, name=row.name, protected=False))
        self._ask(SnapshotDelete(pool=pool.name, volume=volume.name, name=row.name))

    def _ask(self, request: Asked) -> None:
        daemon = self.universe.daemon
        if daemon is None:
            return
        try:
            view = daemon.engine.submit(request.checked(daemon.desk), Caller("sweep"))
        except HoldfastError as error:
            raise Breach(5, f"{request} is refused though the world is well: {error}") from error
        view = daemon.engine.watch.wait(view.id, PATIENCE, parked=False)
        if view.state != "done":
            raise Breach(5, f"{request} ends as {view.state}: {view.error}, {view.reason}", view.id)

    def _sweep(self) -> None:
        self.universe.run(self._all, PATIENCE * 10)
        self._check()
        left = [
            f"{disk.source}: {sorted(disk.system.root.children)}"
            for disk in self.world.disks
            if set(disk.system.root.children) - {"lost+found"}
        ]
        if left or self.universe.machine.loops or self.universe.alive:
            raise Breach(7, f"left: {left}, devices {sorted(self.universe.machine.loops)}, {self.universe.alive}")

    def _all(self) -> None:
        daemon = self.universe.daemon
        if daemon is None:
            return
        for attachment in daemon.records.read(lambda tx: resources.page(tx, Attachment)):
            self._ask(VolumeUnmount(attachment=attachment.uid))
        for row in daemon.records.read(lambda tx: resources.page(tx, Snapshot)):
            self._drop(row)
        pools = {pool.uid: pool.name for pool in daemon.records.read(lambda tx: resources.page(tx, Pool))}
        for volume in daemon.records.read(lambda tx: resources.page(tx, Volume)):
            self._ask(VolumeDelete(pool=pools[volume.parent], name=volume.name))
        for name in pools.values():
            self._ask(PoolDelete(name=name))
        if self._beside is not None:
            self.universe.runtime.sleep(LONGEST_SETTLE)
            self._beside.ended()


def _late(universe: SimulatedUniverse, disk: object) -> None:
    universe.world.sleep(60.0)
    getattr(disk, "appear")()  # noqa: B009
