"""The simulated universe: the seed decides, time is virtual, and the dead have no effect."""

from collections.abc import Callable

import pytest

from holdfast.runtime.api import Killed
from holdfast.runtime.simulated import Deadlock, Scheduler, SimulatedRuntime


def _trace(seed: int) -> list[str]:
    """Five tasks that contend for a lock, sleep and draw; what happened, in order."""
    scheduler = Scheduler(seed)
    runtime = SimulatedRuntime(scheduler)
    turn, seen, ended = runtime.condition(), list[str](), list[int]()

    def work(n: int) -> None:
        for _ in range(5):
            runtime.sleep(runtime.random())
            with turn:
                seen.append(f"{n} {runtime.monotonic():.6f} {runtime.new_id()}")
                turn.notify_all()
                turn.wait(0.1)
        ended.append(n)

    for n in range(5):
        runtime.spawn(f"t{n}", lambda n=n: work(n))  # type: ignore[misc]
    scheduler.run(lambda: len(ended) == 5)
    return seen


def test_the_same_seed_gives_the_same_trace() -> None:
    assert _trace(7) == _trace(7)


def test_another_seed_gives_another() -> None:
    assert _trace(7) != _trace(8)


def test_time_is_virtual_and_exact() -> None:
    scheduler = Scheduler(1)
    runtime = SimulatedRuntime(scheduler)
    task = runtime.spawn("sleeper", lambda: runtime.sleep(86400 * 365))
    scheduler.run(lambda: not runtime.tasks)
    assert scheduler.clock == 86400 * 365
    assert getattr(task, "finished", False)


def test_the_wall_clock_jumps_and_the_monotonic_one_does_not() -> None:
    scheduler = Scheduler(1)
    runtime = SimulatedRuntime(scheduler)
    wall, monotonic = runtime.now(), runtime.monotonic()
    scheduler.wall_offset -= 1e6
    assert runtime.now() == wall - 1e6
    assert runtime.monotonic() == monotonic


def test_a_task_that_ends_wakes_nobody_not_even_its_spawner() -> None:
    """A greenlet that ends goes on in its parent, which must be the scheduler."""
    scheduler = Scheduler(1)
    runtime = SimulatedRuntime(scheduler)
    woke: list[float] = []

    def spawner() -> None:
        runtime.spawn("child", lambda: runtime.sleep(1))
        runtime.sleep(100)
        woke.append(runtime.monotonic())

    runtime.spawn("spawner", spawner)
    scheduler.run(lambda: not runtime.tasks)
    assert woke == [100]


def test_a_wait_ends_by_a_notify_or_by_its_timeout() -> None:
    scheduler = Scheduler(1)
    runtime = SimulatedRuntime(scheduler)
    turn, answers = runtime.condition(), list[tuple[bool, float]]()

    def waiter(timeout: float | None) -> None:
        with turn:
            answers.append((turn.wait(timeout), runtime.monotonic()))

    def ringer() -> None:
        runtime.sleep(10)
        with turn:
            turn.notify_all()

    runtime.spawn("short", lambda: waiter(5))
    runtime.spawn("long", lambda: waiter(50))
    runtime.spawn("ever", lambda: waiter(None))
    runtime.spawn("ringer", ringer)
    scheduler.run(lambda: not runtime.tasks)
    assert sorted(answers) == [(False, 5), (True, 10), (True, 10)]


def test_a_wait_for_what_can_never_come_is_a_deadlock() -> None:
    scheduler = Scheduler(1)
    runtime = SimulatedRuntime(scheduler)
    turn = runtime.condition()

    def waits() -> None:
        with turn:
            turn.wait()

    runtime.spawn("waiter", waits)
    with pytest.raises(Deadlock):
        scheduler.run(lambda: not runtime.tasks)
    runtime.kill()
    runtime.unwind()


def test_an_error_of_a_task_reaches_the_test() -> None:
    scheduler = Scheduler(1)
    runtime = SimulatedRuntime(scheduler)
    runtime.spawn("fails", lambda: 1 // 0)  # type: ignore[arg-type]
    with pytest.raises(ZeroDivisionError):
        scheduler.run(lambda: False)


def _dying(effects: list[str], deaths: list[str]) -> SimulatedRuntime:
    """An incarnation whose task tries everything in its `finally`; killed while it sleeps."""
    scheduler = Scheduler(1)
    runtime = SimulatedRuntime(scheduler)
    turn = runtime.condition()

    def locks() -> None:
        with turn:
            effects.append("lock")

    def work() -> None:
        try:
            runtime.sleep(1000)
            effects.append("went on")
        finally:
            acts: dict[str, Callable[[], object]] = {
                "effect": lambda: runtime.effect("x", lambda: effects.append("effect")),
                "failpoint": lambda: runtime.failpoint("x"),
                "sleep": lambda: runtime.sleep(1),
                "lock": locks,
                "spawn": lambda: runtime.spawn("other", lambda: effects.append("spawned")),
            }
            for name, act in acts.items():
                try:
                    act()
                except Killed:
                    deaths.append(name)

    runtime.spawn("worker", work)
    bystander = SimulatedRuntime(scheduler)
    bystander.spawn("clock", lambda: bystander.sleep(10))
    scheduler.run(lambda: not bystander.tasks)
    return runtime


def test_a_killed_incarnation_has_no_effect_while_its_finally_runs() -> None:
    effects: list[str] = []
    deaths: list[str] = []
    runtime = _dying(effects, deaths)
    runtime.kill()
    runtime.unwind()
    assert deaths == ["effect", "failpoint", "sleep", "lock", "spawn"]
    assert effects == []
    assert not runtime.tasks


def test_without_the_kill_the_same_finally_has_effects() -> None:
    """The negative control: unwound alive, it does all of that."""
    effects: list[str] = []
    deaths: list[str] = []
    runtime = _dying(effects, deaths)
    runtime.scheduler.run(lambda: not runtime.tasks)
    assert deaths == []
    assert sorted(effects) == ["effect", "lock", "spawned", "went on"]


def test_a_failpoint_that_is_the_death_keeps_its_effect_from_happening() -> None:
    runtime = SimulatedRuntime(Scheduler(1))
    effects: list[str] = []
    runtime.hook = lambda name: runtime.kill() if name == "x.before" else None
    with pytest.raises(Killed):
        runtime.effect("x", lambda: effects.append("x"))
    assert effects == []


def test_a_death_after_the_effect_still_hides_its_answer() -> None:
    runtime = SimulatedRuntime(Scheduler(1))
    effects: list[str] = []
    runtime.hook = lambda name: runtime.kill() if name == "x.after" else None
    with pytest.raises(Killed):
        runtime.effect("x", lambda: effects.append("x"))
    assert effects == ["x"]


def test_other_incarnations_go_on() -> None:
    scheduler = Scheduler(1)
    dead, alive = SimulatedRuntime(scheduler), SimulatedRuntime(scheduler)
    seen: list[str] = []
    for name, runtime in (("dead", dead), ("alive", alive)):

        def work(name: str = name, runtime: SimulatedRuntime = runtime) -> None:
            runtime.sleep(10)
            seen.append(name)

        runtime.spawn(name, work)
    dead.kill()
    scheduler.run(lambda: not alive.tasks)
    dead.unwind()
    assert seen == ["alive"]
