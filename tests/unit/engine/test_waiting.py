"""Again and Unclear: a durable backoff, visibly parked."""

import errno
from collections.abc import Callable

import pytest

from holdfast.model.errors import Again, Refused
from holdfast.model.step import Context, Todo, Unclear
from tests.unit.engine.lab import Lab
from tests.unit.engine.world import Do


def test_again_parks_with_its_reason_and_the_next_try(lab: Lab) -> None:
    lab.world.once["apply a"] = [Again("the array is busy")]
    op = lab.submit(Do(plan_of="a"))
    view = lab.parked(op)
    assert view.reason == "the array is busy"
    assert view.next_try_at is not None
    assert 0 < view.next_try_at - lab.runtime.now() < 0.1
    assert set(view.exits) == {"retry", "cancel", "abandon"}
    assert lab.ended(op).reason == ""


def test_the_backoff_doubles_up_to_a_minute(lab: Lab) -> None:
    lab.world.always["judge a"] = Unclear("timeout")
    op = lab.submit(Do(plan_of="a"))
    waits: list[float] = []
    for tries in range(1, 16):
        lab.until(lambda: lab.row(op).tries == tries)  # noqa: B023 - run at once
        waits.append(lab.row(op).next_try - lab.runtime.now())
    assert all(0.8 <= wait / min(60, 0.05 * 2**n) <= 1.2 for n, wait in enumerate(waits))


def test_the_backoff_survives_a_restart(lab: Lab) -> None:
    lab.world.always["judge a"] = Unclear("timeout")
    op = lab.submit(Do(plan_of="a"))
    lab.until(lambda: lab.row(op).tries == 10)
    lab.restart()
    lab.until(lambda: lab.row(op).tries == 11)
    assert lab.row(op).next_try - lab.runtime.now() > 30


def test_progress_of_the_plan_resets_the_backoff(lab: Lab) -> None:
    lab.world.once["judge a"] = [Unclear("timeout")] * 5
    lab.world.once["judge b"] = [Unclear("timeout")]
    op = lab.submit(Do(plan_of="a b"))
    lab.until(lambda: "judge b" in lab.world.calls and lab.get(op).state == "parked")
    assert lab.row(op).tries == 1


def test_a_parked_operation_holds_no_thread(lab: Lab) -> None:
    """There are three; ten wait, and the eleventh runs all the same."""
    lab.world.always["judge a"] = Unclear("timeout")
    ops = [lab.submit(Do(plan_of="a", claims=f"c{n}")) for n in range(10)]
    for op in ops:
        lab.parked(op)
    assert lab.run(Do(plan_of="b", claims="other")).state == "done"


def test_retry_tries_now(lab: Lab) -> None:
    lab.world.once["judge a"] = [Unclear("timeout")] * 12
    op = lab.submit(Do(plan_of="a"))
    lab.until(lambda: lab.row(op).tries == 12)
    before = lab.scheduler.clock
    lab.engine.exits.retry(op)
    assert lab.ended(op).state == "done"
    assert lab.scheduler.clock == before


def test_an_absence_counts_once_the_back_end_had_time_to_settle(lab: Lab) -> None:
    before = lab.scheduler.clock
    op = lab.submit(Do(plan_of="~a"))
    assert lab.ended(op).state == "done"
    assert lab.scheduler.clock - before >= 30
    assert lab.world.things == {"a": "new"}


@pytest.mark.parametrize(
    ("error", "waits"), [(Refused("no"), False), (Again("lost"), True), (OSError(errno.EROFS, "read-only"), True)]
)
def test_a_removal_that_was_answered_counts_at_once_unless_something_else_was_not(
    lab: Lab, error: Exception, waits: bool
) -> None:
    """A refusal is an answer; an errno need not be the far side's."""
    lab.world.once["apply b"] = [error]
    lab.world.always["judge b"] = Todo()
    op = lab.submit(Do(plan_of="~a ~c b"))
    lab.until(lambda: "apply b" in lab.world.calls)
    lab.engine.exits.cancel(op)
    before = lab.scheduler.clock
    assert lab.ended(op).state == "undone"
    assert lab.world.things == {}
    assert (lab.scheduler.clock - before >= 25) == waits


def test_after_a_restart_settling_is_counted_afresh(lab: Lab) -> None:
    op = lab.submit(Do(plan_of="~a"))
    lab.sleep(25)
    assert "a" not in lab.world.things
    lab.restart()
    before = lab.scheduler.clock
    assert lab.ended(op).state == "done"
    assert lab.scheduler.clock - before >= 30


def done_and_not_answered(lab: Lab) -> Callable[[Context], None]:
    """An act that takes effect, and whose reply is lost."""

    def act(_ctx: Context) -> None:
        lab.world.things["a"] = "new"
        raise Again("timeout")

    return act


def test_an_operation_ends_only_once_nothing_that_was_not_answered_can_take_effect_any_more(lab: Lab) -> None:
    lab.world.once["apply a"] = [done_and_not_answered(lab)]
    begun = lab.runtime.monotonic()
    op = lab.submit(Do(plan_of="^a b"))
    lab.until(lambda: "b" in lab.world.things)
    assert lab.runtime.monotonic() - begun < 1
    assert "may still take effect" in lab.parked(op).reason
    assert lab.ended(op).state == "done"
    assert 30 <= lab.runtime.monotonic() - begun < 31


@pytest.mark.parametrize("plan", ["^a b", "a b"])
def test_one_that_was_answered_or_does_not_last_ends_at_once(lab: Lab, plan: str) -> None:
    if plan == "a b":
        lab.world.once["apply a"] = [done_and_not_answered(lab)]
    begun = lab.runtime.monotonic()
    assert lab.run(Do(plan_of=plan)).state == "done"
    assert lab.runtime.monotonic() - begun < 1


def test_whether_all_was_answered_is_not_known_after_a_restart(lab: Lab) -> None:
    op = lab.submit(Do(plan_of="^a b"))
    lab.die_at("journal.end.before")
    begun = lab.runtime.monotonic()
    assert lab.ended(op).state == "done"
    assert lab.runtime.monotonic() - begun >= 30


def test_it_can_be_cancelled_meanwhile(lab: Lab) -> None:
    lab.world.once["apply a"] = [done_and_not_answered(lab)]
    op = lab.submit(Do(plan_of="^a"))
    lab.parked(op)
    lab.engine.exits.cancel(op)
    assert lab.ended(op).state == "undone"
    assert lab.world.things == {}
