"""uvicorn on a unix socket; who connects is asked of the kernel (SO_PEERCRED, unix(7))."""

import asyncio
import contextlib
import os
import signal
import socket
import stat
import struct
from collections.abc import Iterator
from typing import Any

import uvicorn
import uvloop
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from holdfast.control.daemon import Daemon
from holdfast.faces.rest.app import application
from holdfast.model.errors import Invalid, Locked

# sun_path of unix(7), less the final zero.
LONGEST = 107
_CREDENTIALS = struct.Struct("3i")


class _PeerProtocol(HttpToolsProtocol):
    """Puts the peer's uid where ASGI has the client's address."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        raw = transport.get_extra_info("socket").getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        pid, uid, _gid = _CREDENTIALS.unpack(raw)
        self.client = (f"uid:{uid}", pid)


class _Server(uvicorn.Server):
    """uvicorn's own handlers raise the signal again at the end, which would skip our stop."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        yield


def bind(path: str) -> socket.socket:
    """A listening socket at `path`; a socket of a dead daemon is replaced, a living one's is not."""
    if len(os.fsencode(path)) > LONGEST:
        raise Invalid(f"The socket's path {path} has more than {LONGEST} bytes.", "Choose a shorter one with --listen.")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with contextlib.suppress(FileNotFoundError):
        if not stat.S_ISSOCK(os.lstat(path).st_mode):
            raise Invalid(f"{path} exists and is not a socket.", "Choose another path with --listen.")
        with socket.socket(socket.AF_UNIX) as probe:
            if probe.connect_ex(path) == 0:
                raise Locked(f"A living daemon serves {path}.", "Stop it first, or choose another with --listen.")
        os.unlink(path)
    listener = socket.socket(socket.AF_UNIX)
    before = os.umask(0o177)
    try:
        listener.bind(path)
    finally:
        os.umask(before)
    listener.listen(1024)
    return listener


def serve(daemon: Daemon, listener: socket.socket, path: str) -> None:
    """Serve until SIGTERM or SIGINT."""
    config = uvicorn.Config(
        application(daemon), http=_PeerProtocol, loop="uvloop", log_config=None, access_log=False, lifespan="off",
        timeout_graceful_shutdown=10, server_header=False,
    )  # fmt: skip
    server = _Server(config)
    try:
        uvloop.run(server.serve(sockets=[listener]))
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
