"""Whether a daemon lives, and keeping one from starting: the state directory's lock, and the socket."""

import errno
import fcntl
import os
import socket

from holdfast.cli.local.own import LOCK, SOCKET
from holdfast.cli.local.places import Place
from holdfast.model.errors import Locked, Refused

# How long a full queue of connections may take to let a probe in, in seconds.
_PROBE = 2.0


def lock(state: Place) -> int:
    """Hold the directory as a daemon does, so that none starts; raise Locked if one lives."""
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        fd = os.open(LOCK, flags, 0o600, dir_fd=state.fd)
    except OSError as error:
        what = f"{state.path}/{LOCK} cannot be opened: {error.strerror}."
        raise Refused(what, "Is it a file, and the disk writable?") from error
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        there = state.info(LOCK)
        if there is None or not os.path.samestat(there, os.fstat(fd)):
            raise BlockingIOError  # another purge has just removed it
    except BlockingIOError:
        os.close(fd)
        raise Locked(
            f"A living holdfast daemon, or another purge, holds the state directory {state.path}.",
            "Stop it first, then purge again.",
        ) from None
    return fd


def check_silent(run: Place) -> None:
    """Raise Locked if a daemon still answers at the socket, as one whose state directory was taken away does."""
    if not run.is_socket(SOCKET):
        return
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(_PROBE)
        # Through the descriptor the path is short enough for a socket's, however long it is.
        code = probe.connect_ex(f"/proc/self/fd/{run.fd}/{SOCKET}")
    if code not in (errno.ECONNREFUSED, errno.ENOENT):  # a full queue has somebody who listens, too
        raise Locked(
            f"A living daemon serves {run.path}/{SOCKET}.",
            "Stop it first, then purge again; if it is another one, name this one's directory with --run.",
        )
