"""Labels that are too many are refused when their turn comes, and never in the outcome: that cannot be refused."""

from collections.abc import Iterator

import pytest

from holdfast.engine.codec import Codec
from holdfast.engine.engine import Engine
from holdfast.engine.request import Request
from holdfast.model.names import MOST_LABELS
from holdfast.model.operations import ENDED, OperationView
from holdfast.model.resources import Pool, PoolSpec, PoolStatus, Volume, VolumeSpec, VolumeStatus
from holdfast.operations.pool.change import PoolChange
from holdfast.operations.volume.label import VolumeLabel
from holdfast.records import claims, operations, resources
from holdfast.records.contract import Tx
from holdfast.records.sqlite import SqliteRecords
from holdfast.runtime.threads import ThreadRuntime
from tests.conformance.records.rows import operation


class Bench:
    def __init__(self) -> None:
        self.fatal: list[str] = []
        self.runtime = ThreadRuntime()
        self.records = SqliteRecords(self.runtime, "/labels", vfs="memdb")
        codec = Codec((VolumeLabel, PoolChange), ())
        self.engine = Engine(
            self.runtime, self.records, codec, {}, lambda _child: True, member="m", owner="m", fatal=self.fatal.append
        )

        def fill(tx: Tx) -> None:
            resources.insert(
                tx,
                Pool(
                    uid="p",
                    name="p",
                    created=1.0,
                    spec=PoolSpec(driver="dir", config={}),
                    status=PoolStatus(ready=True),
                ),
            )
            spec = VolumeSpec(size=1, content="directory")
            resources.insert(
                tx, Volume(uid="v", name="v", parent="p", created=1.0, operation="o", spec=spec, status=VolumeStatus())
            )

        self.records.write(fill)

    def hold(self, uid: str) -> None:
        def fn(tx: Tx) -> None:
            row = operations.insert(tx, operation("held", member="other"))
            claims.insert(tx, "held", row.seq, (claims.on_uid(uid),))

        self.records.write(fn)

    def let_go(self) -> list[str]:
        return self.records.write(lambda tx: claims.release(tx, "held"))

    def ended(self, op: str) -> OperationView:
        view = self.engine.watch.wait(op, 10)
        assert view.state in ENDED
        return view


@pytest.fixture
def bench() -> Iterator[Bench]:
    found = Bench()
    found.engine.start()
    yield found
    found.engine.stop()
    found.records.close()


def _labels(prefix: str, count: int) -> dict[str, str | None]:
    return {f"{prefix}{number}": "x" for number in range(count)}


@pytest.mark.parametrize("noun", ["volume", "pool"])
def test_two_changes_that_are_too_much_together_end_as_one_done_and_one_undone(bench: Bench, noun: str) -> None:
    def ask(labels: dict[str, str | None]) -> Request:
        if noun == "volume":
            return VolumeLabel(pool="p", name="v", labels=labels)
        return PoolChange(name="p", keep_limit=True, labels=labels)

    bench.hold(noun[0])
    half = MOST_LABELS // 2 + 1
    ops = [bench.engine.submit(ask(_labels(prefix, half))).id for prefix in "ab"]
    for op in bench.let_go():
        bench.engine._queue.put(op)
    first, second = (bench.ended(op) for op in ops)
    assert (first.state, second.state) == ("done", "undone")
    assert second.error is not None
    assert second.error.code == "invalid"
    assert bench.fatal == []
