"""Who is killed, and what counts as dead: pid, start time and boot id together."""

import contextlib
import os
import resource
import signal
import subprocess
import threading
from collections.abc import Iterator

import pytest

from holdfast.host import processes
from holdfast.model.step import ChildIdentity
from holdfast.runtime.threads import ThreadRuntime


@contextlib.contextmanager
def sleeper() -> Iterator[tuple[subprocess.Popen[bytes], ChildIdentity]]:
    """A process, and who it is."""
    process = subprocess.Popen(["sleep", "60"])
    try:
        start = processes.start_time(process.pid)
        assert start is not None
        yield process, ChildIdentity(process.pid, start, processes.boot_id())
    finally:
        process.kill()
        process.wait()


def test_a_living_child_is_killed_and_then_proven_dead(runtime: ThreadRuntime) -> None:
    with sleeper() as (process, child):
        assert processes.prove_dead(runtime, child)
        assert process.wait(5) == -signal.SIGKILL


def test_a_zombie_is_dead(runtime: ThreadRuntime) -> None:
    with sleeper() as (process, child):
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert processes.prove_dead(runtime, child)


def test_a_pid_that_is_another_process_by_now_is_proof_and_that_process_lives_on(
    runtime: ThreadRuntime,
) -> None:
    with sleeper() as (process, child):
        assert processes.prove_dead(runtime, ChildIdentity(child.pid, child.start - 1, child.boot))
        assert process.poll() is None


def test_a_child_of_another_boot_is_dead_whoever_has_its_pid_now(runtime: ThreadRuntime) -> None:
    with sleeper() as (process, child):
        assert processes.prove_dead(runtime, ChildIdentity(child.pid, child.start, "another-boot"))
        assert process.poll() is None


def test_a_pid_that_nobody_has_is_proof(runtime: ThreadRuntime) -> None:
    with sleeper() as (process, child):
        process.kill()
        process.wait()
        assert processes.prove_dead(runtime, child)


def test_a_pid_that_is_a_thread_of_another_process_by_now_is_proof(runtime: ThreadRuntime) -> None:
    ended = threading.Event()
    thread = threading.Thread(target=ended.wait)
    thread.start()
    try:
        assert thread.native_id is not None
        assert processes.prove_dead(runtime, ChildIdentity(thread.native_id, 1, processes.boot_id()))
    finally:
        ended.set()
        thread.join()


def test_a_process_that_does_not_die_in_time_is_not_proven_dead(
    runtime: ThreadRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An unkillable sleep, as far as the caller can tell: the signal has no effect."""
    monkeypatch.setattr(signal, "pidfd_send_signal", lambda *_: None)
    with sleeper() as (process, child):
        assert not processes.prove_dead(runtime, child, grace=0.1)
        assert process.poll() is None


def test_death_is_proven_beside_thousands_of_open_descriptors(runtime: ThreadRuntime) -> None:
    """select(2) knows none above 1023."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
    held = [os.open("/dev/null", os.O_RDONLY) for _ in range(1100)]
    try:
        with sleeper() as (_, child):
            assert processes.prove_dead(runtime, child, 10)
    finally:
        for fd in held:
            os.close(fd)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
