"""What stops an operation: before the pivot it undoes, after it it waits."""

import pytest

from holdfast.model.errors import HoldfastError, Refused, Unavailable
from holdfast.model.step import Conflict
from tests.unit.engine.lab import Lab
from tests.unit.engine.world import Do


def test_a_refusal_before_the_pivot_undoes_everything(lab: Lab) -> None:
    lab.world.things["a"] = "old"
    lab.world.once["apply b"] = [Refused("the disk is full", "Free space.")]
    view = lab.run(Do(plan_of="a b", pool="p"))
    assert view.state == "undone"
    assert view.error is not None
    assert (view.error.code, view.error.detail, view.error.hint) == (
        "refused",
        "the disk is full",
        "Free space.",
    )
    assert lab.world.things == {"a": "old"}
    assert lab.pool("p") is None
    assert lab.claims() == []


def test_a_full_disk_is_a_refusal_by_its_errno(lab: Lab) -> None:
    lab.world.once["apply a"] = [OSError(28, "No space left on device")]
    view = lab.run(Do(plan_of="a"))
    assert view.error is not None
    assert view.error.code == "full"


def test_a_refusal_after_the_pivot_parks_and_is_tried_again(lab: Lab) -> None:
    lab.world.once["apply b"] = [Refused("the disk is full")] * 3
    op = lab.submit(Do(plan_of="!a b"))
    view = lab.parked(op)
    assert (view.direction, view.reason) == ("forward", "the disk is full")
    assert "cancel" not in view.exits
    assert lab.ended(op).state == "done"


def test_a_refused_pivot_is_never_undone(lab: Lab) -> None:
    """Its intent is durable, so nobody knows how far it went."""
    lab.world.once["apply a"] = [Refused("no")]
    op = lab.submit(Do(plan_of="!a"))
    assert lab.parked(op).direction == "forward"
    assert lab.ended(op).state == "done"
    assert lab.world.count("unapply a") == 0


@pytest.mark.parametrize("plan", ["b", "a b", "a +b"])
def test_a_conflict_before_the_pivot_undoes_and_keeps_its_evidence(lab: Lab, plan: str) -> None:
    lab.world.always["judge b"] = Conflict("another owner's object", "in-use", "Move it.")
    view = lab.run(Do(plan_of=plan))
    assert view.state == "undone"
    assert view.error is not None
    assert (view.error.code, view.error.detail, view.error.hint) == (
        "in-use",
        "another owner's object",
        "Move it.",
    )
    assert "a" not in lab.world.things


def test_a_conflict_at_the_first_look_is_never_acted_on(lab: Lab) -> None:
    lab.world.always["judge a"] = Conflict("foreign")
    lab.run(Do(plan_of="a"))
    assert lab.world.calls == ["judge a"]


def test_a_conflict_after_the_pivot_parks(lab: Lab) -> None:
    lab.world.once["judge b"] = [Conflict("in the way")]
    op = lab.submit(Do(plan_of="!a b"))
    assert lab.parked(op).reason == "in the way"
    assert lab.ended(op).state == "done"


def test_a_conflict_at_the_pivots_own_first_look_still_undoes(lab: Lab) -> None:
    lab.world.always["judge b"] = Conflict("in use", "in-use")
    view = lab.run(Do(plan_of="a !b"))
    assert view.state == "undone"
    assert lab.world.things == {}


def test_a_plan_with_two_pivots_is_a_fault_of_the_program(lab: Lab) -> None:
    with pytest.raises(TypeError, match="at most one pivot"):
        lab.submit(Do(plan_of="!a !b"))
    assert lab.claims() == []


@pytest.mark.parametrize("error", [ValueError("a bug"), OSError(5, "EIO")])
def test_what_is_no_refusal_is_tried_again(lab: Lab, error: Exception) -> None:
    lab.world.once["apply a"] = [error]
    op = lab.submit(Do(plan_of="a"))
    assert lab.parked(op).direction == "forward"
    assert lab.ended(op).state == "done"


def test_a_lost_fork_server_stops_the_daemon_and_a_new_one_goes_on(lab: Lab) -> None:
    lab.world.once["apply a"] = [Unavailable("the fork server is gone")]
    op = lab.submit(Do(plan_of="a"))
    lab.scheduler.run(lambda: bool(lab.fatal))
    assert lab.fatal == ["the fork server is gone"]
    lab.fatal.clear()
    lab.kill()
    lab.restart()
    assert lab.ended(op).state == "done"


def test_an_error_of_a_look_is_never_a_refusal(lab: Lab) -> None:
    """Rule 3: EACCES while looking means that nothing is known."""
    errors: list[HoldfastError | OSError] = [PermissionError(13, "Permission denied"), Refused("no")]
    lab.world.once["judge a"] = [*errors]
    op = lab.submit(Do(plan_of="a"))
    lab.parked(op)
    assert lab.ended(op).state == "done"
