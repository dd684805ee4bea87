"""A simulated array beside the simulated machine, whose power cuts do not reach its shelf.

Only what the machine has not written back to a volume yet goes with it.
"""

import os
import random
import uuid
from collections.abc import Callable

from holdfast.drivers.flasharray import names
from holdfast.drivers.flasharray.tags import NAMESPACE
from holdfast.testing.flasharray import local
from holdfast.testing.flasharray.array import Array
from holdfast.testing.flasharray.model import Volume
from holdfast.testing.flasharray.shelf import HOSTS, VOLUMES, Shelf
from holdfast.testing.simulation.machine import Machine
from holdfast.testing.simulation.nodes import PAGE, Node
from holdfast.testing.simulation.universe import SimulatedUniverse
from holdfast.testing.simulation.world import Kept, directory, file, fresh

FABRIC = "/array"
# The pod, and the pool's name.
POD = "p2"


class SimulatedShelf(Shelf):
    """Seen by the machine at FABRIC. What the array does is durable at once."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._at = directory(machine.root.root, FABRIC[1:])
        machine.root.sync(machine.root.root)
        self.system = machine.format("ext4", "a" * 32, os.makedev(8, 128))
        self._root = self.system.root
        self._volumes, self._hosts = directory(self._root, VOLUMES), directory(self._root, HOSTS)
        self.appear()

    def appear(self) -> None:
        """The machine is on again."""
        namespace = self._machine.namespace
        namespace.attach(namespace.new(self._root, "fabric"), (namespace.home, self._at))

    def image(self, serial: str) -> Node:
        """A volume's bytes."""
        return self._volumes.children[serial]

    def images(self) -> list[Node]:
        """All of them."""
        return list(self._volumes.children.values())

    def make(self, serial: str, size: int) -> None:
        """See `Shelf`."""
        self._volumes.put(serial, fresh(self._volumes, "file"))
        self.resize(serial, size)

    def copy(self, source: str, serial: str) -> None:
        """See `Shelf`: what the machine has written out; what it holds back of the source is not in it."""
        held = self.image(source)
        if serial not in self._volumes.children:
            self._volumes.put(serial, fresh(self._volumes, "file"))
        node = self.image(serial)
        node.pages = {number: page for number, page in {**held.pages, **held.dirty}.items() if page is not None}
        node.dirty.clear()
        node.size, node.inner = held.size, None
        self._machine.inherit(node, held)

    def resize(self, serial: str, size: int) -> None:
        """See `Shelf`: it only grows."""
        self.image(serial).size = size

    def remove(self, serial: str) -> None:
        """See `Shelf`."""
        self._volumes.drop(serial)

    def used(self, serial: str) -> int:
        """See `Shelf`."""
        node = self._volumes.children.get(serial)
        return len(node.pages) * PAGE if node is not None else 0

    def export(self, initiator: str, serial: str, shown: str) -> None:
        """See `Shelf`."""
        self.withdraw(initiator, serial)
        file(directory(self._hosts, initiator), serial, shown.encode())

    def withdraw(self, initiator: str, serial: str) -> None:
        """See `Shelf`."""
        seen = directory(self._hosts, initiator)
        if serial in seen.children:
            seen.drop(serial)


class Pod:
    """The pod of the one pool that is on the array. See `world.Place`."""

    def __init__(self, array: Array, shelf: SimulatedShelf) -> None:
        self.source = POD
        self.wipes = 0
        self._array = array
        self._shelf = shelf

    def living(self) -> dict[str, Volume]:
        """Volumes under names of ours, by uid; none that was destroyed, and no mark."""
        state = self._array.state
        found = {names.parse(name): volume for name, volume in state.volumes.items() if volume.pod == POD}
        return {named.uid: volume for named, volume in found.items() if named and volume.destroyed_at is None}

    def kept(self, uid: str) -> Kept | None:
        """See `Place`."""
        volume = self.living().get(uid)
        return None if volume is None else Kept(self._shelf.image(volume.serial), None, lambda: _marked(volume))

    def wipe(self) -> None:
        """See `Place`."""
        self.wipes += 1
        state = self._array.state
        for volume in [each for each in state.volumes.values() if each.pod == POD]:
            for host in list(state.hosts_of(volume.name)):
                del state.connections[host, volume.name]
                state.hide(state.hosts[host], volume)
        if POD in state.pods:
            state.erase_pod(state.pods[POD])
        for name in [name for name in state.hosts if names.parse(name) is not None]:
            del state.hosts[name]


def _marked(volume: Volume) -> tuple[str, str] | None:
    found = {key: value for (space, key), (value, _) in volume.tags.items() if space == NAMESPACE}
    return (found["name"], found["uid"]) if found else None


class Ground:
    """The array of one universe, the machine's way to it, and the pod."""

    def __init__(self, universe: SimulatedUniverse, seed: int) -> None:
        ids, world = random.Random(f"{seed} array"), universe.world

        self._world = world
        self._pending: dict[int, Callable[[], None]] = {}
        self._late = ids

        def later(seconds: float, act: Callable[[], None]) -> None:
            number = len(self._pending) and max(self._pending) + 1
            self._pending[number] = act
            self._after(seconds, number)

        self.machine = universe.machine
        self.shelf = SimulatedShelf(universe.machine)
        self.array = Array(
            self.shelf, lambda: universe.scheduler.clock, later,
            lambda: str(uuid.UUID(int=ids.getrandbits(128), version=4)),
        )  # fmt: skip
        self.pod = Pod(self.array, self.shelf)
        local.bystander(self.array)

    def _after(self, seconds: float, number: int) -> None:
        def wait() -> None:
            self._world.sleep(seconds)
            act = self._pending.pop(number, None)
            if act is not None:
                act()

        self._world.spawn("the array", wait)

    def hang_up(self, longest: float) -> None:
        """The daemon is dead: what it sent is done within so many seconds, or was done."""
        for number in list(self._pending):
            self._after(self._late.uniform(0.0, longest), number)
