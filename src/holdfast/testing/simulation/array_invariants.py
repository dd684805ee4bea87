"""What must hold of a simulated array at every event, told from its own state and from what it was sent."""

from holdfast.drivers.flasharray import names
from holdfast.records.contract import Tx
from holdfast.testing.flasharray.judging import is_claimed, is_destruction, is_overwriting, is_to_stay, volumes_of
from holdfast.testing.flasharray.local import HOST, STRANGER
from holdfast.testing.flasharray.model import Sent
from holdfast.testing.simulation.array_conditions import OTHER, ArrayConditions
from holdfast.testing.simulation.arrays import Ground
from holdfast.testing.simulation.breach import Breach
from holdfast.testing.simulation.held import Held
from holdfast.testing.simulation.invariants import Invariants, peek
from holdfast.testing.universe import Universe

_THEIRS = frozenset({STRANGER, STRANGER.partition("::")[0]})


class ArrayInvariants:
    """Of one universe."""

    def __init__(self, universe: Universe, ground: Ground, invariants: Invariants, conditions: ArrayConditions) -> None:
        self._conditions = conditions
        self._universe = universe
        self._ground = ground
        self._invariants = invariants
        self._state = ground.array.state

    # -- a request -------------------------------------------------------------------------------

    def at_request(self, sent: Sent) -> None:
        """The array has done it: rules 3 and 4."""
        if sent.method == "GET" or sent.status != 200:
            return
        touched = {*sent.connected, *sent.query.values()}
        foreign = sorted(name for name in touched if name in _THEIRS or _is_foreign(name))
        if sent.path != "connections":  # ours to a volume that came to bear another's tags is cut all the same
            foreign += sorted(touched & self._conditions.others.keys())
        if foreign:
            raise Breach(4, f"{sent.method} {sent.path} of a stranger's {foreign[0]}")
        daemon = self._universe.daemon
        if daemon is None or not hasattr(daemon, "engine"):
            return
        tx = peek(daemon)
        loose = self._invariants.model.loose
        if any(uid in loose for uid in volumes_of(sent)):  # sent before its operation was given up
            return
        if HOST in touched and not any(is_claimed(tx, uid, "connection.cut") for uid in volumes_of(sent)):
            raise Breach(4, f"{sent.method} {sent.path} of a stranger's host, and nobody asked for it")
        if is_overwriting(sent) and not any(is_claimed(tx, uid, "snapshot.restore") for uid in volumes_of(sent)):
            raise Breach(3, f"{sent.query} is overwritten, and nobody restores it")
        if is_destruction(sent):
            kept = [uid for uid in volumes_of(sent) if is_to_stay(tx, uid)]
            if kept:
                raise Breach(3, f"{sent.method} {sent.path} of {kept[0]}, which is to stay")

    # -- a moment --------------------------------------------------------------------------------

    def at_commit(self, tx: Tx, held: Held) -> None:
        """Rules 5, 6 and 7: volumes and connections that nobody knows, and such as are missing."""
        self._conditions.check()
        recorded = {str(row[0]) for row in tx.run("SELECT uid FROM resources")}
        free = self._invariants.free
        for uid in self._ground.pod.living():
            if uid not in recorded and free(held, uid):
                raise Breach(7, f"the volume {uid} on the array is recorded nowhere")
        model = self._invariants.model
        wanted = {mount.volume: uid for uid, mount in model.mounts.items()}
        connected = set()
        for host, name in self._state.connections:
            named = names.parse(name)
            if host == HOST or named is None:
                continue
            connected.add(named.uid)
            if named.uid not in wanted and free(held, named.uid):
                raise Breach(5, f"a connection of {named.uid} to {host} is left")
        self._devices(held, wanted)
        of = {uid: volume.pool for uid, volume in model.volumes.items()}
        of |= {uid: of.get(snapshot.volume, "") for uid, snapshot in model.snapshots.items()}
        for uid, home in of.items():
            pool = model.pools.get(home)
            if pool is None or pool.source != self._ground.pod.source or uid in connected:
                continue
            if uid in wanted and free(held, uid, wanted[uid]):
                raise Breach(6, f"{uid} is mounted, and its connection is gone")

    def _devices(self, held: Held, wanted: dict[str, str]) -> None:
        """None is here that nobody wants."""
        images = {self._ground.shelf.image(each.serial): uid for uid, each in self._ground.pod.living().items()}
        for number, loop in self._ground.machine.loops.items():
            uid = images.get(loop.image, "")
            here = loop.image.volume is self._ground.shelf.system and uid not in wanted
            if here and self._invariants.free(held, uid) and (uid or not self._invariants.model.loose):
                raise Breach(5, f"the device {number} of {uid or 'a volume that is gone'} is left")
        mounts = self._invariants.model.mounts
        for image, uid in images.items():
            mount = wanted.get(uid, "")
            if (
                not mount
                or not self._invariants.is_seen(mounts[mount].path)
                or not self._invariants.free(held, uid, mount)
            ):
                continue
            devices = [number for number, loop in self._ground.machine.loops.items() if loop.image is image]
            if len(devices) != 1:
                raise Breach(6, f"{uid} is mounted, and its devices are {devices}")

    # -- the end ---------------------------------------------------------------------------------

    def left(self) -> list[str]:
        """What is there though all of it was taken away; what the array keeps for a while is nobody's."""
        state = self._state
        missing = [] if STRANGER in state.volumes and (HOST, STRANGER) in state.connections else [f"no {STRANGER}"]
        return [
            *missing,
            *(name for name, volume in state.volumes.items() if volume.destroyed_at is None and name != STRANGER),
            *(name for name, pod in state.pods.items() if pod.destroyed_at is None and name not in _THEIRS),
            *(f"{host}/{name}" for host, name in state.connections if (host, name) != (HOST, STRANGER)),
            *(host for host in state.hosts if host != HOST),
        ]


def _is_foreign(name: str) -> bool:
    if "::" not in name or names.parse(name) is not None:
        return False
    mark = names.parse_mark(name)
    return mark is None or mark.uid == OTHER
