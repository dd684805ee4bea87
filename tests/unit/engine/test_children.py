"""A child that was abandoned: until it is proven dead, its operation does not go on."""

import pytest

from holdfast.model.errors import Abandoned, WrongState
from holdfast.model.step import Context
from holdfast.records import steps
from tests.unit.engine.lab import Lab
from tests.unit.engine.world import CHILD, Do


def _hangs(lab: Lab, verb: str = "apply a") -> None:
    def hangs(ctx: Context) -> None:
        ctx.child_started(CHILD)
        lab.alive.add(CHILD.pid)
        raise Abandoned("mkfs did not answer within 600 s")

    lab.world.once[verb] = [hangs]


def test_it_is_journalled_before_it_may_act(lab: Lab) -> None:
    seen: list[object] = []

    def starts(ctx: Context) -> None:
        ctx.child_started(CHILD)
        seen.extend(lab.records.read(lambda tx: steps.children(tx, ctx.operation)))
        ctx.child_ended(CHILD)
        lab.world.things["a"] = "new"

    lab.world.once["apply a"] = [starts]
    op = lab.submit(Do(plan_of="a"))
    assert lab.ended(op).state == "done"
    assert seen == [CHILD]
    assert lab.records.read(lambda tx: steps.children(tx, op)) == []


def test_nobody_looks_or_acts_before_the_undertaker_says_so(lab: Lab) -> None:
    _hangs(lab)
    op = lab.submit(Do(plan_of="a"))
    lab.parked(op)
    calls = list(lab.world.calls)
    lab.sleep(1000)
    assert lab.get(op).state == "parked"
    assert "not proven dead" in lab.get(op).reason
    assert lab.world.calls == calls == ["judge a", "apply a"]
    lab.alive.clear()
    assert lab.ended(op).state == "done"


def test_the_same_after_a_restart(lab: Lab) -> None:
    _hangs(lab)
    op = lab.submit(Do(plan_of="a"))
    lab.parked(op)
    lab.restart()
    lab.world.calls.clear()
    lab.sleep(1000)
    assert lab.world.calls == []
    assert str(CHILD.pid) in lab.get(op).reason
    lab.alive.clear()
    assert lab.ended(op).state == "done"


def test_even_a_cancel_waits_for_it(lab: Lab) -> None:
    """Undo beside a living child would be undone by it."""
    _hangs(lab)
    op = lab.submit(Do(plan_of="a"))
    lab.parked(op)
    lab.engine.exits.cancel(op)
    lab.sleep(1000)
    assert lab.get(op).state == "parked"
    lab.alive.clear()
    assert lab.ended(op).state == "undone"


def test_a_child_of_undo_is_waited_for_too(lab: Lab) -> None:
    lab.world.always["apply b"] = OSError(28, "full")
    _hangs(lab, "unapply a")
    op = lab.submit(Do(plan_of="a b"))
    lab.sleep(1000)
    assert lab.get(op).state == "parked"
    assert lab.world.count("unapply a") == 1
    lab.alive.clear()
    assert lab.ended(op).state == "undone"
    assert lab.world.things == {}


def test_one_that_was_killed_with_the_daemon_is_proven_dead_before_the_first_look(lab: Lab) -> None:
    def dies(ctx: Context) -> None:
        ctx.child_started(CHILD)
        lab.runtime.kill()
        lab.runtime.failpoint("here")

    lab.world.once["apply a"] = [dies]
    op = lab.submit(Do(plan_of="a"))
    lab.alive.add(CHILD.pid)
    lab.until(lambda: lab.runtime.dead)
    lab.restart()
    lab.parked(op)
    assert lab.world.calls == ["judge a", "apply a"]
    lab.alive.clear()
    assert lab.ended(op).state == "done"


def test_an_operation_whose_child_lives_cannot_be_abandoned(lab: Lab) -> None:
    """Its claims would go, and what the child does at last would meet whoever came next."""
    _hangs(lab)
    op = lab.submit(Do(plan_of="a"))
    lab.parked(op)
    with pytest.raises(WrongState, match="cannot be killed yet"):
        lab.engine.exits.abandon(op, "the back end is gone")
    assert lab.claims()
    lab.alive.clear()
    lab.engine.exits.abandon(op, "the back end is gone")
    assert lab.get(op).state == "abandoned"
    assert lab.records.read(lambda tx: steps.children(tx, op)) == []
