"""Real children, waited for at once: forked by the daemon's own fork server, and killed by a real SIGKILL.

The server is a small process of its own, so that a fork costs little, however large the process of the tests is.
"""

import atexit
import functools
import os
import signal
import threading
import time
from typing import Any, Literal, cast

from holdfast.host.forks import Child, ForkServer, Tool, Worker, Workers
from holdfast.host.tools import TOOLS
from holdfast.runtime.api import Condition
from holdfast.testing.sparse import extents

BLOCK = 4096
# Seconds.
LONGEST = 600.0

Said = tuple[bytes, int]
# Killed at its gate, before it did anything; with half of its writes done; with all done, and nothing said of it.
Moment = Literal["idle", "half", "mute"]


class Forks:
    """One fork server for the process of the tests; it ends with it, and its children with it."""

    def __init__(self) -> None:
        turn = cast("Condition", threading.Condition())
        self._server = ForkServer(turn)
        self._workers = Workers(turn, self._server)

    def run(self, name: str, args: dict[str, Any], fds: tuple[int, ...]) -> Said:
        """What the child said, and its exit status."""
        if name in TOOLS:
            tool = Tool(self._server, name, args, fds)
            try:
                return self._done(tool, name, args, fds)
            finally:
                tool.close()
        worker = self._workers.take()
        said = self._done(worker, name, args, fds)
        self._workers.put(worker)
        return said

    @staticmethod
    def _done(child: Child, name: str, args: dict[str, Any], fds: tuple[int, ...]) -> Said:
        child.begin(name, args, fds)
        raw, status = child.listen(LONGEST, time.monotonic)
        return raw, int(status or -signal.SIGKILL)

    def killed(self, name: str, args: dict[str, Any], fds: tuple[int, ...]) -> Said:
        """The same of one that is killed while it waits."""
        child = Tool(self._server, name, args, fds) if name in TOOLS else Worker(self._server)
        os.kill(child.identity.pid, signal.SIGKILL)
        try:
            raw, status = child.listen(LONGEST, time.monotonic)
            return raw, int(status or 0)
        finally:
            child.close()

    def close(self) -> None:
        """End it."""
        self._workers.close()
        self._server.close()


@functools.cache
def forks() -> Forks:
    """Started when the first child is wanted."""
    found = Forks()
    atexit.register(found.close)
    return found


def forked(name: str, args: dict[str, Any], fds: tuple[int, ...]) -> Said:
    """Do a piece of work in a forked process; what it said, and its exit status."""
    return forks().run(name, args, fds)


def killed(moment: Moment, name: str, args: dict[str, Any], fds: tuple[int, ...]) -> Said:
    """The same for a child that dies by SIGKILL; one that is "mute" was run before, and its end is all that is left."""
    if moment == "idle":
        return forks().killed(name, args, fds)
    if moment == "half":
        forked(name, args, fds)
        tear(fds[0])
    return b"", -signal.SIGKILL


def tear(image: int) -> None:
    """Take back the second half, by place, of what was written to an image that was blank.

    A tool that is really killed in its midst leaves something else each time. This is the same each time, and of all
    halves the one that lies most: the superblock at the front, with the right uuid, over nothing.
    """
    places = [at for start, end in extents(image) for at in range(start // BLOCK * BLOCK, end, BLOCK)]
    written = [at for at in places if os.pread(image, BLOCK, at).strip(b"\0")]
    for at in written[len(written) // 2 :]:
        os.pwrite(image, bytes(BLOCK), at)
