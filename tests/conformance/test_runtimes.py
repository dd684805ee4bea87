"""Threads and greenlets keep the same contract: what holds of the one's clocks and locks holds of the other's."""

import re
from collections.abc import Callable
from typing import TypeVar

import pytest

from holdfast.runtime.api import Runtime
from holdfast.runtime.simulated import Scheduler, SimulatedRuntime
from holdfast.runtime.threads import ThreadRuntime

T = TypeVar("T")
SOON, PATIENCE = 0.02, 20.0


class Threads:
    """The real one."""

    def __init__(self) -> None:
        self.runtime: Runtime = ThreadRuntime()

    def do(self, fn: Callable[[], T]) -> T:
        """On this thread."""
        return fn()


class Greenlets:
    """The simulated one."""

    def __init__(self) -> None:
        self._scheduler = Scheduler(3)
        self.runtime: Runtime = SimulatedRuntime(self._scheduler)

    def do(self, fn: Callable[[], T]) -> T:
        """As a task."""
        answers: list[T] = []
        self.runtime.spawn("test", lambda: answers.append(fn()))
        self._scheduler.run(lambda: bool(answers))
        return answers[0]


@pytest.fixture(params=[Threads, Greenlets], ids=["threads", "greenlets"])
def place(request: pytest.FixtureRequest) -> Threads | Greenlets:
    made: Threads | Greenlets = request.param()
    return made


def test_a_sleep_lasts_at_least_as_long_as_asked(place: Threads | Greenlets) -> None:
    runtime = place.runtime

    def sleep() -> tuple[float, float]:
        clocks = runtime.monotonic(), runtime.now()
        runtime.sleep(SOON)
        return runtime.monotonic() - clocks[0], runtime.now() - clocks[1]

    slept, told = place.do(sleep)
    assert slept >= SOON
    assert told >= SOON - 1e-3


def test_a_condition_keeps_all_but_one_out(place: Threads | Greenlets) -> None:
    runtime, inside, most = place.runtime, [0], [0]
    turn = runtime.condition()

    def enter() -> None:
        with turn:
            inside[0] += 1
            most[0] = max(most[0], inside[0])
            runtime.sleep(SOON / 10)
            inside[0] -= 1

    def race() -> bool:
        return all(task.join(PATIENCE) for task in [runtime.spawn(f"t{n}", enter) for n in range(5)])

    assert place.do(race)
    assert most == [1]


def test_a_wait_lets_others_in_ends_with_a_notify_and_tells_it_from_a_timeout(place: Threads | Greenlets) -> None:
    runtime = place.runtime
    bell, rung = runtime.condition(), [False]

    def ring() -> None:
        with bell:
            rung[0] = True
            bell.notify()

    def wait() -> tuple[bool, bool]:
        with bell:
            task = runtime.spawn("ring", ring)
            heard = rung[0] or bell.wait(PATIENCE)
            silent = bell.wait(SOON)
        assert task.join(PATIENCE)
        return heard, silent

    assert place.do(wait) == (True, False)


def test_notify_wakes_one_and_notify_all_the_rest(place: Threads | Greenlets) -> None:
    runtime, bell, woken = place.runtime, place.runtime.condition(), [0]
    waiting = [0]

    def sleeper() -> None:
        with bell:
            waiting[0] += 1
            bell.wait(PATIENCE)
            woken[0] += 1

    def conduct() -> tuple[int, int]:
        tasks = [runtime.spawn(f"s{n}", sleeper) for n in range(3)]
        while waiting[0] < 3:
            runtime.sleep(SOON / 10)
        with bell:
            bell.notify()
        while woken[0] < 1:
            runtime.sleep(SOON / 10)
        runtime.sleep(SOON)
        first = woken[0]
        with bell:
            bell.notify_all()
        assert all(task.join(PATIENCE) for task in tasks)
        return first, woken[0]

    assert place.do(conduct) == (1, 3)


def test_a_join_waits_for_the_end_and_says_when_it_gave_up(place: Threads | Greenlets) -> None:
    runtime, go = place.runtime, [False]

    def work() -> None:
        while not go[0]:
            runtime.sleep(SOON / 10)

    def join() -> tuple[bool, bool]:
        task = runtime.spawn("work", work)
        early = task.join(SOON)
        go[0] = True
        return early, task.join(PATIENCE)

    assert place.do(join) == (False, True)


def test_an_effect_lies_between_its_two_failpoints_and_an_error_at_the_first_prevents_it(
    place: Threads | Greenlets,
) -> None:
    runtime, seen = place.runtime, list[str]()
    runtime.hook = seen.append
    answer = place.do(lambda: runtime.effect("write", lambda: seen.append("done") or len(seen)))  # type: ignore[func-returns-value]  # append gives None
    assert (seen, answer) == (["write.before", "done", "write.after"], 2)

    def refuse(name: str) -> None:
        raise OSError(5, name)

    runtime.hook = refuse

    def broken() -> str:
        with pytest.raises(OSError, match=r"write\.before"):
            runtime.effect("write", lambda: seen.append("done"))
        return "told"

    assert place.do(broken) == "told"
    assert seen.count("done") == 1


def test_numbers_and_ids_are_of_the_same_kind(place: Threads | Greenlets) -> None:
    numbers = [place.runtime.random() for _ in range(200)]
    ids = {place.runtime.new_id() for _ in range(200)}
    assert all(0 <= number < 1 for number in numbers)
    assert len(ids) == 200
    assert all(re.fullmatch(r"[0-9a-f]{12}4[0-9a-f]{3}[89ab][0-9a-f]{15}", each) for each in ids)
