"""Claims: shared and exclusive, strictly first come first served."""

from holdfast.records import claims, operations
from holdfast.records.claims import Claim, on_name, on_uid
from holdfast.records.contract import Records, Tx
from tests.conformance.records.rows import operation


def _queue(records: Records, op: str, *wanted: Claim) -> None:
    def fn(tx: Tx) -> None:
        row = operations.insert(tx, operation(op))
        claims.insert(tx, op, row.seq, wanted)

    records.write(fn)


def _blocker(records: Records, op: str) -> str:
    return records.read(lambda tx: claims.blocker(tx, op))


def test_an_exclusive_claim_bars_every_later_one(records: Records) -> None:
    _queue(records, "a", on_uid("x"))
    _queue(records, "b", on_uid("x"))
    _queue(records, "c", on_uid("x", "shared"))
    assert [_blocker(records, op) for op in "ab"] == ["", "a"]
    assert _blocker(records, "c") in ("a", "b")


def test_shared_claims_bar_only_exclusive_ones(records: Records) -> None:
    _queue(records, "a", on_uid("x", "shared"))
    _queue(records, "b", on_uid("x", "shared"))
    _queue(records, "c", on_uid("x"))
    assert _blocker(records, "b") == ""
    assert _blocker(records, "c") in ("a", "b")


def test_a_later_shared_one_does_not_overtake_a_waiting_exclusive_one(records: Records) -> None:
    _queue(records, "a", on_uid("x", "shared"))
    _queue(records, "b", on_uid("x"))
    _queue(records, "c", on_uid("x", "shared"))
    assert _blocker(records, "c") == "b"


def test_names_and_uids_and_parents_are_apart(records: Records) -> None:
    _queue(records, "a", on_uid("x"), on_name("p", "x"))
    _queue(records, "b", on_name("q", "x"), on_uid("y"))
    assert _blocker(records, "b") == ""


def test_a_release_names_who_may_be_next_oldest_first(records: Records) -> None:
    _queue(records, "a", on_uid("x"), on_uid("y"))
    _queue(records, "c", on_uid("y"))
    _queue(records, "b", on_uid("x"), on_uid("y"))
    _queue(records, "d", on_uid("z"))
    assert records.write(lambda tx: claims.release(tx, "a")) == ["c", "b"]
    assert _blocker(records, "c") == ""
    assert _blocker(records, "b") == "c"
    left = [(op, item) for op, item, _mode in records.read(claims.held)]
    assert sorted(left) == [("b", "uid:x"), ("b", "uid:y"), ("c", "uid:y"), ("d", "uid:z")]


def test_a_release_never_names_one_that_runs(records: Records) -> None:
    _queue(records, "a", on_uid("x", "shared"))
    _queue(records, "b", on_uid("x", "shared"))
    records.write(lambda tx: operations.change(tx, "b", 1, state="running"))
    assert records.write(lambda tx: claims.release(tx, "a")) == []
