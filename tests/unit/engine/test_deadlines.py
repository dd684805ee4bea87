"""The allowance: monotonic time, before the pivot only."""

import pytest

from holdfast.model.errors import Again
from holdfast.model.step import Unclear
from tests.unit.engine.lab import Lab
from tests.unit.engine.world import Do


def test_past_its_deadline_a_waiting_operation_undoes(lab: Lab) -> None:
    lab.world.always["judge b"] = Unclear("the array does not answer")
    before = lab.scheduler.clock
    view = lab.ended(lab.submit(Do(plan_of="a b"), allowance=300))
    assert view.state == "undone"
    assert view.error is not None
    assert view.error.code == "deadline"
    assert "the array does not answer" in view.error.detail
    assert lab.world.things == {}
    # A waiting one looks at the clock when it tries again, which is at most 72 s later.
    assert 300 <= lab.scheduler.clock - before <= 372


def test_a_day_is_the_default(lab: Lab) -> None:
    lab.world.always["judge a"] = Unclear("timeout")
    op = lab.submit(Do(plan_of="a"))
    assert lab.get(op).deadline_in == pytest.approx(86400)
    before = lab.scheduler.clock
    assert lab.ended(op).state == "undone"
    assert 86400 <= lab.scheduler.clock - before <= 86472


@pytest.mark.parametrize("jump", [1e8, -1e8])
def test_a_jump_of_the_wall_clock_moves_no_deadline(lab: Lab, jump: float) -> None:
    lab.world.once["judge a"] = [Unclear("timeout")] * 10
    op = lab.submit(Do(plan_of="a"), allowance=300)
    lab.parked(op)
    lab.scheduler.wall_offset += jump
    assert lab.ended(op).state == "done"


def test_an_allowance_of_nothing_means_no_deadline(lab: Lab) -> None:
    lab.world.always["judge a"] = Unclear("timeout")
    op = lab.submit(Do(plan_of="a"), allowance=0)
    lab.sleep(200_000)
    assert lab.get(op).state == "parked"
    assert lab.get(op).deadline_in is None


def test_after_the_pivot_there_is_no_deadline(lab: Lab) -> None:
    lab.world.always["judge b"] = Unclear("timeout")
    op = lab.submit(Do(plan_of="!a b"), allowance=10)
    lab.sleep(1000)
    view = lab.get(op)
    assert (view.state, view.direction, view.deadline_in) == ("parked", "forward", None)


def test_undo_has_no_deadline(lab: Lab) -> None:
    lab.world.always["unapply a"] = Again("not now")
    lab.world.always["judge b"] = Unclear("timeout")
    op = lab.submit(Do(plan_of="a b"), allowance=10)
    lab.sleep(100_000)
    assert (lab.get(op).state, lab.get(op).direction) == ("parked", "undo")
    lab.world.always.clear()
    assert lab.ended(op).state == "undone"


def test_the_time_spent_survives_a_restart(lab: Lab) -> None:
    lab.world.always["judge a"] = Unclear("timeout")
    op = lab.submit(Do(plan_of="a"), allowance=1000)
    lab.sleep(800)
    lab.restart()
    lab.sleep(300)
    assert lab.get(op).state == "undone"


def test_one_whose_turn_never_comes_ends_at_its_deadline(lab: Lab) -> None:
    lab.world.always["judge a"] = Unclear("timeout")
    lab.submit(Do(plan_of="a"), allowance=0)
    op = lab.submit(Do(plan_of="b"), allowance=50)
    lab.sleep(49)
    assert lab.get(op).state == "queued"
    view = lab.ended(op)
    assert view.error is not None
    assert (view.state, view.error.code) == ("undone", "deadline")
    assert [held[0] for held in lab.claims()] != [op]
