"""The simulated machine: scratch directories on its root."""

import contextlib
import errno
import os
from collections.abc import Iterator
from typing import TypeVar

from holdfast.host import mounttable
from holdfast.host.kernel import Kernel
from holdfast.model.resources import FileSystem
from holdfast.runtime.simulated import Scheduler, SimulatedRuntime
from holdfast.testing.conformance.kernel.checks import sparse
from holdfast.testing.conformance.kernel.harness import Frail, KernelHarness, WorkHarness
from holdfast.testing.simulation.children import SimulatedChildren
from holdfast.testing.simulation.kernel import SimulatedKernel
from holdfast.testing.simulation.machine import Machine
from holdfast.testing.simulation.nodes import Node
from holdfast.testing.simulation.tools import TOOLS
from holdfast.testing.universe import Universe

SCRATCH = "/srv/scratch"


class SimulatedHarness(KernelHarness):
    """See there. `model` is the kernel's class; a broken one must be found out."""

    def __init__(self, model: type[SimulatedKernel] = SimulatedKernel) -> None:
        self._runtime = SimulatedRuntime(Scheduler(0))
        self.machine = Machine(0)
        self.process = model(self.machine, lambda: None, lambda _seconds: None)
        self.kernel: Kernel = self.process
        self.scratch = SCRATCH
        self.kernel.mkdir(SCRATCH)

    def new_id(self) -> str:
        return self._runtime.new_id()

    def symlink(self, target: str, path: str) -> None:
        above, _, name = path.rpartition("/")
        directory = self.machine.namespace.walk(above)[1]
        link = directory.volume.make("link", 0o777)
        link.target = target
        directory.volume.link(directory, name, link)

    def format(self, image: str, fs: FileSystem, uuid: str) -> None:
        tool = SimulatedKernel(self.machine, lambda: None, lambda _seconds: None)
        said, status = TOOLS[f"mkfs-{fs}"](tool, {"fs": fs, "uuid": uuid}, tool.open(image, os.O_RDWR))
        tool.exit()
        assert status == 0, said

    def quotas(self, path: str) -> None:
        self.machine.namespace.walk(path)[1].volume.quotas = True

    @contextlib.contextmanager
    def full(self, path: str) -> Iterator[None]:
        """It says so."""
        volume = self.machine.namespace.walk(path)[1].volume
        volume.full = True
        yield
        volume.full = False

    def left(self) -> list[str]:
        """What a test left open, mounted or attached."""
        fds = [self.process.location(fd) for fd in self.process.descriptors]
        mounts = [mount.path for mount in mounttable.below(SCRATCH, kernel=self.process)]
        return [*fds, *mounts, *(f"loop {number}" for number in self.process.loop_numbers())]


class SimulatedWork(SimulatedHarness, WorkHarness):
    """The same with the simulated machine's children."""

    def __init__(self) -> None:
        super().__init__()
        self.children = SimulatedChildren(Universe("/", 0), self._runtime, self.machine, self.process)

    def _node(self, path: str) -> Node:
        return self.machine.namespace.walk(path)[1]

    def damage(self, image: str) -> None:
        """As its fsck will say."""
        inner = self._node(image).inner
        assert inner is not None
        inner.damaged = True

    @contextlib.contextmanager
    def frail(self, size: int) -> Iterator[Frail]:
        """A file like others."""
        path = sparse(self.kernel, f"{SCRATCH}/frail", size)
        node = self._node(path)
        yield _Sick(path, node)
        node.sickness = None


class _Sick:
    """See `Frail`."""

    def __init__(self, path: str, node: Node) -> None:
        self.path = path
        self._node = node

    def fail(self) -> None:
        self._node.sickness = errno.EIO


H = TypeVar("H", bound=SimulatedHarness)


@contextlib.contextmanager
def clean(harness: H) -> Iterator[H]:
    """At its end nothing is open, mounted or attached there."""
    yield harness
    assert harness.left() == [], "the test left something behind"
