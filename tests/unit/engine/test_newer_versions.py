"""A step or request of a newer Holdfast parks its operation, and stops nothing else."""

import pytest

from holdfast.engine.codec import Codec
from holdfast.model.errors import WrongState
from holdfast.model.step import Unclear
from tests.unit.engine.lab import Lab
from tests.unit.engine.world import Do, OnPool, Put, PutPivot

OLD = Codec((Do, OnPool), (Put, PutPivot))


def _begun_by_a_newer_one(lab: Lab) -> str:
    lab.world.once["judge c"] = [Unclear("timeout")] * 3
    op = lab.submit(Do(plan_of="+a c"))
    lab.parked(op)
    lab.restart(known=OLD)
    return op


def test_its_operation_parks_and_others_go_on(lab: Lab) -> None:
    op = _begun_by_a_newer_one(lab)
    lab.until(lambda: "newer Holdfast" in lab.get(op).reason)
    assert lab.get(op).state == "parked"
    assert lab.get(op).steps[0].summary == "a step of a newer Holdfast"
    assert lab.run(Do(plan_of="b", claims="other")).state == "done"


def test_the_newer_version_ends_it(lab: Lab) -> None:
    op = _begun_by_a_newer_one(lab)
    lab.until(lambda: "newer Holdfast" in lab.get(op).reason)
    lab.restart()
    assert lab.ended(op).state == "done"


def test_it_can_be_abandoned_but_not_cancelled(lab: Lab) -> None:
    op = _begun_by_a_newer_one(lab)
    lab.until(lambda: "newer Holdfast" in lab.get(op).reason)
    with pytest.raises(WrongState, match="newer Holdfast"):
        lab.engine.exits.cancel(op)
    lab.engine.exits.abandon(op, "the newer version is gone")
    assert lab.get(op).state == "abandoned"
    assert lab.claims() == []


def test_a_queued_request_of_a_newer_version_parks_too(lab: Lab) -> None:
    lab.world.always["judge a"] = Unclear("timeout")
    lab.submit(Do(plan_of="a"))
    op = lab.submit(Do(plan_of="b"))
    lab.restart(known=Codec((OnPool,), (Put,)))
    lab.until(lambda: "newer Holdfast" in lab.get(op).reason)
    with pytest.raises(WrongState, match="newer Holdfast"):
        lab.engine.exits.abandon(op, "why not")
    lab.restart()
    lab.world.always.clear()
    assert lab.ended(op).state == "done"
