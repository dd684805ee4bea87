"""A step with much to do: a round at a time, with progress."""

from holdfast.model.step import Context, Round
from tests.unit.engine.lab import Lab
from tests.unit.engine.world import Do, Says


def _rounds(lab: Lab, most: int, each: float = 1.0, verb: str = "apply") -> list[str]:
    """Script `verb a`: `most` rounds of `each` virtual seconds; returns the progress each of them saw."""
    seen: list[str] = []

    def one(ctx: Context) -> Round:
        seen.append(ctx.progress)
        lab.runtime.sleep(each)
        return Round(f"{len(seen)} of {most}")

    script: list[Says] = [one] * most
    lab.world.once[f"{verb} a"] = script
    return seen


def test_each_round_sees_the_progress_of_the_last(lab: Lab) -> None:
    seen = _rounds(lab, 3)
    view = lab.run(Do(plan_of="a"))
    assert view.state == "done"
    assert seen == ["", "1 of 3", "2 of 3"]
    assert view.steps[0].attempt == 1


def test_progress_is_durable_and_shown(lab: Lab) -> None:
    seen = _rounds(lab, 3)
    op = lab.submit(Do(plan_of="a"))
    lab.until(lambda: lab.get(op).steps[0].progress == "1 of 3")
    lab.restart()
    assert lab.get(op).steps[0].progress == "1 of 3"
    assert lab.ended(op).state == "done"
    # The round that was under way at the kill began from the first's progress; so does its repetition.
    assert seen[:2] == ["", "1 of 3"]
    assert seen[2] == "1 of 3"


def test_between_rounds_the_thread_is_given_back(lab: Lab) -> None:
    _rounds(lab, 1000)
    slow = [lab.submit(Do(plan_of="a", claims=f"c{n}")) for n in range(3)]
    lab.until(lambda: all(lab.get(op).steps[0].progress for op in slow))
    assert lab.run(Do(plan_of="b", claims="other")).state == "done"
    assert not any(lab.get(op).ended for op in slow)


def test_cancel_acts_between_rounds(lab: Lab) -> None:
    _rounds(lab, 100)
    op = lab.submit(Do(plan_of="a"))
    lab.until(lambda: lab.get(op).steps[0].progress == "3 of 100")
    lab.engine.exits.cancel(op)
    assert lab.ended(op).state == "undone"
    assert lab.world.count("apply a") <= 5


def test_undo_has_rounds_too(lab: Lab) -> None:
    seen = _rounds(lab, 3, verb="unapply")
    lab.world.once["apply b"] = [OSError(28, "full")]
    assert lab.run(Do(plan_of="a b")).state == "undone"
    assert seen == ["", "1 of 3", "2 of 3"]


def test_the_deadline_counts_from_the_last_progress(lab: Lab) -> None:
    _rounds(lab, 10, each=20.0)
    op = lab.submit(Do(plan_of="a"), allowance=30)
    assert lab.ended(op).state == "done"


def test_a_round_without_end_is_still_bound_by_the_deadline(lab: Lab) -> None:
    _rounds(lab, 2, each=40.0)
    op = lab.submit(Do(plan_of="a b"), allowance=30)
    lab.world.always["judge b"] = OSError(5, "EIO")
    view = lab.ended(op)
    assert view.error is not None
    assert view.error.code == "deadline"
