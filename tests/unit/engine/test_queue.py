"""One operation is never in the hands of two threads: the epoch would not tell them apart."""

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


def test_a_caller_may_begin_one_itself_while_few_run_and_none_once_closed() -> None:
    queue = Queue(ThreadRuntime())
    assert queue.begin("a", 2)
    assert not queue.hold("a")
    assert queue.begin("b", 2)
    assert not queue.begin("c", 2)
    queue.put_back("a", None)
    queue.put("c")
    assert queue.take() == "c"
    queue.put_back("c", None)
    queue.close()
    assert not queue.begin("d", 2)
    assert not queue.quiet(0.01)
    queue.put_back("b", None)
    assert queue.quiet(0.01)
