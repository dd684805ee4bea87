"""One operation is never in the hands of two threads: the epoch would not tell them apart."""

import threading

from holdfast.engine.queue import Queue
from holdfast.runtime.simulated import Scheduler, SimulatedRuntime
from holdfast.runtime.threads import ThreadRuntime


def test_an_operation_put_at_once_and_again_for_later_is_taken_once() -> None:
    runtime = ThreadRuntime()
    queue = Queue(runtime)
    queue.put("a")
    queue.put("a", 0.001)
    runtime.sleep(0.01)
    assert queue.take() == "a"
    queue.put_back("a", None)
    assert queue.idle


def test_what_is_put_while_it_runs_is_run_again_afterwards() -> None:
    queue = Queue(ThreadRuntime())
    queue.put("a")
    assert queue.take() == "a"
    queue.put("a")
    queue.put("b")
    assert queue.take() == "b"
    queue.put_back("a", 60)
    assert queue.take() == "a"


def test_what_runs_cannot_be_held() -> None:
    queue = Queue(ThreadRuntime())
    queue.put("a")
    assert queue.take() == "a"
    assert not queue.hold("a")
    queue.put_back("a", None)
    assert queue.hold("a")


def test_a_timer_is_minded_while_the_thread_that_minded_it_is_busy() -> None:
    scheduler = Scheduler(1)
    runtime = SimulatedRuntime(scheduler)
    queue, taken, waiting = Queue(runtime), dict[str, float](), [0]

    def work() -> None:
        while True:
            waiting[0] += 1
            op = queue.take()
            assert op is not None
            waiting[0] -= 1
            taken[op] = runtime.monotonic()
            runtime.sleep(1000 if op == "long" else 0.1)
            queue.put_back(op, None)

    for n in range(3):
        runtime.spawn(f"w{n}", work)
    scheduler.run(lambda: waiting[0] == 3, 1)
    due = runtime.monotonic() + 5
    queue.put("timer", 5.0)
    for op in ("short", "shorter", "long"):  # each wakes the thread that waits longest, the last one the timer's
        queue.put(op)
        scheduler.run(lambda: op in taken and waiting[0] == (2 if op == "long" else 3), 2)  # noqa: B023 - run at once
    scheduler.run(lambda: "timer" in taken, 100)
    assert taken["timer"] == due
    runtime.kill()
    runtime.unwind()


def test_a_caller_may_lead_one_itself_while_few_run_and_none_once_closed() -> None:
    queue = Queue(ThreadRuntime(), 3)
    for op in "abcde":
        queue.reserve(op)
    assert queue.lead("a", 2)
    assert not queue.hold("a")
    assert queue.lead("b", 2)
    assert not queue.lead("c", 2)
    queue.put_back("a", None)
    queue.put_back("c", 0.0)
    assert not queue.lead("d", 2), "another waits already"
    assert queue.take() == "c"
    assert queue.lead("d", 2)
    assert not queue.lead("e", 9), "three run"
    queue.put_back("d", None)
    queue.close()
    assert not queue.lead("e", 9)
    queue.put_back("e", None)
    queue.put_back("c", None)
    assert not queue.quiet(0.01)
    queue.put_back("b", None)
    assert queue.quiet(0.01)


def test_no_more_run_than_may_and_the_next_as_soon_as_one_is_put_back() -> None:
    queue, taken = Queue(ThreadRuntime(), 1), list[str | None]()
    for op in "ab":
        queue.put(op)
    assert queue.take() == "a"
    other = threading.Thread(target=lambda: taken.append(queue.take()))
    other.start()
    other.join(0.05)
    assert taken == []
    queue.put_back("a", None)
    other.join(10)
    assert taken == ["b"]


def test_what_is_reserved_is_not_taken_before_it_is_put_back_whoever_puts_it() -> None:
    queue = Queue(ThreadRuntime())
    queue.reserve("a")
    queue.put("a")
    queue.put("b")
    assert queue.take() == "b"
    assert not queue.hold("a")
    queue.put_back("a", None)
    assert queue.take() == "a"
