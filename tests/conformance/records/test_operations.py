"""Operations, steps, children, keys, meta: what the journal is made of."""

import pytest

from holdfast.model.errors import KeyReused
from holdfast.model.step import ChildIdentity
from holdfast.records import keys, meta, operations, steps
from holdfast.records.contract import Records, Tx
from holdfast.records.operations import StaleEpoch
from holdfast.records.steps import StepRow
from tests.conformance.records.rows import operation


def test_an_operation_comes_back_as_it_went_in_with_its_number(records: Records) -> None:
    put = records.write(lambda tx: operations.insert(tx, operation("a", created=1700000000.123456, spent=0.1)))
    assert put.seq == 1
    assert records.read(lambda tx: operations.get(tx, "a")) == put
    assert records.write(lambda tx: operations.insert(tx, operation("b"))).seq == 2
    assert records.read(lambda tx: operations.get(tx, "c")) is None


def test_a_change_under_the_current_epoch_is_made(records: Records) -> None:
    records.write(lambda tx: operations.insert(tx, operation("a")))
    records.write(lambda tx: operations.change(tx, "a", 1, state="parked", reason="r", next_try=2.5))
    row = records.read(lambda tx: operations.get(tx, "a"))
    assert row is not None
    assert (row.state, row.reason, row.next_try) == ("parked", "r", 2.5)


def test_a_stale_epoch_writes_nothing(records: Records) -> None:
    records.write(lambda tx: operations.insert(tx, operation("a")))
    assert records.write(lambda tx: operations.new_epoch(tx, "a")) == 2

    def fn(tx: Tx) -> None:
        steps.insert(tx, "a", StepRow(0, "{}"))
        operations.change(tx, "a", 1, state="done")

    with pytest.raises(StaleEpoch):
        records.write(fn)
    assert records.read(lambda tx: steps.of(tx, "a")) == []
    row = records.read(lambda tx: operations.get(tx, "a"))
    assert row is not None
    assert row.state == "queued"


def test_a_change_of_an_operation_that_is_gone_is_stale(records: Records) -> None:
    with pytest.raises(StaleEpoch):
        records.write(lambda tx: operations.change(tx, "a", 1, state="done"))


def test_the_unended_ones_of_a_member_come_oldest_first(records: Records) -> None:
    def fn(tx: Tx) -> None:
        for n, state in enumerate(["queued", "running", "done", "undoing", "parked", "undone", "abandoned"]):
            operations.insert(tx, operation(f"{9 - n}", state=state))
        operations.insert(tx, operation("x", member="other"))

    records.write(fn)
    assert [row.id for row in records.read(lambda tx: operations.unended(tx, "m"))] == ["9", "8", "6", "5"]


def test_pages_go_newest_first_by_state_and_resource(records: Records) -> None:
    def fn(tx: Tx) -> None:
        for n in range(6):
            operations.insert(tx, operation(str(n), state="done" if n % 2 else "queued", ref_uid=f"u{n % 3}"))

    records.write(fn)

    def ids(**which: object) -> list[str]:
        return [row.id for row in records.read(lambda tx: operations.page(tx, **which))]  # type: ignore[arg-type]

    assert ids() == ["5", "4", "3", "2", "1", "0"]
    assert ids(most=2) == ["5", "4"]
    assert ids(before=5, most=2) == ["3", "2"]
    assert ids(state="done") == ["5", "3", "1"]
    assert ids(ref="u0") == ["3", "0"]
    assert ids(state="done", ref="u0") == ["3"]


def test_pruning_keeps_the_last_of_each_resource_and_what_is_not_over(records: Records) -> None:
    def fn(tx: Tx) -> None:
        for n in range(5):
            operations.insert(tx, operation(f"u{n}", state="done", ended=10.0))
            steps.insert(tx, f"u{n}", StepRow(0, "{}"))
        operations.insert(tx, operation("v", state="done", ended=10.0, ref_uid="v"))
        for n in range(5):
            operations.insert(tx, operation(f"w{n}", state="parked" if n == 0 else "done", ended=99.0, ref_uid="w"))

    records.write(fn)
    assert records.write(lambda tx: operations.prune(tx, before=50.0, most=1000, keep=2)) == 3
    left = [row.id for row in records.read(operations.page)]
    assert left == ["w4", "w3", "w2", "w1", "w0", "v", "u4", "u3"]
    assert records.read(lambda tx: steps.of(tx, "u0")) == []
    assert len(records.read(lambda tx: steps.of(tx, "u4"))) == 1
    assert records.write(lambda tx: operations.prune(tx, before=0.0, most=6, keep=2)) == 2
    assert [row.id for row in records.read(operations.page)] == ["w4", "w3", "w0", "v", "u4", "u3"]


def test_steps_come_in_order_and_change_alone(records: Records) -> None:
    def fn(tx: Tx) -> None:
        for n in (10, 2, 1, 0):
            steps.insert(tx, "a", StepRow(n, f'{{"n":{n}}}'))
        steps.insert(tx, "b", StepRow(0, "{}"))

    records.write(fn)
    records.write(lambda tx: steps.change(tx, "a", 2, state="intent", attempt=3, baseline="{}"))
    found = records.read(lambda tx: steps.of(tx, "a"))
    assert [row.idx for row in found] == [0, 1, 2, 10]
    assert found[2] == StepRow(2, '{"n":2}', "intent", 3, "{}")
    assert records.read(lambda tx: steps.of(tx, "b")) == [StepRow(0, "{}")]


def test_children_are_kept_by_their_whole_identity(records: Records) -> None:
    children = [ChildIdentity(7, 1, "boot"), ChildIdentity(7, (1 << 62), "boot")]

    def fn(tx: Tx) -> None:
        for child in children:
            steps.add_child(tx, "a", child)

    records.write(fn)
    assert sorted(records.read(lambda tx: steps.children(tx, "a")), key=lambda c: c.start) == children
    records.write(lambda tx: steps.forget_children(tx, "a"))
    assert records.read(lambda tx: steps.children(tx, "a")) == []


def test_a_key_finds_its_operation_and_refuses_another_body(records: Records) -> None:
    records.write(lambda tx: keys.insert(tx, "me POST k", "body", "op", 10.0))
    assert records.read(lambda tx: keys.find(tx, "me POST k", "body")) == "op"
    assert records.read(lambda tx: keys.find(tx, "you POST k", "body")) == ""
    with pytest.raises(KeyReused):
        records.read(lambda tx: keys.find(tx, "me POST k", "other"))
    records.write(lambda tx: keys.prune(tx, 10.0))
    assert records.read(lambda tx: keys.find(tx, "me POST k", "body")) == "op"
    records.write(lambda tx: keys.prune(tx, 10.5))
    assert records.read(lambda tx: keys.find(tx, "me POST k", "body")) == ""


def test_meta_counts(records: Records) -> None:
    assert records.read(lambda tx: meta.get(tx, "counter")) == 0
    assert records.write(lambda tx: meta.advance(tx, "counter")) == 1
    assert records.write(lambda tx: meta.advance(tx, "counter")) == 2, "each fn ran twice, and counted once"
    records.write(lambda tx: meta.put(tx, "counter", 1 << 62))
    assert records.read(lambda tx: meta.get(tx, "counter")) == 1 << 62
