"""Queue and Watch under real threads."""

import threading
from collections import Counter

import msgspec
import pytest

from holdfast.engine.queue import Queue
from holdfast.engine.watch import Watch
from holdfast.model.operations import OperationView, ResourceRef
from holdfast.runtime.threads import ThreadRuntime

PATIENCE = 20.0


@pytest.fixture
def runtime() -> ThreadRuntime:
    return ThreadRuntime()


def test_no_operation_is_ever_in_two_threads_and_none_is_lost(runtime: ThreadRuntime) -> None:
    queue, guard = Queue(runtime), threading.Lock()
    inside: set[str] = set()
    ran: Counter[str] = Counter()
    clashes: list[str] = []

    def work() -> None:
        while (op := queue.take()) is not None:
            with guard:
                if op in inside:
                    clashes.append(op)
                inside.add(op)
                ran[op] += 1
                again = ran[op] < 50
            with guard:
                inside.discard(op)
            queue.put_back(op, 0.0 if again else None)

    workers = [runtime.spawn(f"w{n}", work) for n in range(8)]
    for _ in range(20):
        for n in range(10):
            queue.put(f"op{n}")
    end = runtime.monotonic() + PATIENCE
    while not (queue.idle and all(ran[f"op{n}"] >= 50 for n in range(10))) and runtime.monotonic() < end:
        runtime.sleep(0.005)
    queue.close()
    assert all(worker.join(PATIENCE) for worker in workers)
    assert clashes == []
    assert all(ran[f"op{n}"] >= 50 for n in range(10))


def test_what_is_put_while_it_runs_runs_once_more(runtime: ThreadRuntime) -> None:
    queue = Queue(runtime)
    queue.put("a")
    assert queue.take() == "a"
    queue.put("a")
    queue.put("a")
    queue.put("b")
    assert queue.take() == "b"
    queue.put_back("a", None)
    assert queue.take() == "a"
    queue.put_back("a", None)
    queue.put_back("b", None)
    assert queue.idle


def test_a_timer_fires_in_time_and_not_before(runtime: ThreadRuntime) -> None:
    queue = Queue(runtime)
    start = runtime.monotonic()
    queue.put("late", 0.2)
    queue.put("soon", 0.05)
    assert queue.take() == "soon"
    assert queue.take() == "late"
    assert 0.2 <= runtime.monotonic() - start < PATIENCE


def test_now_replaces_later(runtime: ThreadRuntime) -> None:
    queue = Queue(runtime)
    queue.put("a", 3600)
    queue.put("a")
    assert queue.take() == "a"
    queue.put_back("a", None)
    queue.put("end")
    assert queue.take() == "end"


def test_what_is_held_is_not_taken_and_what_runs_is_not_held(runtime: ThreadRuntime) -> None:
    queue = Queue(runtime)
    queue.put("a")
    queue.put("b")
    assert queue.hold("a")
    assert not queue.hold("a")
    assert queue.take() == "b"
    assert not queue.hold("b")
    queue.put("a")
    queue.put_back("a", None)
    assert queue.take() == "a", "what was put while it was held comes afterwards"


def test_close_lets_every_thread_go(runtime: ThreadRuntime) -> None:
    queue = Queue(runtime)
    answers: list[str | None] = []
    workers = [runtime.spawn(f"w{n}", lambda: answers.append(queue.take())) for n in range(4)]
    queue.close()
    assert all(worker.join(PATIENCE) for worker in workers)
    assert answers == [None] * 4


class Board:
    """Operations as a Watch reads them."""

    def __init__(self, runtime: ThreadRuntime) -> None:
        self.view = OperationView(
            id="op", kind="volume.create", state="running", direction="forward",
            resource=ResourceRef("volume", "u", "p/v"), created_at=0.0,
        )  # fmt: skip
        self.watch = Watch(runtime, lambda _op: self.view)

    def becomes(self, state: str) -> None:
        """As the journal tells."""
        self.view = msgspec.structs.replace(self.view, state=state)
        self.watch.changed("op", state, None)


def test_a_watcher_is_woken_by_the_end(runtime: ThreadRuntime) -> None:
    board = Board(runtime)
    seen: list[str] = []
    watchers = [runtime.spawn(f"w{n}", lambda: seen.append(board.watch.wait("op", PATIENCE).state)) for n in range(20)]
    while len(board.watch._listeners.get("op", ())) < 20:
        runtime.sleep(0.001)
    board.becomes("undoing")
    board.becomes("undone")
    assert all(watcher.join(PATIENCE) for watcher in watchers)
    assert seen == ["undone"] * 20
    assert board.watch._listeners == {}, "nobody stays on the list"


def test_a_parked_one_is_answered_at_once_unless_told_otherwise(runtime: ThreadRuntime) -> None:
    board = Board(runtime)
    board.becomes("parked")
    assert board.watch.wait("op", PATIENCE).state == "parked"
    start = runtime.monotonic()
    assert board.watch.wait("op", 0.05, parked=False).state == "parked"
    assert runtime.monotonic() - start >= 0.05


def test_no_change_between_the_look_and_the_wait_is_missed(runtime: ThreadRuntime) -> None:
    for _ in range(200):
        board = Board(runtime)
        ringer = runtime.spawn("ringer", lambda board=board: board.becomes("done"))  # type: ignore[misc]
        assert board.watch.wait("op", PATIENCE).state == "done"
        ringer.join(PATIENCE)


def test_ids_are_uuids_of_version_four(runtime: ThreadRuntime) -> None:
    ids = {runtime.new_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert all(len(one) == 32 and one[12] == "4" and one[16] in "89ab" for one in ids)
