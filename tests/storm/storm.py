"""What a weather has in its hands: the daemon, chance, the log, and what must hold whenever it is over."""

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager

from holdfast.client import Client
from tests.daemon import wait_until
from tests.storm import processes, settings
from tests.storm.log import Log
from tests.storm.place import StormDaemon

# The exit status of a daemon that cannot go on, and ends so that a restart can.
STOPPED = 70


class Storm:
    """See the module."""

    def __init__(self, daemon: StormDaemon) -> None:
        self.daemon = daemon
        self._empty: set[int] = set()
        self.chance = random.Random(settings.SEED)
        self.log = Log()
        self._pool_full = False
        self._pool_full_until = 0.0

    # -- the daemon --------------------------------------------------------------------------------

    def kill(self) -> None:
        """SIGKILL."""
        self.daemon.kill()
        self.log.kills += 1

    def again(self) -> None:
        """Start it: this succeeds."""
        self.daemon.start()
        self.started()

    def started(self) -> None:
        """Note a start that succeeded."""
        self.log.starts += 1
        with Client(self.daemon.address, settings.PATIENCE) as client:
            self.log.resumed += client.status().unfinished

    def lives(self) -> None:
        """The very process lives on and answers."""
        wait_until(self.daemon.answers, "the daemon answers", settings.PATIENCE)

    def ends(self) -> None:
        """It ends of its own accord, to be started anew."""
        status = self.daemon.ended(settings.PATIENCE)
        assert status == STOPPED, f"the daemon ended with status {status}"

    def nobody_is_left(self) -> None:
        """What belonged to daemons before this one goes with them; then the number of a session may be another's."""
        over = [session for session in self.daemon.sessions[:-1] if session not in self._empty]
        try:
            wait_until(lambda: not processes.of_sessions(over), "processes of dead daemons end", settings.PATIENCE)
        except AssertionError as error:
            raise AssertionError(f"{error}: left are {processes.of_sessions(over)}") from error
        self._empty.update(over)

    @contextmanager
    def stopped(self) -> Iterator[processes.Held]:
        """SIGSTOP; SIGCONT in the end."""
        with processes.process(self.daemon.pid) as process:
            assert process.stopped(), "the daemon ended"
            yield process

    # -- a full pool -------------------------------------------------------------------------------

    @contextmanager
    def pool_full(self) -> Iterator[None]:
        """From now on operations may end undone for want of space."""
        self._pool_full = True
        try:
            yield
        finally:
            self._pool_full_until = time.monotonic()
            self._pool_full = False

    def pool_was_full(self, since: float) -> bool:
        """At any moment since then."""
        return self._pool_full or self._pool_full_until >= since
