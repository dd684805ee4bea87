"""Snapshots that expire: when, and what a wrong clock does not do to them."""

from typing import Any, cast

import pytest

from holdfast.control.expiry import EVEN, PATIENCE, Expiry
from holdfast.engine.engine import Engine
from holdfast.engine.submit import Caller
from holdfast.model.errors import InUse
from holdfast.model.resources import (
    Pool,
    PoolSpec,
    PoolStatus,
    Snapshot,
    SnapshotSpec,
    SnapshotStatus,
    Volume,
    VolumeSpec,
    VolumeStatus,
)
from holdfast.operations.snapshot.delete import SnapshotDelete
from holdfast.records import resources
from holdfast.records.contract import Tx
from tests.unit.control.conftest import Universe

DAY = 86400.0


class Asked:
    """Stands for the engine: what is asked of it."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.refuses = False

    def submit(self, request: SnapshotDelete, caller: Caller) -> None:
        """Kept, or refused."""
        assert caller.name == "expiry"
        self.names.append(request.name)
        if self.refuses:
            raise InUse("The snapshot is mounted.")


class Ground:
    """A volume with snapshots, and who lets them expire."""

    def __init__(self, universe: Universe) -> None:
        self.universe = universe
        self.asked = Asked()
        now = universe.do(universe.runtime.now)

        def fn(tx: Tx) -> None:
            resources.insert(
                tx, Pool(uid="p", name="p", created=now, spec=PoolSpec(driver="dir", config={}), status=PoolStatus())
            )
            spec = VolumeSpec(size=1, content="directory")
            resources.insert(tx, Volume(uid="v", name="v", parent="p", created=now, spec=spec, status=VolumeStatus()))
            for name, expires, protected in (
                ("soon", now + DAY, False), ("late", now + 30 * DAY, False), ("never", None, False),
                ("protected", now + DAY, True),
            ):  # fmt: skip
                kept = SnapshotSpec(size=1, content="directory", expires=expires, protected=protected)
                resources.insert(
                    tx, Snapshot(uid=name, name=name, parent="v", created=now, spec=kept, status=SnapshotStatus())
                )

        universe.do(lambda: universe.records.write(fn))
        self.expiry = Expiry(universe.runtime, universe.records, cast("Engine", cast("Any", self.asked)))

    def days(self, seconds: float) -> list[str]:
        """Time goes by, with a look each minute; what was asked for meanwhile."""
        self.asked.names.clear()
        for _ in range(int(seconds / 60)):
            self.universe.passes(60.0)
            self.universe.do(self.expiry.tick)
        return list(self.asked.names)

    def jump(self, seconds: float) -> None:
        """Somebody sets the clock."""
        self.universe.scheduler.wall_offset += seconds


@pytest.fixture
def ground(universe: Universe) -> Ground:
    return Ground(universe)


def test_one_goes_when_its_time_is_over_and_the_others_stay(ground: Ground) -> None:
    assert ground.days(DAY - 120) == []
    assert ground.days(240) == ["soon"]
    assert ground.days(EVEN - 300) == []


def test_after_a_start_the_clock_must_run_evenly_first(ground: Ground) -> None:
    """A machine's clock may be wrong until it was set."""
    ground.jump(40 * DAY)
    assert ground.days(EVEN - 60) == []
    ground.jump(-40 * DAY)
    assert ground.days(EVEN * 2) == []


def test_a_clock_that_jumps_and_is_set_right_deletes_nothing(ground: Ground) -> None:
    ground.days(EVEN * 2)
    for _ in range(3):
        ground.jump(365 * DAY)
        assert ground.days(EVEN - 120) == []
        ground.jump(-365 * DAY)
        assert ground.days(EVEN * 2) == []


def test_a_clock_that_stays_where_it_jumped_is_believed_after_a_while(ground: Ground) -> None:
    ground.days(EVEN * 2)
    ground.jump(2 * DAY)
    assert ground.days(EVEN - 60) == []
    assert ground.days(180) == ["soon"]


def test_a_clock_that_is_slewed_is_even(ground: Ground) -> None:
    went: list[str] = []
    for _ in range(int(DAY / 60) + 1):
        ground.jump(0.03)  # in a minute: 500 ppm
        went += ground.days(60.0)
    assert went == ["soon"]


def test_one_that_is_refused_is_asked_for_again_later_and_not_at_each_look(ground: Ground) -> None:
    ground.asked.refuses = True
    assert ground.days(DAY) == ["soon"]
    assert ground.days(PATIENCE - 60) == []
    assert ground.days(PATIENCE) == ["soon"]
