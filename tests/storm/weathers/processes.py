"""Weathers that befall processes: the daemon, its fork server, its workers."""

import signal
import time

from tests.storm import settings
from tests.storm.processes import process, some_child
from tests.storm.storm import Storm


def killed(storm: Storm) -> None:
    """SIGKILL and start: nothing else is needed."""
    storm.kill()
    storm.again()
    storm.nobody_is_left()


def paused(storm: Storm) -> None:
    """SIGSTOP for longer than any deadline, then SIGCONT: it goes on."""
    with storm.stopped():
        time.sleep(settings.LONG)
    storm.lives()


def paused_and_killed(storm: Storm) -> None:
    """SIGSTOP, and SIGKILL while clients still wait: no answer is owed."""
    with storm.stopped():
        time.sleep(storm.chance.uniform(0.1, 1.0))
        storm.kill()
    storm.again()
    storm.nobody_is_left()


def worker_killed(storm: Storm) -> None:
    """A worker dies in the middle of its work: the daemon lives on, and looks what came of it."""
    with some_child(storm.daemon.fork_server) as worker:
        worker.signal(signal.SIGKILL)
    storm.lives()


def mkfs_killed(storm: Storm) -> None:
    """The same, of a worker that became mkfs."""
    with some_child(storm.daemon.fork_server, "mkfs") as worker:
        worker.signal(signal.SIGKILL)
    storm.lives()


def worker_hangs(storm: Storm) -> None:
    """A worker hangs past its deadline: the daemon kills it, and lives on."""
    while True:
        with some_child(storm.daemon.fork_server) as worker:
            if worker.stopped():
                assert worker.gone(settings.PATIENCE), "a worker that hangs outlives its deadline"
                break
    storm.lives()


def fork_server_killed(storm: Storm) -> None:
    """The fork server dies: the daemon ends at the next work for it, and is started anew."""
    with process(storm.daemon.fork_server) as server:
        server.signal(signal.SIGKILL)
        storm.ends()
    storm.again()
    storm.nobody_is_left()


def fork_server_paused(storm: Storm) -> None:
    """The fork server hangs for a while: what needs no worker is answered, and the rest goes on afterwards."""
    with process(storm.daemon.fork_server) as server:
        assert server.stopped(), "the fork server ended"
        time.sleep(storm.chance.uniform(0.5, 2.0))
        storm.lives()
    storm.lives()


def orphaned(storm: Storm) -> None:
    """The daemon is killed while its fork server hangs with what it has: that goes once it can."""
    with process(storm.daemon.fork_server) as server:
        assert server.stopped(), "the fork server ended"
        time.sleep(storm.chance.uniform(0.1, 0.5))
        storm.kill()
        storm.again()
        storm.lives()
    storm.nobody_is_left()
