"""Real children, waited for at once: forked by the daemon's own fork server, and killed by a real SIGKILL.

The server is a small process of its own, so that a fork costs little, however large the process of the tests is.
"""

import array
import atexit
import functools
import json
import os
import signal
import socket
import subprocess
import sys
from typing import Any, Literal

from holdfast.testing.sparse import extents

BLOCK = 4096

Said = tuple[bytes, int]
# Killed at its gate, before it did anything; with half of its writes done; with all done, and nothing said of it.
Moment = Literal["idle", "half", "mute"]


class ForkServer:
    """One for the process of the tests; it ends with it, and its children with it."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            number = theirs.fileno()
            command = [sys.executable, "-m", "holdfast.host.forkserver", str(number)]
            self._process = subprocess.Popen(command, pass_fds=(number,), stdin=subprocess.DEVNULL)
        self._socket = ours

    def run(self, name: str, args: dict[str, Any], fds: tuple[int, ...], *, kill: bool = False) -> Said:
        """What the child said, and its exit status; with `kill` it is killed while it waits at its gate."""
        gate_out, gate = os.pipe()
        answer, answer_in = os.pipe()
        status, status_in = os.pipe()
        try:
            try:
                pid = self._fork(name, args, (gate_out, answer_in, status_in, *fds))
            finally:
                for fd in (gate_out, answer_in, status_in):
                    os.close(fd)
            if kill:
                os.kill(pid, signal.SIGKILL)
            else:
                os.write(gate, b"g")
            raw = b"".join(iter(lambda: os.read(answer, 65536), b""))
            return raw, int(os.read(status, 64))
        finally:
            for fd in (gate, answer, status):
                os.close(fd)

    def _fork(self, name: str, args: dict[str, Any], fds: tuple[int, ...]) -> int:
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))]
        self._socket.sendmsg([json.dumps({"work": name, "args": args}).encode()], rights)
        return int(json.loads(self._socket.recv(4096))["pid"])

    def close(self) -> None:
        """End it."""
        self._socket.close()
        self._process.wait(10)


@functools.cache
def server() -> ForkServer:
    """Started when the first child is wanted."""
    found = ForkServer()
    atexit.register(found.close)
    return found


def forked(name: str, args: dict[str, Any], fds: tuple[int, ...]) -> Said:
    """Do a piece of work in a forked process; what it said, and its exit status."""
    return server().run(name, args, fds)


def killed(moment: Moment, name: str, args: dict[str, Any], fds: tuple[int, ...]) -> Said:
    """The same for a child that dies by SIGKILL; one that is "mute" was run before, and its end is all that is left."""
    if moment == "idle":
        return server().run(name, args, fds, kill=True)
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
