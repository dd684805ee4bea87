"""Processes as the kernel tells of them in /proc: children, states, members of a session (proc_pid_stat(5))."""

import contextlib
import os
import select
import signal
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.storm.settings import PATIENCE


def _stat(pid: int) -> tuple[str, list[str]]:
    """Name, and the fields from the state on; raises OSError if there is no such process."""
    text = Path(f"/proc/{pid}/stat").read_text()
    head, _, rest = text.rpartition(")")
    return head.partition("(")[2], rest.split()


def state(pid: int) -> str:
    """One letter; Z as well for a process that is not there at all."""
    try:
        return _stat(pid)[1][0]
    except OSError:
        return "Z"


def _runs(pid: int, name: str) -> bool:
    try:
        found, fields = _stat(pid)
    except OSError:
        return False
    return found.startswith(name) and fields[0] != "Z"


def children(pid: int) -> list[int]:
    """The children of all its threads."""
    found: list[int] = []
    for file in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found += [int(word) for word in file.read_text().split()]
    return found


def has_work(pid: int) -> bool:
    """Whether a child of the fork server holds what it was given for its work: a worker has its socket as 3."""
    with contextlib.suppress(OSError):
        return any(int(entry.name) > 3 for entry in Path(f"/proc/{pid}/fd").iterdir())
    return False


def idle(fork_server: int) -> set[int]:
    """Workers that are kept for the next work."""
    return {pid for pid in children(fork_server) if _runs(pid, "python") and not has_work(pid)}


def of_sessions(sessions: Iterable[int]) -> list[str]:
    """The living processes in these sessions."""
    wanted, found = set(sessions), []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            name, fields = _stat(int(entry.name))
            if int(fields[3]) in wanted and fields[0] != "Z":
                found.append(f"{entry.name} {name}")
    return found


class Held:
    """A process that is held by a descriptor, so that no other is ever meant."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._fd = os.pidfd_open(pid)

    def signal(self, number: signal.Signals) -> None:
        """Send it, if the process is still there."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._fd, number)

    def stopped(self) -> bool:
        """Send SIGSTOP and wait for it; False if the process or its work ended before."""
        self.signal(signal.SIGSTOP)
        end = time.monotonic() + PATIENCE
        while state(self.pid) not in "TZ":
            assert time.monotonic() < end, f"process {self.pid} does not stop"
            time.sleep(0.002)
        return not self.gone(0) and has_work(self.pid)

    def gone(self, seconds: float) -> bool:
        """Whether it ends within so many seconds."""
        poll = select.poll()
        poll.register(self._fd, select.POLLIN)
        return bool(poll.poll(seconds * 1000))

    def close(self) -> None:
        """Let go."""
        os.close(self._fd)


def _holding(pid: int) -> Held | None:
    try:
        return Held(pid)
    except ProcessLookupError:
        return None


def _next_child(parent: int, name: str) -> Held:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        for pid in children(parent):
            child = _holding(pid)
            if child is not None and pid in children(parent) and _runs(pid, name) and has_work(pid):
                return child
            if child is not None:
                child.close()
        time.sleep(0.0002)
    raise AssertionError(f"process {parent} has no child {name}".rstrip())


@contextlib.contextmanager
def held(process: Held) -> Iterator[Held]:
    """Hold it; in the end it goes on, whatever happened."""
    try:
        yield process
    finally:
        process.signal(signal.SIGCONT)
        process.close()


def process(pid: int) -> contextlib.AbstractContextManager[Held]:
    """This one."""
    return held(Held(pid))


def some_child(parent: int, name: str = "") -> contextlib.AbstractContextManager[Held]:
    """Whichever child of `parent` is next seen at work, of those whose name begins so."""
    return held(_next_child(parent, name))
