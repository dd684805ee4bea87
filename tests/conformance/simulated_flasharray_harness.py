"""The flasharray driver on the simulated machine, with the array of the simulation."""

import contextlib
import os
from collections.abc import Iterator
from typing import Any

from holdfast.drivers.contract import PoolRef
from holdfast.drivers.flasharray.driver import FlashArrayDriver
from holdfast.drivers.flasharray.wire import Answered
from holdfast.drivers.transports.contract import Transports
from holdfast.host import signatures
from holdfast.host.children import Children
from holdfast.host.host import Host
from holdfast.model.errors import Again
from holdfast.runtime.simulated import Scheduler, SimulatedRuntime
from holdfast.testing.conformance.connecting import ConnectingHarness
from holdfast.testing.conformance.harness import OWNER
from holdfast.testing.flasharray.array import Array
from holdfast.testing.flasharray.fabric import LoopFabric
from holdfast.testing.flasharray.local import LocalWire, config
from holdfast.testing.flasharray.model import Volume
from holdfast.testing.simulation.arrays import FABRIC, SimulatedShelf
from holdfast.testing.simulation.children import SimulatedChildren
from holdfast.testing.simulation.kernel import SimulatedKernel
from holdfast.testing.simulation.machine import Machine
from holdfast.testing.universe import Universe
from tests.conformance.flasharray_harness import TENANTS, FlashArrayHarness


class SimulatedFlashArrayHarness(FlashArrayHarness):
    """Each pool is a pod of one array. What happens behind the driver's back is another process's doing."""

    filesystems = {"ext4": 8 << 20, "xfs": 304 << 20}

    def __init__(self, machine: Machine, fabric: type[LoopFabric] = LoopFabric) -> None:
        ConnectingHarness.__init__(self)
        runtime = SimulatedRuntime(Scheduler(0))
        self.runtime = runtime
        self.kernel = self.process = SimulatedKernel(machine, lambda: None, lambda _seconds: None)
        self.other = SimulatedKernel(machine, lambda: None, lambda _seconds: None)
        self._children = SimulatedChildren(Universe("/", 0), runtime, machine, self.process)
        self.shelf = SimulatedShelf(machine)
        self._array = Array(self.shelf, lambda: 0.0, lambda _seconds, act: act(), runtime.new_id)
        harness = self

        class Wire(LocalWire):
            """To whichever array answers at the address."""

            def send(self, method: str, target: str, headers: dict[str, str], body: Any) -> Answered:
                self._array = harness.array
                if self._array.weather.away:
                    raise Again("The array did not answer.")
                return super().send(method, target, headers, body)

        host = Host(runtime, self._children, (), self.process)
        self.driver = self.array_driver = FlashArrayDriver(
            host, lambda _options: Wire(runtime, harness.array), Transports({"loop": fabric(host)})
        )
        self._serial = 0

    @property
    def array(self) -> Array:
        """Behind the driver's back."""
        return self._array

    def children(self) -> Children:
        """See there."""
        return self._children

    def pool(self) -> PoolRef:
        """A pod that is not made yet."""
        self._serial += 1
        said = config(FABRIC, pod=f"pod{self._serial}", device_timeout="1", settle="0")
        return PoolRef(self.runtime.new_id(), OWNER, "flasharray", said)

    @contextlib.contextmanager
    def hidden(self, pool: PoolRef) -> Iterator[None]:
        """Another array answers at the address, an empty one."""
        own = self._array
        self._array = Array(self.shelf, own.state.now, own.state.later, own.state.ids)
        try:
            yield
        finally:
            self._array = own

    def descriptors(self) -> int:
        """Of the simulated process."""
        return len(self.process.descriptors)

    def stat(self, fd: int) -> os.stat_result:
        """By it."""
        return self.process.fstat(fd)

    def length(self, fd: int) -> int:
        """Of the device."""
        return signatures.size_of(fd, self.process)

    def _poke(self, volume: Volume, at: int) -> None:
        image = self.shelf.image(volume.serial)
        image.write(at, TENANTS)
        image.dirty.clear()  # no machine holds it back

    def _peek(self, volume: Volume, at: int) -> bytes:
        return self.shelf.image(volume.serial).read(at, len(TENANTS))

    @contextlib.contextmanager
    def holding(self, path: str) -> Iterator[None]:
        """As a mount does."""
        fd = self.other.open(path, os.O_RDONLY | os.O_EXCL)
        try:
            yield
        finally:
            self.other.close(fd)
