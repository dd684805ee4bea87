"""One operation is never in the hands of two threads: the epoch would not tell them apart."""

from holdfast.engine.queue import Queue
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
