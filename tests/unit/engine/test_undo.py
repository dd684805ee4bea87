"""The way back: in reverse, to the baseline, and one look at all together at the end."""

import pytest

from holdfast.engine import undo
from holdfast.engine.waits import Answer
from holdfast.model.errors import Again, Refused
from holdfast.model.step import Conflict, Context, Todo, Unclear
from tests.unit.engine.lab import Lab
from tests.unit.engine.world import Before, Do

FULL = Refused("full")


def _back(lab: Lab, plan: str) -> list[str]:
    """Run `plan`, whose last step is refused; the calls of the way back."""
    last = plan.rsplit(maxsplit=1)[-1].lstrip("+!~")
    lab.world.always[f"apply {last}"] = FULL
    assert lab.run(Do(plan_of=plan)).state == "undone"
    calls = lab.world.calls
    return calls[len(calls) - 1 - calls[::-1].index(f"apply {last}") + 2 :]


def test_undo_goes_in_reverse_and_looks_at_all_together_at_the_end(lab: Lab) -> None:
    assert _back(lab, "a b c") == [
        "undone c", "persist c",
        "undone b", "unapply b", "undone b",
        "undone a", "unapply a", "undone a",
        "undone c", "undone b", "undone a",
    ]  # fmt: skip


def test_undo_goes_back_to_what_was_there_before(lab: Lab) -> None:
    lab.world.things.update({"a": "one", "b": "two"})
    _back(lab, "a b c")
    assert lab.world.things == {"a": "one", "b": "two"}


def test_the_baseline_survives_a_restart(lab: Lab) -> None:
    lab.world.things["a"] = "one"
    lab.world.always["apply b"] = FULL
    op = lab.submit(Do(plan_of="a b"))
    lab.die_at("journal.undoing.after")
    assert lab.ended(op).state == "undone"
    assert lab.world.things == {"a": "one"}


def test_what_was_done_before_the_operation_is_never_undone(lab: Lab) -> None:
    lab.world.things["a"] = "new"
    calls = _back(lab, "a b c")
    assert lab.world.things == {"a": "new"}
    assert not [call for call in calls if call.endswith(" a")]


def test_a_step_found_undone_without_an_unapply_is_persisted(lab: Lab) -> None:
    """Its apply returned, and yet nothing is there: who says that this is durable?"""
    lab.world.once["apply a"] = [lambda _ctx: None]
    lab.world.once["judge a"] = [Todo(Before(None)), Conflict("odd")]
    assert lab.run(Do(plan_of="a")).state == "undone"
    assert lab.world.calls[-3:] == ["undone a", "persist a", "undone a"]


def test_an_undo_that_cannot_go_on_parks_with_a_reason_and_resumes(lab: Lab) -> None:
    lab.world.always["apply b"] = FULL
    lab.world.once["unapply a"] = [Again("the array is busy")] * 4
    op = lab.submit(Do(plan_of="a b"))
    view = lab.parked(op)
    assert (view.direction, view.reason) == ("undo", "the array is busy")
    assert view.error is not None
    assert view.error.code == "refused"
    lab.restart()
    assert lab.ended(op).state == "undone"
    assert lab.world.things == {}


def test_an_unclear_look_never_lets_undo_act(lab: Lab) -> None:
    lab.world.always["apply b"] = FULL
    lab.world.always["undone a"] = Unclear("timeout")
    op = lab.submit(Do(plan_of="a b"))
    lab.sleep(1000)
    assert lab.get(op).reason == "timeout"
    assert lab.world.count("unapply a") == 0
    lab.world.always.clear()
    assert lab.ended(op).state == "undone"


def test_undo_never_touches_what_is_not_this_operations(lab: Lab) -> None:
    lab.world.always["apply b"] = FULL
    lab.world.always["undone a"] = Conflict("another owner's")
    op = lab.submit(Do(plan_of="a b", pool="p"))
    lab.sleep(1000)
    assert "another owner's" in lab.get(op).reason
    assert lab.world.count("unapply a") == 0
    assert lab.pool("p") is not None, "the row goes last"


def test_even_a_refused_undo_is_tried_again(lab: Lab) -> None:
    lab.world.always["apply b"] = FULL
    lab.world.once["unapply a"] = [Refused("read-only")] * 3
    assert lab.run(Do(plan_of="a b")).state == "undone"
    assert lab.world.count("unapply a") == 4


def _undoing_b_brings_a_back(lab: Lab) -> None:
    """Right one by one, a leak together: unapplying a, which comes last, makes b again, once."""

    def leaks(_ctx: Context) -> None:
        lab.world.things.pop("a")
        lab.world.things["b"] = "leaked"

    lab.world.always["apply c"] = FULL
    lab.world.once["unapply a"] = [leaks]


def test_the_look_at_all_steps_together_catches_a_composed_leak(lab: Lab) -> None:
    _undoing_b_brings_a_back(lab)
    op = lab.submit(Do(plan_of="a b c"))
    assert "seen again" in lab.parked(op).reason
    assert lab.ended(op).state == "undone"
    assert lab.world.things == {}


def test_without_the_look_at_all_together_the_leak_would_stay(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control: the check above is not vacuous."""
    _undoing_b_brings_a_back(lab)
    whole = undo.Undo._finish

    def blind(self: undo.Undo) -> Answer:
        steps, self._live.steps = self._live.steps, []
        try:
            return whole(self)
        finally:
            self._live.steps = steps

    monkeypatch.setattr(undo.Undo, "_finish", blind)
    assert lab.run(Do(plan_of="a b c")).state == "undone"
    assert lab.world.things == {"b": "leaked"}
