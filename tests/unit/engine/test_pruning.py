"""Finished operations go after 30 days; a resource keeps its last ten."""

from holdfast.model.step import Unclear
from holdfast.records import operations, steps
from tests.unit.engine.lab import Lab
from tests.unit.engine.world import Do


def _count(lab: Lab) -> int:
    return len(lab.records.read(operations.page))


def test_a_resource_keeps_its_last_ten(lab: Lab) -> None:
    ops = [lab.submit(Do(plan_of="a")) for _ in range(15)]
    lab.ended(ops[-1])
    lab.engine.prune()
    assert _count(lab) == 15
    lab.scheduler.wall_offset += 31 * 86400
    lab.engine.prune()
    assert [row.id for row in lab.records.read(operations.page)] == ops[:4:-1]
    assert lab.records.read(lambda tx: steps.of(tx, ops[0])) == []


def test_an_unfinished_one_is_never_pruned(lab: Lab) -> None:
    lab.world.always["judge a"] = Unclear("timeout")
    waits = lab.submit(Do(plan_of="a", claims="x/s"), allowance=0)
    ops = [lab.submit(Do(plan_of="b", claims="x/s")) for _ in range(15)]
    lab.ended(ops[-1])
    lab.scheduler.wall_offset += 31 * 86400
    lab.engine.prune()
    assert lab.get(waits).state == "parked"
    assert _count(lab) == 11


def test_beyond_the_most_the_oldest_go_whatever_their_age(lab: Lab) -> None:
    ops = [lab.submit(Do(plan_of="a", claims=f"c{n}")) for n in range(12) for _ in range(2)]
    for op in ops:
        lab.ended(op)
    pruned = lab.records.write(lambda tx: operations.prune(tx, before=0.0, most=20, keep=1))
    assert pruned == 4
    assert _count(lab) == 20
