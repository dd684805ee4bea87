"""The simulated universe: one machine, one disk for the records, and daemons that come and go on them."""

from collections.abc import Callable

from holdfast.control.daemon import Daemon, Settings
from holdfast.drivers.registry import Drivers
from holdfast.host.host import Host
from holdfast.runtime.simulated import SimulatedRuntime
from holdfast.testing.power.vfs import MemoryVfs
from holdfast.testing.simulation.children import SimulatedChildren
from holdfast.testing.simulation.home import PATH, RecordsDisk, SimulatedHome
from holdfast.testing.simulation.kernel import SimulatedKernel
from holdfast.testing.simulation.machine import Machine
from holdfast.testing.universe import Universe, only_dir

THREADS = 4
# Seconds between own audits; virtual.
AUDIT = 3600.0


class SimulatedUniverse(Universe):
    """A `Universe` that touches no real machine."""

    def __init__(self, seed: int, drivers: Callable[[Host], Drivers] = only_dir) -> None:
        super().__init__("/", seed)
        self._make_drivers = drivers
        self.machine = Machine(seed)
        self.disk = RecordsDisk()
        self.kernel: SimulatedKernel | None = None
        self.home: SimulatedHome | None = None
        self._vfs: MemoryVfs | None = None
        self.power_is_cut = False
        self.fatal_reason: Callable[[str], None] = lambda _reason: None

    def make(self, daemon: Daemon, runtime: SimulatedRuntime) -> None:
        """See `Universe.make`."""
        self.kernel = SimulatedKernel(self.machine, runtime.check, runtime.sleep)
        self.home = SimulatedHome(self.disk, runtime.check)
        self._vfs = MemoryVfs(self.disk)
        daemon.__init__(  # type: ignore[misc]  # it exists before it is whole, see `Universe.start`
            runtime, Settings(PATH, "/run", threads=THREADS, audit_every=AUDIT), fatal=self.fatal,
            children=SimulatedChildren(self, runtime, self.machine, self.kernel),
            kernel=self.kernel, home=self.home, vfs=self._vfs.name, drivers=self.drivers,
        )  # fmt: skip

    def drivers(self, host: Host) -> Drivers:
        """See `Universe.drivers`."""
        return self._make_drivers(host)

    def fatal(self, reason: str) -> None:
        """See `Universe.fatal`."""
        self.fatal_reason(reason)
        super().fatal(reason)

    def administrator(self) -> SimulatedKernel:
        """A process of somebody else's on the machine."""
        return SimulatedKernel(self.machine, lambda: None, lambda _seconds: None)

    def power_cut(self) -> None:
        """After the daemon's death: the machine is off and on again, its children are dead."""
        self.power_is_cut = False
        self.alive.clear()
        self.machine.power_cut()
        self.disk.crash(self.machine.random)

    def pass_time(self, seconds: float) -> None:
        """While no daemon lives."""
        task = self.world.spawn("time", lambda: self.world.sleep(seconds))
        self.scheduler.run(lambda: getattr(task, "finished", False))

    def end(self) -> None:
        """All of it: whatever still waits is unwound."""
        self.bury()
        self.world.kill()
        self.world.unwind()

    def kill(self) -> None:
        """From this moment on nothing of the incarnation reaches machine or disk."""
        if not self.runtime.dead:
            self.disk.kill()
        super().kill()

    def bury(self) -> None:
        """See `Universe.bury`; the kernel closes what the dead had open."""
        if not self.runtime.dead:
            self.runtime.kill()
            self.disk.kill()
        super().bury()
        if self.kernel is not None:
            self.kernel.exit()
            self.kernel = None
        if self._vfs is not None:
            self._vfs.close()
            self._vfs = None
