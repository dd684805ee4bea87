"""Claims: all together, strictly first come first served, re-examined when the turn comes."""

import functools

import pytest

from holdfast.model.operations import OperationView
from holdfast.model.step import Done, Unclear
from holdfast.records import claims
from holdfast.records.contract import Tx
from tests.unit.engine.lab import Lab
from tests.unit.engine.world import Do, OnPool


def _hold(lab: Lab, what: str) -> str:
    """An operation that keeps `what` claimed until `judge hold` is let go."""
    lab.world.always["judge hold"] = Unclear("held by the test")
    op = lab.submit(Do(plan_of="hold", claims=what))
    lab.parked(op)
    return op


def _let_go(lab: Lab) -> None:
    lab.world.always.pop("judge hold")


def test_an_operation_waits_for_an_exclusive_claim(lab: Lab) -> None:
    _hold(lab, "x")
    op = lab.submit(Do(plan_of="a", claims="x"))
    lab.sleep(100)
    assert lab.get(op).state == "queued"
    assert lab.get(op).steps == ()
    _let_go(lab)
    assert lab.ended(op).state == "done"


def test_shared_claims_go_together_and_bar_an_exclusive_one(lab: Lab) -> None:
    _hold(lab, "x/s")
    assert lab.run(Do(plan_of="a", claims="x/s")).state == "done"
    writer = lab.submit(Do(plan_of="b", claims="x"))
    lab.sleep(10)
    assert lab.get(writer).state == "queued"
    _let_go(lab)
    assert lab.ended(writer).state == "done"


def test_nobody_overtakes_not_even_a_shared_one_that_could_run(lab: Lab) -> None:
    _hold(lab, "x/s")
    writer = lab.submit(Do(plan_of="b", claims="x"))
    reader = lab.submit(Do(plan_of="c", claims="x/s"))
    lab.sleep(10)
    assert lab.get(reader).state == "queued"
    _let_go(lab)
    lab.ended(reader)
    assert lab.get(writer).state == "done"
    assert lab.world.calls.index("apply b") < lab.world.calls.index("apply c")


def test_claims_are_granted_all_together(lab: Lab) -> None:
    """The second waits for x and y; holding y meanwhile it bars the third, which came later."""
    _hold(lab, "x")
    second = lab.submit(Do(plan_of="a", claims="x y"))
    third = lab.submit(Do(plan_of="b", claims="y"))
    lab.sleep(10)
    assert (lab.get(second).state, lab.get(third).state) == ("queued", "queued")
    _let_go(lab)
    lab.ended(third)
    assert lab.world.calls.index("apply a") < lab.world.calls.index("apply b")


def test_claims_in_any_order_never_lock_each_other_out(lab: Lab) -> None:
    ops = [lab.submit(Do(plan_of=f"k{n}", claims="x y" if n % 2 else "y x")) for n in range(20)]
    for op in ops:
        assert lab.ended(op).state == "done"
    applied = [call for call in lab.world.calls if call.startswith("apply")]
    assert applied == [f"apply k{n}" for n in range(20)]


def test_the_queue_survives_a_restart_in_its_order(lab: Lab) -> None:
    _hold(lab, "x")
    ops = [lab.submit(Do(plan_of=f"k{n}", claims="x")) for n in range(5)]
    lab.restart()
    _let_go(lab)
    lab.ended(ops[-1])
    applied = [call for call in lab.world.calls if call.startswith("apply k")]
    assert applied == [f"apply k{n}" for n in range(5)]


def test_a_delete_whose_target_was_renamed_while_it_waited_ends_undone(lab: Lab) -> None:
    lab.run(Do(plan_of="+p", pool="p"))
    lab.world.once["judge a"] = [Unclear("slow")]
    rename = lab.submit(OnPool(name="p", to="q"))
    delete = lab.submit(OnPool(name="p", step="gone"))
    assert lab.ended(rename).state == "done"
    view = lab.ended(delete)
    assert view.state == "undone"
    assert view.error is not None
    assert view.error.code == "not-found"
    assert lab.pool("q") is not None
    assert lab.world.count("judge gone") == 0
    assert lab.claims() == []


def test_two_at_once_would_run_without_claims(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control of the queue: with a blind `blocker` the second overtakes."""

    def blind(_tx: Tx, _op: str) -> str:
        return ""

    _hold(lab, "x")
    monkeypatch.setattr(claims, "blocker", blind)
    assert lab.run(Do(plan_of="a", claims="x")).state == "done"


def _slowly(lab: Lab) -> Done:
    lab.runtime.sleep(60)
    return Done()


def test_who_waits_for_an_operation_anyway_works_on_it_himself(lab: Lab) -> None:
    told: list[str] = []
    views: list[OperationView] = []

    def ask() -> None:
        views.append(lab.engine.submit(Do(plan_of="a"), begun=lambda op: told.append(lab.get(op).state)))

    lab.runtime.spawn("caller", ask)
    lab.until(lambda: bool(views))
    assert told == ["running"]
    assert views[0].state == "done"
    assert lab.get(views[0].id) == views[0]


def test_who_waits_leaves_it_to_the_threads_once_as_many_run(lab: Lab) -> None:
    lab.world.always["judge a"] = lambda _ctx: _slowly(lab)
    views: list[OperationView] = []

    def ask(n: int) -> None:
        views.append(lab.engine.submit(Do(plan_of="a", claims=f"c{n}"), begun=lambda _view: None))

    for n in range(4):
        lab.runtime.spawn(f"caller-{n}", functools.partial(ask, n))
    lab.until(lambda: bool(views))
    assert views[0].state == "running"
    lab.until(lambda: len(views) == 4)
    lab.ended(views[0].id)


def test_a_stop_waits_for_what_a_caller_works_on(lab: Lab) -> None:
    lab.world.always["judge a"] = lambda _ctx: _slowly(lab)
    stopped: list[bool] = []
    begun: list[str] = []

    def ask() -> None:
        lab.engine.submit(Do(plan_of="a"), begun=begun.append)

    lab.runtime.spawn("caller", ask)
    lab.until(lambda: bool(begun))
    lab.runtime.spawn("stop", lambda: stopped.append(lab.engine.stop(10)))
    lab.until(lambda: bool(stopped))
    assert stopped == [False]
