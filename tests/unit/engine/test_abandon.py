"""Abandon: nothing in the world is touched; claims go, rows stay with a condition."""

import pytest

from holdfast.model.errors import Invalid, NoSpace, WrongState
from holdfast.model.step import Context, Round, Unclear
from tests.unit.engine.lab import Lab
from tests.unit.engine.world import Do


def _stuck(lab: Lab) -> str:
    lab.world.always["judge b"] = Unclear("the back end is dead")
    op = lab.submit(Do(plan_of="a b", pool="p"))
    lab.parked(op)
    return op


def test_claims_go_and_the_row_stays_with_a_condition(lab: Lab) -> None:
    op = _stuck(lab)
    calls = list(lab.world.calls)
    lab.engine.exits.abandon(op, "the array burnt down")
    view = lab.get(op)
    assert (view.state, view.reason) == ("abandoned", "the array burnt down")
    assert view.ended_at == lab.runtime.now()
    assert lab.claims() == []
    found = lab.pool("p")
    assert found is not None
    assert [(c.type, c.status) for c in found.conditions] == [("Abandoned", True)]
    assert "the array burnt down" in found.conditions[0].reason
    lab.sleep(10_000)
    assert lab.world.calls == calls, "nothing in the world was touched, nor looked at"


def test_who_queued_behind_it_may_go(lab: Lab) -> None:
    op = _stuck(lab)
    behind = lab.submit(Do(plan_of="c"))
    lab.sleep(5)
    lab.engine.exits.abandon(op, "dead")
    assert lab.ended(behind).state == "done"


@pytest.mark.parametrize("reason", ["", "  \n"])
def test_it_needs_a_reason(lab: Lab, reason: str) -> None:
    op = _stuck(lab)
    with pytest.raises(Invalid, match="reason"):
        lab.engine.exits.abandon(op, reason)


def test_a_queued_one_has_no_rows_to_mark(lab: Lab) -> None:
    _stuck(lab)
    op = lab.submit(Do(plan_of="c", pool="q"))
    lab.engine.exits.abandon(op, "not needed")
    assert lab.get(op).state == "abandoned"
    assert lab.pool("q") is None


def test_one_that_is_over_is_refused(lab: Lab) -> None:
    op = lab.submit(Do(plan_of="a"))
    lab.ended(op)
    with pytest.raises(WrongState, match="already done"):
        lab.engine.exits.abandon(op, "why")


def test_one_that_runs_is_refused(lab: Lab) -> None:
    refused: list[WrongState] = []

    def meanwhile(ctx: Context) -> None:
        try:
            lab.engine.exits.abandon(ctx.operation, "now")
        except WrongState as error:
            refused.append(error)
        lab.world.things["a"] = "new"

    lab.world.once["apply a"] = [meanwhile]
    assert lab.run(Do(plan_of="a")).state == "done"
    assert len(refused) == 1


def test_a_failed_attempt_leaves_the_operation_on_its_way(lab: Lab) -> None:
    op = _stuck(lab)

    def full() -> None:
        raise NoSpace("full")

    lab.break_at("journal.take-over.before", full)
    with pytest.raises(NoSpace):
        lab.engine.exits.abandon(op, "dead")
    lab.world.always.clear()
    assert lab.ended(op).state == "done"


def test_a_round_that_was_to_come_never_comes(lab: Lab) -> None:
    """Between two rounds it waits for a thread; what memory kept of it must not run under the old epoch."""

    def one(_ctx: Context) -> Round:
        lab.runtime.sleep(1)
        return Round("some")

    lab.world.always["apply a"] = one
    op = lab.submit(Do(plan_of="a"))
    for n in range(3):
        lab.submit(Do(plan_of="a", claims=f"c{n}"))
    lab.until(lambda: lab.get(op).steps[0].progress == "some" and op in lab.engine._handed)
    lab.engine.exits.abandon(op, "enough")
    lab.engine._queue.put(op)  # as a retry that was under way would
    rounds = lab.world.count("apply a")
    lab.world.always.clear()
    lab.until(lambda: lab.engine._queue.idle)
    assert lab.get(op).state == "abandoned"
    assert lab.world.count("apply a") <= rounds + 3, "only the other three went on"


def test_whoever_watches_is_told(lab: Lab) -> None:
    op = _stuck(lab)
    told: list[str] = []
    lab.engine.watch.add(op, lambda state, _view: told.append(state))
    lab.engine.exits.abandon(op, "dead")
    assert told == ["abandoned"]
