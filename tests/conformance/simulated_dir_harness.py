"""The dir driver on the simulated machine."""

import contextlib
import json
import os
from collections.abc import Iterator

from holdfast.drivers.contract import PoolRef, VolumeRef
from holdfast.drivers.dir.driver import DirDriver
from holdfast.host import loops
from holdfast.host.host import Host
from holdfast.host.signatures import Signature, probe
from holdfast.runtime.simulated import Scheduler, SimulatedRuntime
from holdfast.testing.conformance.harness import OTHER_OWNER, OWNER, Harness
from holdfast.testing.conformance.kernel.checks import bind, get, made, opened, put, there
from holdfast.testing.simulation.children import SimulatedChildren
from holdfast.testing.simulation.kernel import SimulatedKernel
from holdfast.testing.simulation.machine import Machine
from holdfast.testing.universe import Universe
from tests.conformance.dir_harness import KINDS, TENANTS


class HurriedRuntime(SimulatedRuntime):
    """A clock that can be made to leap at every look."""

    leap = 0.0

    def monotonic(self) -> float:
        """Later than it is."""
        self.scheduler.clock += self.leap
        return super().monotonic()


class SimulatedDirHarness(Harness):
    """Pools are directories below `base`. What happens behind the driver's back is another process's doing."""

    kinds = KINDS

    def __init__(
        self, machine: Machine, base: str, model: type[SimulatedKernel] = SimulatedKernel,
        driver: type[DirDriver] = DirDriver,
    ) -> None:  # fmt: skip
        super().__init__()
        self.runtime: HurriedRuntime = HurriedRuntime(Scheduler(0))
        self.process = model(machine, lambda: None, lambda _seconds: None)
        self.other = SimulatedKernel(machine, lambda: None, lambda _seconds: None)
        children = SimulatedChildren(Universe("/", 0), self.runtime, machine, self.process)
        self.driver: DirDriver = driver(Host(self.runtime, children, (), self.process))
        self._base = base
        self._serial = 0

    def pool(self) -> PoolRef:
        """A new directory."""
        self._serial += 1
        source = made(self.other, f"{self._base}/pool-{self._serial}")
        return PoolRef(self.runtime.new_id(), OWNER, self.driver.name, self.driver.validate({"source": source}))

    def descriptors(self) -> int:
        """Of the simulated process."""
        return len(self.process.descriptors)

    def ended(self) -> set[str]:
        """The process ends; the names of what it had open."""
        where = [self.process.location(fd).removesuffix(" (deleted)") for fd in self.process.descriptors]
        self.process.exit()
        return {os.path.basename(path) for path in where}

    def stat(self, fd: int) -> os.stat_result:
        """By it."""
        return self.process.fstat(fd)

    def holds(self, fd: int) -> Signature:
        """By it."""
        return probe(fd, self.process)

    def _replace(self, path: str, content: bytes) -> None:
        with opened(self.other, path, os.O_RDWR) as fd:
            self.other.ftruncate(fd, 0)
            self.other.write(fd, content)

    @contextlib.contextmanager
    def hidden(self, pool: PoolRef) -> Iterator[None]:
        """An empty directory covers it."""
        source = pool.config["source"]
        self.other.rename(source, f"{source}.aside")
        self.other.mkdir(source)
        try:
            yield
        finally:
            self.other.rmdir(source)
            self.other.rename(f"{source}.aside", source)

    @contextlib.contextmanager
    def unreadable(self, pool: PoolRef) -> Iterator[None]:
        """The mark's file is garbage."""
        mark = f"{pool.config['source']}/holdfast-pool.json"
        whole = get(self.other, mark)
        self._replace(mark, whole[:10])
        try:
            yield
        finally:
            self._replace(mark, whole)

    def put_stranger(self, pool: PoolRef) -> str:
        """Somebody's file."""
        put(self.other, f"{pool.config['source']}/thesis.tex", TENANTS)
        return "thesis.tex"

    def has_stranger(self, pool: PoolRef, what: str) -> bool:
        """The file."""
        return get(self.other, f"{pool.config['source']}/{what}") == TENANTS

    @staticmethod
    def _volume(pool: PoolRef, volume: VolumeRef) -> str:
        return f"{pool.config['source']}/volumes/{volume.uid}"

    def _data(self, pool: PoolRef, volume: VolumeRef) -> str:
        return f"{self._volume(pool, volume)}/{'data' if volume.content == 'directory' else 'disk.raw'}"

    def usurp(self, pool: PoolRef, volume: VolumeRef) -> None:
        """Another owner in the mark."""
        mark = f"{self._volume(pool, volume)}/object.json"
        self._replace(mark, json.dumps({**json.loads(get(self.other, mark)), "owner": OTHER_OWNER}).encode())

    def damage(self, pool: PoolRef, volume: VolumeRef) -> None:
        """Half a mark."""
        mark = f"{self._volume(pool, volume)}/object.json"
        self._replace(mark, get(self.other, mark)[:20])

    def lose(self, pool: PoolRef, volume: VolumeRef) -> None:
        """No data."""
        self.other.rename(self._data(pool, volume), f"{self._volume(pool, volume)}/elsewhere")

    def remains(self, pool: PoolRef, volume: VolumeRef) -> bool:
        """Any entry with its uid."""
        return any(volume.uid in name for name in self.other.listdir(f"{pool.config['source']}/volumes"))

    def write(self, pool: PoolRef, volume: VolumeRef) -> None:
        """A small tree, or a sector in the middle."""
        data = self._data(pool, volume)
        if volume.content == "directory":
            for n in range(5):
                put(self.other, f"{made(self.other, f'{data}/sub{n}')}/file", TENANTS)
            return
        with opened(self.other, data, os.O_RDWR) as disk:
            self.other.lseek(disk, volume.size // 2, os.SEEK_SET)
            self.other.write(disk, TENANTS)

    def reads_back(self, pool: PoolRef, volume: VolumeRef) -> bool:
        """The same."""
        data = self._data(pool, volume)
        if volume.content == "directory":
            paths = [f"{data}/sub{n}/file" for n in range(5)]
            return all(there(self.other, path) and get(self.other, path) == TENANTS for path in paths)
        with opened(self.other, data) as disk:
            self.other.lseek(disk, volume.size // 2, os.SEEK_SET)
            return self.other.read(disk, len(TENANTS)) == TENANTS

    @contextlib.contextmanager
    def in_use(self, pool: PoolRef, volume: VolumeRef) -> Iterator[None]:
        """A bind mount, or a loop device."""
        data = self._data(pool, volume)
        if volume.content == "directory":
            target = f"{self._base}/target"
            if not there(self.other, target):
                made(self.other, target)
            bind(self.other, data, target)
            yield
            self.other.umount(f"{self._base}/target")
            return
        with opened(self.other, data, os.O_RDWR) as disk:
            device = loops.attach(disk, autoclear=False, kernel=self.other)
        yield
        self.other.loop_clear(device)
        self.other.close(device)

    @contextlib.contextmanager
    def hurry(self) -> Iterator[None]:
        """Every look at the clock finds it 0.4 s later."""
        self.runtime.leap = 0.4
        try:
            yield
        finally:
            self.runtime.leap = 0.0
