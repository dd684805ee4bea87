"""A back end whose looks are late: what looks as before a change may be the past."""

import errno
import os
from collections.abc import Iterator

import pytest
import structlog

from holdfast.control.asking import ask
from holdfast.drivers.registry import Drivers
from holdfast.engine.submit import Caller
from holdfast.model.operations import OperationView
from holdfast.operations.base import Asked
from holdfast.operations.pool.create import PoolCreate
from holdfast.operations.volume.create import VolumeCreate
from holdfast.operations.volume.rename import VolumeRename
from holdfast.testing.simulation.slow import SlowDriver
from holdfast.testing.simulation.telling import quiet
from holdfast.testing.simulation.universe import SimulatedUniverse
from holdfast.testing.simulation.world import World, mark_of
from holdfast.testing.universe import Universe

LATE = [0]


def late() -> None:
    """A look answered as it was."""
    LATE[0] += 1


@pytest.fixture
def universe() -> Iterator[SimulatedUniverse]:
    before = structlog.get_config()
    quiet()
    LATE[0] = 0
    made = SimulatedUniverse(4, lambda host: Drivers({"slow": SlowDriver(host, {}, late)}))
    assert made.start()
    yield made
    made.end()
    structlog.configure(**before)


def done(universe: SimulatedUniverse, request: Asked) -> OperationView:
    daemon = universe.daemon
    assert daemon is not None
    view = universe.run(lambda: ask(daemon, request, Caller()))
    ended: OperationView = universe.run(lambda: daemon.engine.watch.wait(view.id, 1e5, parked=False))
    return ended


def test_the_undo_of_a_rename_does_not_believe_a_look_younger_than_the_settle_time(
    universe: SimulatedUniverse,
) -> None:
    world = World(universe.machine, ("ext4",), 1)
    assert done(universe, PoolCreate(name="p", driver="slow", config={"source": "/srv/p0"})).state == "done"
    assert done(universe, VolumeCreate(pool="p", name="v", size="1MiB")).state == "done"

    def full(_universe: Universe, name: str) -> None:
        if name == "volume.rename-publish.after":
            universe.hook = None
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    universe.hook = full
    assert done(universe, VolumeRename(pool="p", name="v", new_name="w")).state == "undone"
    assert LATE[0], "no look was late, so nothing was tried"
    (entry,) = world.disks[0].volumes().values()
    mark = mark_of(entry)
    assert mark is not None
    assert mark.name == "v"
