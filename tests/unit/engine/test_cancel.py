"""Cancel: at the next boundary, before the pivot."""

import pytest

from holdfast.model.errors import NotFound, WrongState
from holdfast.model.step import Context, Unclear
from holdfast.records import operations
from tests.unit.engine.lab import Lab
from tests.unit.engine.world import Do


def test_a_queued_one_ends_without_a_plan(lab: Lab) -> None:
    lab.world.always["judge a"] = Unclear("timeout")
    first = lab.submit(Do(plan_of="a"))
    lab.parked(first)
    op = lab.submit(Do(plan_of="b", pool="p"))
    lab.engine.exits.cancel(op)
    view = lab.ended(op)
    assert view.error is not None
    assert (view.state, view.error.code, view.steps) == ("undone", "cancelled", ())
    assert lab.world.count("judge b") == 0


def test_a_parked_one_undoes_at_once(lab: Lab) -> None:
    lab.world.always["judge b"] = Unclear("timeout")
    op = lab.submit(Do(plan_of="a b"))
    lab.until(lambda: lab.row(op).tries == 12)
    before = lab.scheduler.clock
    lab.engine.exits.cancel(op)
    view = lab.ended(op)
    assert lab.scheduler.clock == before
    assert view.error is not None
    assert (view.state, view.error.code) == ("undone", "cancelled")
    assert lab.world.things == {}


def test_a_running_one_undoes_after_the_step_under_way(lab: Lab) -> None:
    def meanwhile(ctx: Context) -> None:
        lab.engine.exits.cancel(ctx.operation)
        lab.world.things["a"] = "new"

    lab.world.once["apply a"] = [meanwhile]
    assert lab.run(Do(plan_of="a b")).state == "undone"
    assert lab.world.count("judge b") == 0
    assert lab.world.things == {}


def test_it_survives_a_restart(lab: Lab) -> None:
    lab.world.always["judge b"] = Unclear("timeout")
    op = lab.submit(Do(plan_of="a b"))
    lab.parked(op)
    lab.engine.exits.cancel(op)
    lab.restart()
    assert lab.ended(op).state == "undone"


def test_past_the_pivot_it_is_refused(lab: Lab) -> None:
    lab.world.always["judge b"] = Unclear("timeout")
    op = lab.submit(Do(plan_of="!a b"))
    lab.parked(op)
    with pytest.raises(WrongState, match="point of no return"):
        lab.engine.exits.cancel(op)


def test_one_granted_before_the_pivots_intent_is_kept(lab: Lab) -> None:
    """The cancel comes after the runner looked for one, and before the pivot's intent is written."""
    op = lab.submit(Do(plan_of="a !b", pool="p"))
    lab.break_at("journal.intent.before", lambda: lab.engine.exits.cancel(op), nth=2)
    assert lab.ended(op).state == "undone"
    assert lab.world.count("apply b") == 0
    assert lab.world.things == {}
    assert lab.pool("p") is None


def test_one_that_is_over_is_refused_and_an_undone_one_is_as_wished(lab: Lab) -> None:
    op = lab.submit(Do(plan_of="a"))
    lab.ended(op)
    with pytest.raises(WrongState, match="already done"):
        lab.engine.exits.cancel(op)
    lab.world.always["judge b"] = Unclear("timeout")
    other = lab.submit(Do(plan_of="b"))
    lab.engine.exits.cancel(other)
    lab.ended(other)
    lab.engine.exits.cancel(other)
    assert lab.get(other).state == "undone"


def test_an_unknown_one_is_not_found(lab: Lab) -> None:
    for exit_ in (lab.engine.exits.cancel, lab.engine.exits.retry):
        with pytest.raises(NotFound):
            exit_("nobody")


def test_the_wish_ends_with_its_operation(lab: Lab) -> None:
    """A set that only grows would be a leak of its own."""
    lab.world.always["judge b"] = Unclear("timeout")
    op = lab.submit(Do(plan_of="b"))
    lab.engine.exits.cancel(op)
    lab.ended(op)
    lab.engine.exits.cancel(op)
    assert lab.engine._runner.cancelled == set()


def test_one_that_is_cancelled_before_its_submitter_handed_it_over_is_run_by_nobody_else(lab: Lab) -> None:
    """Its id can be listed as soon as it is committed."""

    def cancel() -> None:
        (row,) = lab.records.read(operations.page)
        lab.engine.exits.cancel(row.id)
        lab.bystander.sleep(10)  # time enough for every thread that would take it

    lab.break_at("journal.submit.after", cancel)
    ops: list[str] = []
    lab.bystander.spawn("caller", lambda: ops.append(lab.submit(Do(plan_of="+a", pool="p"))))
    lab.until(lambda: bool(ops))
    assert lab.ended(ops[0]).state == "undone"
    lab.sleep(10)  # and for whoever still holds it
    assert lab.world.things == {}
    assert lab.pool("p") is None


def test_one_that_is_over_is_never_changed_again(lab: Lab) -> None:
    view = lab.run(Do(plan_of="a"))
    epoch = lab.row(view.id).epoch
    with pytest.raises(operations.StaleEpoch):
        lab.records.write(lambda tx: operations.change(tx, view.id, epoch, state="running"))
