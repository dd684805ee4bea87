"""What mutants survived before it was looked at here: see `tests/mutants/catalogue.py`."""

import errno
import os
from typing import Any

import pytest

from holdfast.drivers.contract import Absent, ForeignObject, Present, Unknown
from holdfast.engine.submit import Caller
from holdfast.host import loops, mounting, mountpoints, mounttable
from holdfast.host.facts import Loop
from holdfast.model.errors import Again, Damaged
from holdfast.model.resources import Finding
from holdfast.operations.base import Asked
from holdfast.operations.pool.create import PoolCreate
from holdfast.operations.volume.create import VolumeCreate
from holdfast.testing.conformance.kernel.checks import bind, device, made, mount, opened
from holdfast.testing.conformance.kernel.filesystems import formatted
from holdfast.testing.simulation.kernel import SimulatedKernel
from holdfast.testing.simulation.universe import SimulatedUniverse
from holdfast.testing.simulation.world import World
from holdfast.testing.universe import Universe
from tests.conformance.kernels.simulated import SCRATCH, SimulatedHarness
from tests.conformance.simulated_dir_harness import SimulatedDirHarness


class Sick(SimulatedKernel):
    """While it is, names and loop devices cannot be looked at."""

    sick = 0

    def stat(self, *args: Any, **named: Any) -> os.stat_result:
        self._ail()
        return super().stat(*args, **named)

    def loop_status(self, fd: int) -> Loop | None:
        self._ail()
        return super().loop_status(fd)

    def _ail(self) -> None:
        if self.sick:
            raise OSError(self.sick, os.strerror(self.sick))


@pytest.mark.parametrize("code", [errno.EIO, errno.ESTALE])
@pytest.mark.parametrize("what", ["name", "mark"])
def test_a_volume_that_cannot_be_looked_at_is_unknown_and_not_absent(what: str, code: int) -> None:
    machine = SimulatedHarness()
    harness = SimulatedDirHarness(machine.machine, made(machine.kernel, f"{SCRATCH}/base"), Sick)
    pool = harness.ready()
    volume = harness.made(pool, harness.kinds[0])
    with opened(harness.other, f"{pool.config['source']}/volumes/{volume.uid}/object.json") as fd:
        mark = harness.other.node(fd)
    if what == "name" and isinstance(harness.process, Sick):
        harness.process.sick = code
    else:
        mark.sickness = code
    assert isinstance(harness.driver.look_volume(pool, volume), Unknown)
    assert isinstance(harness.driver.removed_volume(pool, volume), Unknown)


def test_another_directory_of_the_same_file_system_at_the_path_is_foreign() -> None:
    kernel = SimulatedHarness().kernel
    ours, other = made(kernel, f"{SCRATCH}/ours"), made(kernel, f"{SCRATCH}/other")
    where = made(kernel, f"{SCRATCH}/at")
    with opened(kernel, ours, os.O_RDONLY | os.O_DIRECTORY) as source:
        assert isinstance(mountpoints.look_tree(where, source, kernel), Absent)
        bind(kernel, other, where)
        assert isinstance(mountpoints.look_tree(where, source, kernel), ForeignObject)
        bind(kernel, ours, where)
        assert isinstance(mountpoints.look_tree(where, source, kernel), Present)


def test_a_mount_whose_device_cannot_be_looked_at_is_unknown_and_not_absent() -> None:
    machine = SimulatedHarness(Sick)
    kernel, where = machine.process, made(machine.kernel, f"{SCRATCH}/at")
    image = formatted(machine, "disk", "ext4")
    with device(kernel, image) as loop, opened(kernel, image, os.O_RDWR) as fd:
        mount(kernel, "ext4", loop.path, where)
        assert loops.of_backing(loops.backing_of(fd, kernel), kernel) == [loop]
        assert isinstance(mountpoints.look_image(where, fd, "ext4", kernel), Present)
        vars(kernel)["sick"] = errno.EIO
        found = mountpoints.look_image(where, fd, "ext4", kernel)
        vars(kernel)["sick"] = 0
        kernel.umount(where)
        assert isinstance(found, Unknown)


class Swapped(SimulatedKernel):
    """Whoever opens the one device, or mounts it, gets the other."""

    opened: tuple[str, str] = ("", "")
    mounted: tuple[str, str] = ("", "")

    def open(self, path: str, flags: int, *args: Any, **named: Any) -> int:
        one, other = self.opened
        return super().open(other if path == one and flags & os.O_RDWR else path, flags, *args, **named)

    def new_mount(self, fs: str, source: str, *, read_only: bool, sealed: bool = False) -> int:
        one, other = self.mounted
        return super().new_mount(fs, other if source == one else source, read_only=read_only, sealed=sealed)


@pytest.mark.parametrize(("when", "error"), [("opened", Again), ("mounted", Damaged)])
def test_a_device_that_is_another_by_now_is_not_put_in_place(when: str, error: type[Exception]) -> None:
    """The other one holds a copy: kind and uuid are the same."""
    machine, uuid = SimulatedHarness(), "5" * 32
    kernel, where = machine.process, made(machine.kernel, f"{SCRATCH}/at")
    child = Swapped(machine.machine, lambda: None, lambda _seconds: None)
    images = [formatted(machine, name, "ext4", uuid) for name in ("ours", "copy")]
    args = {"fs": "ext4", "uuid": uuid, "read_only": False}
    with (
        device(kernel, images[0]) as ours, device(kernel, images[1]) as copy,
        opened(kernel, images[0], os.O_RDWR) as image, opened(kernel, where, os.O_PATH | os.O_DIRECTORY) as target,
    ):  # fmt: skip
        vars(child)[when] = (ours.path, copy.path)
        try:
            with pytest.raises(error):
                mounting.mount_image(child, args, (kernel.give(image, child), kernel.give(target, child)))
        finally:
            child.exit()
        assert mounttable.top_at(where, kernel=kernel) is None


def test_a_repair_leaves_alone_what_an_operation_is_making() -> None:
    universe = SimulatedUniverse(1)
    World(universe.machine, ("ext4", "btrfs"), 1)
    universe.start()
    daemon, runtime = universe.daemon, universe.runtime
    assert daemon is not None
    ended: list[str] = []

    def ask(request: Asked) -> None:
        view = daemon.engine.submit(request.checked(daemon.desk), Caller("test"))
        ended.append(daemon.engine.watch.wait(view.id, 1e4, parked=False).state)

    def slow(_universe: Universe, name: str) -> None:
        if name == "volume.publish.before":
            runtime.sleep(60.0)

    def play() -> list[Finding]:
        ask(PoolCreate(name="p0", config={"source": "/srv/p0"}))
        maker = runtime.spawn("maker", lambda: ask(VolumeCreate(pool="p0", name="v", size="1MiB")))
        runtime.sleep(30.0)
        found = daemon.repair.run(repair=True)
        maker.join(1e4)
        return found

    universe.hook = slow
    try:
        assert universe.run(play) == []
        assert ended == ["done", "done"]
    finally:
        universe.end()
