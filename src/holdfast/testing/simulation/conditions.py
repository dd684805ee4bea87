"""What happens to the machine for a while: full, sick and absent disks, strangers, and a clock that jumps."""

import errno
import random
from collections import Counter
from collections.abc import Callable

import msgspec

from holdfast.drivers.dir.marks import FORMAT, OBJECT_MARK, POOL_MARK, VOLUMES, PoolMark, encode
from holdfast.testing.simulation.breach import Breach
from holdfast.testing.simulation.invariants import Invariants
from holdfast.testing.simulation.nodes import Node, Sickness
from holdfast.testing.simulation.universe import SimulatedUniverse
from holdfast.testing.simulation.world import Disk, World, bare, directory, file, mark_of

SICK: tuple[Sickness, ...] = (errno.EIO, errno.ENODATA, errno.ENXIO, "zeros", "zeros")
AWAY = (errno.EIO, errno.ESTALE, errno.ENOTCONN, errno.ETIMEDOUT)
# Seconds between two that begin, and how long one lasts at most; virtual.
BETWEEN, LONGEST = 25.0, 90.0
JUMPS = (-86400.0 * 30, -3600.0, 3600.0, 86400.0 * 40)
End = Callable[[], None]


class Conditions:
    """Begins and ends them, one task each on the machine's own time."""

    def __init__(
        self, universe: SimulatedUniverse, world: World, invariants: Invariants, seed: int, hits: "Counter[str]"
    ) -> None:
        self._universe = universe
        self._world = world
        self._invariants = invariants
        self._random = random.Random(f"{seed} conditions")
        self._hits = hits
        self._now: dict[int, End] = {}
        self._serial = 0
        self.calm = False
        # What strangers put somewhere, and what it must stay: rule 4.
        self.strangers: dict[Node, bytes] = {}
        for system in world.systems():
            system.met = self._met

    def _met(self, kind: str) -> None:
        self._hits[kind] += 1

    def run(self) -> None:
        """The weather's task: it never ends by itself."""
        while True:
            self._universe.world.sleep(self._random.expovariate(1 / BETWEEN))
            if not self.calm:
                self._begin()

    def _begin(self) -> None:
        kinds = (
            self._clock_jump, self._pool_full, self._state_full, self._sick, self._sick, self._away, self._unreachable,
            self._stale_list, self._stray, self._foreign_mount, self._replaced_mark, self._replaced_mark,
            self._mount_gone, self._inner_mount,
        )  # fmt: skip
        end = self._random.choice(kinds)()
        if end is None:
            return
        self._serial += 1
        number, lasts = self._serial, self._random.uniform(1.0, LONGEST)
        self._now[number] = end

        def later() -> None:
            self._universe.world.sleep(lasts)
            self._end(number)

        self._universe.world.spawn("condition", later)

    def _end(self, number: int) -> None:
        end = self._now.pop(number, None)
        if end is None:
            return
        try:
            end()
        except OSError:  # what another has in its hands is in the way: again when all is well
            self._now[number] = end

    def heal(self) -> None:
        """The administrator comes: all is well again, and strangers are gone."""
        self.calm = True
        while self._now:
            for number in list(self._now):
                self._end(number)
        for disk in self._world.disks:
            disk.appear()

    # -- each kind -------------------------------------------------------------------------------

    def _disk(self) -> Disk:
        return self._random.choice(self._world.disks)

    def _clock_jump(self) -> None:
        self._universe.scheduler.wall_offset += self._random.choice(JUMPS)
        self._hits["clock-jump"] += 1

    def _pool_full(self) -> End:
        system = self._disk().system
        system.full = True
        return lambda: setattr(system, "full", False)

    def _state_full(self) -> End:
        disk = self._universe.disk
        disk.room = sum(len(content) for content in disk.contents().values()) + self._random.choice((0, 4096, 65536))
        return lambda: setattr(disk, "room", None)

    def _sick(self) -> End | None:
        images = [
            image
            for disk in self._world.disks
            for entry in disk.volumes().values()
            if (image := entry.children.get("disk.raw")) is not None and image.sickness is None
        ]
        if not images:
            return None
        image = self._random.choice(images)
        image.sickness = self._random.choice(SICK)
        return lambda: setattr(image, "sickness", None)

    def _away(self) -> End | None:
        disk = self._disk()
        if not disk.vanish():
            return None
        self._hits["away"] += 1
        return disk.appear

    def _unreachable(self) -> End:
        system = self._disk().system
        system.unreachable = self._random.choice(AWAY)
        return lambda: setattr(system, "unreachable", 0)

    def _stale_list(self) -> End:
        system = self._disk().system
        found = system.root.children.get(VOLUMES)
        places = [system.root, *([found] if found is not None else [])]
        system.stale = {place: dict(place.children) for place in places}
        return lambda: setattr(system, "stale", None)

    def _stray(self) -> End | None:
        """Something that is not ours, in a pool or where one might be made."""
        disk = self._disk()
        above = disk.system.root.children.get(VOLUMES) if self._random.random() < 0.6 else disk.system.root
        name = self._random.choice(("stray", f"{self._random.getrandbits(128):032x}", ".making.stray"))
        if above is None or name in above.children:
            return None
        self._hits["foreign"] += 1
        if self._random.random() < 0.5:
            node = file(above, name, b"a stranger's")
            self.strangers[node] = b"a stranger's"
        else:
            self.strangers[file(directory(above, name), "inside", b"a stranger's")] = b"a stranger's"
        self._invariants.excused[name] = None
        return lambda: self._take_away(above, name)

    def _take_away(self, above: Node, name: str) -> None:
        self._invariants.excused.pop(name, None)
        if name in above.children:  # else the whole disk was wiped meanwhile
            for node in (above.children[name], *above.children[name].children.values()):
                self.strangers.pop(node, None)
            above.drop(name)

    def _foreign_mount(self) -> End | None:
        """A file system of somebody else's over a place of ours, or one where we might mount."""
        namespace = self._universe.machine.namespace
        mnt = self._world.machine.root.root.children["mnt"]
        name = self._random.choice([name for name in mnt.children if name.startswith("d")])
        path = f"/mnt/{name}"
        if path in self._invariants.excused:
            return None
        try:
            place = namespace.walk(path)
        except OSError:  # ours is there, of a pool that cannot be reached
            return None
        system = self._universe.machine.format("tmpfs", "0" * 32)
        mount = namespace.new(system.root, "tmpfs")
        namespace.attach(mount, place)
        self._hits["foreign"] += 1
        self._invariants.excused[path] = None

        def end() -> None:
            while mount in self._universe.machine.namespace.table:
                # Ours may have come to lie on it: it is on top now, and is mounted again afterwards.
                self._invariants.gone[path] = None
                self._universe.administrator().umount(path)
            self._invariants.excused.pop(path, None)

        return end

    def _inner_mount(self) -> End | None:
        """A tenant mounts something inside of his volume, where a removal would come by."""
        volumes = self._invariants.model.volumes
        trees = [
            entry.children["data"]
            for disk in self._world.disks
            if disk.mount is not None
            for uid, entry in disk.volumes().items()
            if uid in volumes and "data" in entry.children and "inner" not in entry.children["data"].children
        ]
        if not trees:
            return None
        tree = self._random.choice(trees)
        disk = next(disk for disk in self._world.disks if disk.system is tree.volume)
        if disk.mount is None:
            return None
        machine = self._universe.machine
        mount = machine.namespace.new(machine.format("tmpfs", "0" * 32).root, "tmpfs")
        precious = file(mount.root, "precious", b"a tenant's")
        at = directory(tree, "inner")
        machine.namespace.attach(mount, (disk.mount, at))
        self.strangers[precious] = b"a tenant's"
        self._hits["inner-mount"] += 1

        def end() -> None:
            self.strangers.pop(precious, None)
            if mount in machine.namespace.table:
                machine.namespace.detach(mount)

        return end

    def check(self) -> None:
        """What strangers have is as they left it: rules 4 and 8."""
        wiped = {node for disk in self._world.disks for node in disk.wiped}
        for node, content in self.strangers.items():
            if node in wiped:
                continue
            if node.gone() or bare(node, 0, len(content)) != content:
                raise Breach(4, f"a stranger's {node.path()} was touched")

    def _replaced_mark(self) -> End | None:
        """Of a pool or a volume: another owner's, a damaged one, or none."""
        disk = self._disk()
        entries = list(disk.volumes().items())
        known = self._invariants.model
        if not entries or self._random.random() < 0.3:
            if disk.source not in (pool.source for pool in known.pools.values()):
                return None  # one that is being made would be given up for the stranger's, and come back as nobody's
            other_mark = encode(PoolMark(FORMAT, "e" * 32, "f" * 32, 7))
            # Never none: a place that is proven to be the pool's, and bears no mark, is a pool that was removed.
            wrong = self._random.choice((other_mark, b"{}", b""))
            return self._replace(disk, disk.system.root, POOL_MARK, f"mark {disk.source}", wrong)
        uid, entry = self._random.choice(entries)
        mark = mark_of(entry)
        if mark is None or uid not in known.volumes:
            return None
        other = encode(msgspec.structs.replace(mark, owner="f" * 32))
        content = self._random.choice((other, b"", b"{", None))
        return self._replace(disk, entry, OBJECT_MARK, uid, content)

    def _replace(self, disk: Disk, above: Node, name: str, uid: str, content: bytes | None) -> End | None:
        """Hold the mark back: the disk is another one for a while, and nobody may write to it."""
        if name not in above.children:
            return None
        if uid in self._invariants.excused:
            return None
        own, wipes = above.drop(name), disk.wipes
        other = file(above, name, content) if content is not None else None
        if other is not None and content is not None and name == OBJECT_MARK and uid not in self._invariants.claimed:
            self.strangers[other] = content  # whoever looks from now on leaves it alone
        self._hits["replaced-mark"] += 1
        self._invariants.excused[uid] = self._invariants.doubted[uid] = None

        def end() -> None:
            self._invariants.excused.pop(uid, None)
            if other is not None:
                self.strangers.pop(other, None)
            if above.gone() or disk.wipes != wipes:
                return
            if content is not None and name in above.children:
                above.drop(name)
            above.put(name, own)

        return end

    def _mount_gone(self) -> None:
        """Somebody unmounts one of ours by hand."""
        namespace = self._universe.machine.namespace
        ours = [mount for mount in namespace.table if namespace.path((mount, mount.root)).startswith("/mnt/")]
        if not ours:
            return
        mount = self._random.choice(ours)
        path = namespace.path((mount, mount.root))
        if mount.held or path in self._invariants.excused:
            return
        kernel = self._universe.administrator()
        try:
            kernel.umount(path)
        except OSError:
            return
        self._hits["mount-gone"] += 1
        self._invariants.gone[path] = None
