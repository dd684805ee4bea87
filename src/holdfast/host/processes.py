"""Who a process is: pid, start time and boot id together; and whether it is proven dead (proc_pid_stat(5))."""

import errno
import os
import select
import signal

from holdfast.model.step import ChildIdentity
from holdfast.runtime.api import Runtime

GRACE = 2.0
# linux/capability.h
CAP_SYS_RESOURCE = 24


def boot_id() -> str:
    """This boot's id."""
    with open("/proc/sys/kernel/random/boot_id") as file:
        return file.read().strip()


def is_capable(capability: int) -> bool:
    """Whether this process has a capability of that number (capabilities(7), linux/capability.h)."""
    with open("/proc/self/status") as file:
        held = next(line.split()[1] for line in file if line.startswith("CapEff:"))
    return bool(int(held, 16) >> capability & 1)


def start_time(pid: int) -> int | None:
    """The process's start in clock ticks since boot; None if there is none."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return int(file.read().rpartition(b")")[2].split()[19])
    except (FileNotFoundError, ProcessLookupError):
        return None


def prove_dead(runtime: Runtime, child: ChildIdentity, grace: float = GRACE) -> bool:
    """Kill the process if it lives; True once it is proven dead, False if it still is not after `grace` seconds.

    A zombie counts as dead: it executes nothing. A process in an unkillable sleep does not.
    """
    if child.boot != boot_id():
        return True
    try:
        fd = os.pidfd_open(child.pid)
    except ProcessLookupError:
        return True
    except OSError as error:
        # The number is a thread's of another process by now (EINVAL; ENOENT since Linux 6.15): ours is gone.
        if error.errno in (errno.EINVAL, errno.ENOENT):
            return True
        raise
    try:
        if start_time(child.pid) != child.start:
            return True
        try:
            runtime.effect("child.kill", lambda: signal.pidfd_send_signal(fd, signal.SIGKILL))
        except ProcessLookupError:
            return True
        poll = select.poll()  # select(2) knows no descriptor above 1023
        poll.register(fd, select.POLLIN)
        return bool(poll.poll(grace * 1000))
    finally:
        os.close(fd)
