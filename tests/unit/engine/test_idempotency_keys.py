"""The same key and body give the same operation, whatever became of it."""

import pytest

from holdfast.engine.submit import Caller
from holdfast.model.errors import KeyReused
from holdfast.model.step import Conflict
from tests.unit.engine.lab import Lab
from tests.unit.engine.world import Do


def test_the_same_key_and_body_give_the_same_operation(lab: Lab) -> None:
    one = lab.submit(Do(plan_of="a"), key="k")
    assert lab.submit(Do(plan_of="a"), key="k") == one
    lab.ended(one)
    assert lab.world.count("apply a") == 1


def test_also_after_it_ended_and_after_a_restart(lab: Lab) -> None:
    lab.world.once["judge a"] = [Conflict("no")]
    one = lab.submit(Do(plan_of="a"), key="k")
    lab.ended(one)
    lab.restart()
    again = lab.engine.submit(Do(plan_of="a"), Caller("me", "POST /x"), key="k")
    assert (again.id, again.state) == (one, "undone")


def test_another_body_under_the_same_key_is_refused_also_after_the_end(lab: Lab) -> None:
    lab.ended(lab.submit(Do(plan_of="a"), key="k"))
    with pytest.raises(KeyReused):
        lab.submit(Do(plan_of="b"), key="k")
    assert lab.claims() == []


def test_a_key_is_scoped_to_caller_and_route(lab: Lab) -> None:
    ops = {
        lab.engine.submit(Do(plan_of="a"), Caller(name, route), key="k").id
        for name in ("me", "you")
        for route in ("POST /x", "POST /y")
    }
    assert len(ops) == 4


def test_without_a_key_each_request_is_its_own(lab: Lab) -> None:
    assert lab.submit(Do(plan_of="a")) != lab.submit(Do(plan_of="a"))


def test_a_key_is_kept_for_seven_days_of_the_wall_clock(lab: Lab) -> None:
    one = lab.submit(Do(plan_of="a"), key="k")
    lab.ended(one)
    lab.scheduler.wall_offset += 6.9 * 86400
    lab.engine.prune()
    assert lab.submit(Do(plan_of="a"), key="k") == one
    lab.scheduler.wall_offset += 0.2 * 86400
    lab.engine.prune()
    assert lab.submit(Do(plan_of="a"), key="k") != one


def test_a_refused_request_binds_no_key(lab: Lab) -> None:
    lab.run(Do(plan_of="+a", pool="p"))
    with pytest.raises(Exception, match="exists"):
        lab.submit(Do(plan_of="+b", pool="p"), key="k")
    assert lab.run(Do(plan_of="c")).state == "done"
    assert lab.submit(Do(plan_of="c"), key="k")
