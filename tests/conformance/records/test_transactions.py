"""What a transaction promises, whoever else writes at the same moment."""

import threading
from collections.abc import Callable

import pytest

from holdfast.model.errors import Exists, NotFound
from holdfast.model.resources import Volume
from holdfast.records import meta, operations, resources
from holdfast.records.contract import Records, Tx
from tests.conformance.records.conftest import Open
from tests.conformance.records.rows import operation, volume


def _together(count: int, fn: Callable[[int], object]) -> list[object]:
    """Run `fn(n)` on that many threads at once; their answers or errors."""
    answers: list[object] = [None] * count
    gate = threading.Barrier(count)

    def run(n: int) -> None:
        gate.wait()
        try:
            answers[n] = fn(n)
        except Exception as error:  # noqa: BLE001 - looked at by the test
            answers[n] = error

    threads = [threading.Thread(target=run, args=(n,)) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_every_fn_runs_twice_and_counts_once(records: Records) -> None:
    runs: list[int] = []

    def fn(tx: Tx) -> int:
        runs.append(1)
        return meta.advance(tx, "n")

    assert records.write(fn) == 1
    assert len(runs) == 2


def test_what_raised_left_nothing(records: Records) -> None:
    def fn(tx: Tx) -> None:
        resources.insert(tx, volume("v", "v"))
        raise NotFound("no")

    with pytest.raises(NotFound):
        records.write(fn)
    assert records.read(lambda tx: resources.page(tx, Volume)) == []
    assert records.write(lambda tx: meta.advance(tx, "n")) == 1


def test_what_a_read_writes_is_rolled_back(records: Records) -> None:
    assert records.read(lambda tx: meta.advance(tx, "n")) == 1
    assert records.read(lambda tx: meta.get(tx, "n")) == 0


def test_a_read_that_raised_harms_nobody(records: Records) -> None:
    with pytest.raises(ZeroDivisionError):
        records.read(lambda _tx: 1 // 0)
    assert records.write(lambda tx: meta.advance(tx, "n")) == 1


def test_many_threads_lose_no_update(records: Records) -> None:
    answers = _together(16, lambda _n: [records.write(lambda tx: meta.advance(tx, "n")) for _ in range(10)])
    assert sorted(value for some in answers for value in some) == list(range(1, 161))  # type: ignore[attr-defined]


def test_the_error_of_one_does_not_harm_the_others(records: Records) -> None:
    records.write(lambda tx: resources.insert(tx, volume("v", "taken")))

    def one(n: int) -> None:
        name = "taken" if n % 3 == 0 else f"v{n}"
        records.write(lambda tx: resources.insert(tx, volume(f"u{n}", name)))

    answers = _together(24, one)
    assert [n for n, answer in enumerate(answers) if isinstance(answer, Exists)] == list(range(0, 24, 3))
    assert [answer for answer in answers if answer is not None and not isinstance(answer, Exists)] == []
    assert records.read(lambda tx: len(resources.page(tx, Volume))) == 17


def test_of_many_that_want_one_name_one_gets_it(records: Records) -> None:
    answers = _together(12, lambda n: records.write(lambda tx: resources.insert(tx, volume(f"u{n}", "same"))))
    assert sum(answer is None for answer in answers) == 1
    assert sum(isinstance(answer, Exists) for answer in answers) == 11


def test_numbers_of_the_queue_have_no_holes_and_no_twins(records: Records) -> None:
    answers = _together(12, lambda n: records.write(lambda tx: operations.insert(tx, operation(f"o{n}"))).seq)
    assert sorted(answers) == list(range(1, 13))  # type: ignore[type-var]


def test_it_is_all_there_after_a_restart(open_records: Open) -> None:
    first = open_records()
    first.write(lambda tx: resources.insert(tx, volume("v", "v")))
    first.close()
    assert [found.name for found in open_records().read(lambda tx: resources.page(tx, Volume))] == ["v"]
