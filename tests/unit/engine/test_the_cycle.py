"""Judge, intent, apply, judge: the way forward."""

from holdfast.model.errors import Again
from holdfast.model.step import Context, Unclear
from tests.unit.engine.lab import Lab
from tests.unit.engine.world import Do


def test_every_step_is_looked_at_acted_on_and_looked_at_again(lab: Lab) -> None:
    view = lab.run(Do(plan_of="a b", pool="p"))
    assert view.state == "done"
    assert lab.world.calls == ["judge a", "apply a", "judge a", "judge b", "apply b", "judge b"]
    assert [step.state for step in view.steps] == ["done", "done"]


def test_the_outcome_sees_the_typed_results_and_the_claims_go_with_it(lab: Lab) -> None:
    lab.run(Do(plan_of="a b", pool="p"))
    found = lab.pool("p")
    assert found is not None
    assert found.status.ready
    assert found.status.identity == {"seen": "b"}
    assert lab.claims() == []


def test_a_plan_without_steps_is_done_at_once(lab: Lab) -> None:
    assert lab.run(Do()).state == "done"


def test_a_minted_step_skips_its_first_look(lab: Lab) -> None:
    lab.run(Do(plan_of="+a +b"))
    assert lab.world.calls == ["apply a", "judge a", "apply b", "judge b"]


def test_the_intent_of_a_minted_first_step_is_durable_with_the_request(lab: Lab) -> None:
    """Nothing ran yet: submit alone wrote plan, intent and claims."""
    op = lab.submit(Do(plan_of="+a", claims="x"))
    assert [step.state for step in lab.get(op).steps] == ["intent"]
    assert lab.claims() == [(op, "x", "exclusive")]
    assert lab.world.calls == []


def test_what_is_done_already_is_persisted_and_skipped(lab: Lab) -> None:
    lab.world.things["a"] = "new"
    view = lab.run(Do(plan_of="a", pool="p"))
    assert lab.world.calls == ["judge a", "persist a"]
    assert view.steps[0].state == "skipped"
    found = lab.pool("p")
    assert found is not None
    assert found.status.identity == {"seen": "a"}


def test_the_intent_is_durable_before_the_world_is_touched(lab: Lab) -> None:
    seen: list[str] = []

    def peek(ctx: Context) -> None:
        seen.append(lab.get(ctx.operation).steps[0].state)
        lab.world.things["a"] = "new"

    lab.world.once["apply a"].append(peek)
    lab.run(Do(plan_of="a"))
    assert seen == ["intent"]


def test_done_wins_even_when_apply_raised_and_is_persisted_first(lab: Lab) -> None:
    def acts_and_raises(_ctx: Context) -> None:
        lab.world.things["a"] = "new"
        raise Again("the reply was lost")

    lab.world.once["apply a"].append(acts_and_raises)
    assert lab.run(Do(plan_of="a")).state == "done"
    assert lab.world.calls == ["judge a", "apply a", "judge a", "persist a"]


def test_done_wins_over_a_refusal_too(lab: Lab) -> None:
    def acts_and_raises(_ctx: Context) -> None:
        lab.world.things["a"] = "new"
        raise FileNotFoundError(28, "No space left on device")

    lab.world.once["apply a"].append(acts_and_raises)
    assert lab.run(Do(plan_of="a")).state == "done"


def test_persist_is_not_asked_when_apply_returned_in_this_epoch(lab: Lab) -> None:
    lab.run(Do(plan_of="a b c"))
    assert not [call for call in lab.world.calls if call.startswith("persist")]


def test_persist_is_asked_after_a_restart_for_what_an_earlier_epoch_did(lab: Lab) -> None:
    op = lab.submit(Do(plan_of="a"))
    lab.die_at("journal.end.before")
    lab.world.calls.clear()
    assert lab.ended(op).state == "done"
    assert lab.world.calls == ["judge a", "persist a"]


def test_a_done_that_cannot_be_persisted_does_not_count(lab: Lab) -> None:
    lab.world.things["a"] = "new"
    lab.world.once["persist a"] = [OSError(5, "Input/output error")]
    op = lab.submit(Do(plan_of="a"))
    assert "Input/output error" in lab.parked(op).reason
    assert lab.ended(op).state == "done"
    assert lab.world.count("persist a") == 2


def test_an_apply_that_returned_but_shows_nothing_is_made_again_under_a_new_attempt(lab: Lab) -> None:
    attempts: list[int] = []
    lab.world.once["apply a"] = [lambda ctx: attempts.append(ctx.attempt)] * 2
    op = lab.submit(Do(plan_of="a"))
    assert "not seen yet" in lab.parked(op).reason
    assert lab.ended(op).steps[0].attempt == 3
    assert attempts == [1, 2]


def test_an_unclear_first_look_never_acts(lab: Lab) -> None:
    lab.world.once["judge a"] = [Unclear("timeout")] * 3
    op = lab.submit(Do(plan_of="a"))
    lab.until(lambda: lab.world.count("judge a") == 3)
    assert lab.world.count("apply a") == 0
    assert lab.ended(op).state == "done"
