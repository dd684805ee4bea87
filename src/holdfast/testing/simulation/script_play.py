"""Making a script: one client on the simulated machine, twice."""

import random
from collections import Counter
from collections.abc import Iterator

import msgspec

from holdfast.control.daemon import Daemon
from holdfast.engine.request import Bound
from holdfast.engine.submit import Caller
from holdfast.model.errors import HoldfastError, NotFound
from holdfast.operations.attachment.mount import VolumeMount
from holdfast.operations.attachment.unmount import VolumeUnmount
from holdfast.operations.base import Asked
from holdfast.operations.pool.create import PoolCreate
from holdfast.operations.registry import codec
from holdfast.operations.volume.caring import Care
from holdfast.operations.volume.create import VolumeCreate
from holdfast.operations.volume.delete import VolumeDelete
from holdfast.operations.volume.label import VolumeLabel
from holdfast.operations.volume.rename import VolumeRename
from holdfast.records import operations
from holdfast.records.contract import Tx
from holdfast.testing.simulation.breach import Breach
from holdfast.testing.simulation.model import Model
from holdfast.testing.simulation.script import PLACES, Kill, Line, Script, told
from holdfast.testing.simulation.script_hands import after
from holdfast.testing.simulation.script_state import State, read
from holdfast.testing.simulation.universe import SimulatedUniverse
from holdfast.testing.simulation.workload import Client
from holdfast.testing.simulation.world import World
from holdfast.testing.universe import Universe

KINDS = (("ext4", "btrfs"), ("xfs", "ext4"), ("btrfs", "xfs"))
LEAST, MOST = 10, 14
KILLS = (2, 3)
# Volumes: with more there is more to be done with them than to make others, with fewer more than to delete them.
CROWD = 2
# Visits of a request that concerns the records alone: it is killed less often.
_FEW = 4
# Virtual seconds: longer than any backoff, and shorter than the deadline of an operation.
PATIENCE = 1e3
# Not on a request's own way: what many share, and what the clock does.
_SHARED = ("records.", "pool.stamp")


def script(seed: int) -> Script:
    """The script of a seed. Raises Breach, see `Play`."""
    calm = Play(seed)
    calm.play()
    return Play(seed, _kills(seed, calm.visits)).play()


def _kills(seed: int, visits: list[int]) -> dict[int, int]:
    drawn = random.Random(f"{seed} kills")
    found: dict[int, int] = {}
    weights = [min(count, 1) * (1 if count > _FEW else 0.05) for count in visits]
    wanted = min(drawn.choice(KILLS), sum(map(bool, visits)))
    while len(found) < wanted:
        number = drawn.choices(range(len(visits)), weights)[0]
        found[number] = drawn.randint(1, visits[number])
    return found


class Play:
    """One play of a seed on the simulated machine. `kills` say at which visit of a failpoint which request meets one.

    `visits` are how many failpoints each request visited where it can be killed.
    """

    def __init__(self, seed: int, kills: dict[int, int] | None = None) -> None:
        self.universe = SimulatedUniverse(seed)
        self._seed = seed
        self._random = random.Random(f"{seed} script")
        self._kinds = self._random.choice(KINDS)
        World(self.universe.machine, self._kinds, PLACES)
        self._model = Model()
        self._client = Client(0, seed, self._model, PLACES)
        self._codec = codec()
        self.visits: list[int] = []
        self._kills = kills or {}
        self._dies_at = 0
        self._seen: Counter[str] = Counter()
        self._kill: Kill | None = None
        self.universe.hook = self._hook

    def play(self) -> Script:
        """The universe is gone afterwards. Raises Breach where a request does not end, or the daemon does."""
        self.universe.start()
        try:
            lines = tuple(self._line(number, request) for number, request in enumerate(self.requests()))
            findings = self.universe.run(lambda: self._daemon().repair.run(repair=False))
            end = self.universe.run(self._end)
        finally:
            self.universe.end()
        return Script(self._seed, self._kinds, lines, tuple(sorted(found.kind for found in findings)), end)

    def requests(self) -> Iterator[Asked]:
        """What is asked: a pool or both, without which the rest is not worth asking, and then as drawn."""
        pools = ("p0", "p1") if self._random.random() < 0.5 else ("p0",)
        for name in pools:
            yield PoolCreate(name=name, config={"source": f"/srv/{name}"})
        for _ in range(self._random.randint(LEAST, MOST) - len(pools)):
            yield self._draw()

    def _draw(self) -> Asked:
        """Mostly of what is there: a short script has no time for many misses."""
        while True:
            request = self._client.draw()
            if self._meets(request) or self._random.random() < 0.15:
                return request

    def _meets(self, request: Asked) -> bool:
        model = self._model
        pools = {pool.name for pool in model.pools.values()}
        volumes = {(model.pools[volume.pool].name, volume.name) for volume in model.volumes.values()}
        match request:
            case VolumeUnmount():
                return request.path in {mount.path for mount in model.mounts.values()}
            case VolumeCreate():
                return request.pool in pools and len(volumes) < CROWD
            case VolumeDelete():
                return (request.pool, request.name) in volumes and len(volumes) >= CROWD
            case VolumeMount() | VolumeRename() | VolumeLabel() | Care():
                return (request.pool, request.name) in volumes
            case _:
                return True

    def _end(self) -> State:
        def look(tx: Tx) -> State:
            return read(tx, self.universe.administrator(), "")

        return self._daemon().records.read(look)

    def _daemon(self) -> Daemon:
        daemon = self.universe.daemon
        if daemon is None:
            raise RuntimeError("no daemon lives")
        return daemon

    # -- one request -----------------------------------------------------------------------------

    def _line(self, number: int, request: Asked) -> Line:
        key = f"{self._seed}-{number}"
        self._kill, self._seen, self._dies_at = None, Counter(), self._kills.get(number, 0)
        self.visits.append(0)
        answer = self.universe.run(lambda: self._ask(request, key), PATIENCE * 10)
        if self._kill is not None:
            self._dies_at = 0
            self.universe.bury()
            self.universe.start()
            answer = self.universe.run(lambda: self._ask(request, key), PATIENCE * 10)
        if answer is None:
            raise Breach(6, f"the daemon died of {request}")
        if answer == "done":
            after(request, self.universe.administrator(), "")
        return Line(request, key, self._kill, answer)

    def _ask(self, request: Asked, key: str) -> str:
        daemon, caller = self._daemon(), Caller("script")
        try:
            view = daemon.engine.earlier(request, caller, key)
            if view is None:
                checked = request.checked(daemon.desk)
                view = daemon.engine.submit(checked, caller, key=key, said=request, begun=lambda _op: None)
        except HoldfastError as error:
            return f"refused {error.code}"
        view = daemon.engine.watch.wait(view.id, PATIENCE, parked=False)
        if not view.ended:
            raise Breach(5, f"{request} does not end though nothing is wrong: {view.state}, {view.reason}", view.id)
        row = daemon.records.read(lambda tx: operations.get(tx, view.id))
        if row is None:
            raise NotFound(view.id)
        bound = msgspec.json.decode(row.ids, type=Bound)
        self._model.ended(self._codec.request(row.request), bound, view.state)
        return told(view)

    def _hook(self, universe: Universe, name: str) -> None:
        self._seen[name] += 1
        task = universe.scheduler.current
        if not self.visits or name.startswith(_SHARED) or task is None or task.name != "test":
            return
        self.visits[-1] += 1
        if self.visits[-1] == self._dies_at:
            self._kill = Kill(name, self._seen[name])
            universe.kill()
