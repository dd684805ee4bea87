"""Killed and started again: a new epoch, and whoever had the old one writes nothing."""

import pytest

from holdfast.model.errors import Suspended
from holdfast.model.step import Context, Unclear
from holdfast.records import operations
from holdfast.records.contract import Tx, Value
from holdfast.records.operations import StaleEpoch
from holdfast.runtime.api import Killed
from tests.unit.engine.lab import Lab
from tests.unit.engine.world import Do

BOUNDARIES = [
    f"journal.{name}.{when}"
    for name in ("intent", "end")
    for when in ("before", "after")
] + ["records.commit.before", "records.commit.after"]  # fmt: skip


@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("nth", [1, 2])
def test_killed_at_any_boundary_it_resumes_and_ends_well(lab: Lab, boundary: str, nth: int) -> None:
    if boundary.startswith("journal.end") and nth == 2:
        return
    op = lab.submit(Do(plan_of="+a b !c", pool="p"))
    lab.die_at(boundary, nth)
    assert lab.ended(op).state == "done"
    assert lab.world.things == {"a": "new", "b": "new", "c": "new"}
    assert lab.claims() == []
    found = lab.pool("p")
    assert found is not None
    assert found.status.ready


@pytest.mark.parametrize(
    "boundary", [f"journal.{n}.{w}" for n in ("undoing", "undone", "end") for w in ("before", "after")]
)
def test_killed_at_any_boundary_of_the_way_back_it_ends_undone(lab: Lab, boundary: str) -> None:
    lab.world.things["b"] = "old"
    lab.world.always["apply c"] = OSError(28, "full")
    op = lab.submit(Do(plan_of="+a b c", pool="p"))
    lab.die_at(boundary)
    assert lab.ended(op).state == "undone"
    assert lab.world.things == {"b": "old"}
    assert lab.pool("p") is None
    assert lab.claims() == []


def test_every_start_takes_a_new_epoch(lab: Lab) -> None:
    lab.world.always["judge a"] = Unclear("timeout")
    op = lab.submit(Do(plan_of="a"))
    lab.parked(op)
    for epoch in (2, 3, 4):
        lab.restart()
        assert lab.row(op).epoch == epoch


def _usurp(lab: Lab, op: str) -> None:
    lab.records.write(lambda tx: operations.new_epoch(tx, op))


def test_a_stale_runner_writes_nothing_and_acts_no_more(lab: Lab) -> None:
    op = lab.submit(Do(plan_of="a b", pool="p"))
    lab.break_at("journal.intent.before", lambda: _usurp(lab, op), nth=2)
    lab.until(lambda: lab.engine._queue.idle and lab.row(op).epoch == 2)
    assert lab.world.count("apply b") == 0
    assert lab.get(op).state == "running"
    assert [step.state for step in lab.get(op).steps] == ["intent", "pending"]
    assert lab.claims() == [(op, "x", "exclusive")]


def test_without_epochs_the_stale_runner_would_go_on(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control."""

    def blind(tx: Tx, op: str, _epoch: int, **columns: Value) -> None:
        names = ", ".join(f"{name}=?" for name in columns)
        tx.run(f"UPDATE operations SET {names} WHERE id=?", (*columns.values(), op))

    monkeypatch.setattr(operations, "change", blind)
    op = lab.submit(Do(plan_of="a b", pool="p"))
    lab.break_at("journal.intent.before", lambda: _usurp(lab, op), nth=2)
    assert lab.ended(op).state == "done"


def test_a_change_under_an_old_epoch_is_stale(lab: Lab) -> None:
    lab.world.always["judge a"] = Unclear("timeout")
    op = lab.submit(Do(plan_of="a"))
    lab.parked(op)
    _usurp(lab, op)
    with pytest.raises(StaleEpoch):
        lab.records.write(lambda tx: operations.change(tx, op, 1, state="done"))


def test_a_killed_incarnation_has_no_effect_while_it_unwinds(lab: Lab) -> None:
    """Its `finally` runs, and meets Killed before any commit."""
    met: list[str] = []

    def dies(ctx: Context) -> None:
        try:
            lab.runtime.kill()
            lab.runtime.failpoint("here")
        finally:
            try:
                lab.records.write(lambda tx: operations.change(tx, ctx.operation, 1, state="done"))
            except Killed:
                met.append("refused")

    lab.world.once["apply a"] = [dies]
    op = lab.submit(Do(plan_of="a"))
    lab.until(lambda: lab.runtime.dead)
    lab.restart()
    assert met == ["refused"]
    assert lab.ended(op).state == "done"
    assert lab.world.count("apply a") == 2


def test_a_suspended_engine_refuses_and_resumes_nothing(lab: Lab) -> None:
    op = lab.submit(Do(plan_of="a b"))
    lab.die_at("journal.intent.after")
    lab.restart(suspended="the database is a copy")
    lab.world.calls.clear()
    with pytest.raises(Suspended, match="copy"):
        lab.submit(Do(plan_of="c"))
    lab.engine.exits.retry(op)
    lab.sleep(1000)
    assert lab.world.calls == []
    lab.engine.lift()
    assert lab.ended(op).state == "done"
    assert lab.run(Do(plan_of="c")).state == "done"


def test_a_suspension_in_mid_course_stops_what_runs_and_its_end_resumes_it(lab: Lab) -> None:
    lab.world.once["judge b"] = [Unclear("timeout")] * 5
    op = lab.submit(Do(plan_of="a b"))
    lab.parked(op)
    lab.engine.suspended = "a pool is ahead of the database"
    lab.sleep(100)
    assert lab.get(op).state == "parked"
    lab.engine.lift()
    assert lab.ended(op).state == "done"


def test_stop_ends_the_step_under_way_and_begins_no_other(lab: Lab) -> None:
    def stops(_ctx: Context) -> None:
        lab.engine._stopping = True
        lab.engine._queue.close()
        lab.world.things["a"] = "new"

    lab.world.once["apply a"] = [stops]
    op = lab.submit(Do(plan_of="a b"))
    lab.until(lambda: not lab.runtime.tasks)
    assert lab.world.calls == ["judge a", "apply a", "judge a"]
    lab.restart()
    assert lab.ended(op).state == "done"


def test_nothing_begins_while_a_suspension_is_lifted_before_the_new_epochs_are_durable(lab: Lab) -> None:
    lab.world.always["judge a"] = Unclear("timeout")
    old = lab.submit(Do(plan_of="a"))
    lab.parked(old)
    lab.restart(suspended="an old database")
    refused: list[str] = []

    def ask() -> None:
        with pytest.raises(Suspended):
            lab.submit(Do(plan_of="b", claims="y"))
        refused.append("b")

    lab.break_at("journal.resume.before", ask)
    lab.break_at("journal.resume.after", ask)
    lab.bystander.spawn("operator", lab.engine.lift)
    lab.until(lambda: lab.row(old).epoch == 2 and not lab.engine.suspended)
    assert refused == ["b"]
    assert lab.run(Do(plan_of="b", claims="y")).state == "done"
