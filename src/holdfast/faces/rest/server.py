"""uvicorn on a unix socket, and over TLS: listeners, the stop, and the word to the service manager."""

import asyncio
import contextlib
import logging
import os
import resource
import signal
import socket
import ssl
import stat
from collections.abc import Iterator
from typing import Any

import msgspec
import uvicorn
import uvloop

from holdfast.control.daemon import Daemon
from holdfast.faces.rest.app import LARGEST_BODY, application
from holdfast.faces.rest.auth import Access
from holdfast.faces.rest.calls import Calls
from holdfast.faces.rest.limits import Limited, Limits, protocol
from holdfast.faces.rest.metrics import Counts
from holdfast.faces.rest.refusing import LINGER
from holdfast.faces.rest.trail import Trail
from holdfast.model.errors import Invalid, Locked, Unavailable
from holdfast.notify import Notifier

# sun_path of unix(7), less the final zero.
LONGEST = 107
# Connections that wait to be accepted.
BACKLOG = 1024
# Seconds that requests under way get once the daemon is to stop; those that only wait are answered at once.
GRACE = 10
# Seconds for TLS to begin; until then a connection counts for no limit but this one.
HANDSHAKE = 5.0


class Listener(msgspec.Struct, frozen=True):
    """A bound socket; `path` of a unix one, `tls` of a TCP one."""

    socket: socket.socket
    path: str = ""
    tls: tuple[str, str] | None = None


class Face(msgspec.Struct, frozen=True):
    """What the face needs to know of the configuration. `body` in bytes, `group` the id of a group, or None."""

    limits: Limits = Limits()
    body: int = LARGEST_BODY
    access: dict[str, Any] = {}


class _Server(uvicorn.Server):
    """Where uvicorn does not ask: its own handlers would skip our stop, its listeners know no deadlines for TLS."""

    def __init__(self, config: uvicorn.Config, limits: Limits) -> None:
        super().__init__(config)
        self._limits = limits

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen. A handshake has a few seconds; a client that does not answer the end of TLS has one."""

        def connected() -> asyncio.Protocol:
            kind: Any = self.config.http_protocol_class
            made: asyncio.Protocol = kind(config=self.config, server_state=self.server_state, app_state={})
            return made

        tls = self.config.ssl
        begin, end = (min(self._limits.request, HANDSHAKE), LINGER) if tls else (None, None)
        loop = asyncio.get_running_loop()
        self.servers = [
            await loop.create_server(
                connected, sock=one, ssl=tls, backlog=BACKLOG, ssl_handshake_timeout=begin, ssl_shutdown_timeout=end
            )
            for one in sockets or ()
        ]
        self.started = True


def check_free(path: str) -> bool:
    """Whether there is a dead daemon's socket; raise Invalid for what is no socket, Locked for a living daemon's."""
    try:
        if not stat.S_ISSOCK(os.lstat(path).st_mode):
            raise Invalid(f"{path} exists and is not a socket.", "Choose another path with --listen.")
    except (FileNotFoundError, NotADirectoryError):
        return False
    with socket.socket(socket.AF_UNIX) as probe:
        if probe.connect_ex(path) == 0:
            raise Locked(f"A living daemon serves {path}.", "Stop it first, or choose another with --listen.")
    return True


def bind(path: str, group: int | None = None) -> Listener:
    """A listening socket at `path`; a socket of a dead daemon is replaced, a living one's is not."""
    if len(os.fsencode(path)) > LONGEST:
        raise Invalid(f"The socket's path {path} has more than {LONGEST} bytes.", "Choose a shorter one with --listen.")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if check_free(path):
        os.unlink(path)
    listener = socket.socket(socket.AF_UNIX)
    before = os.umask(0o177)
    try:
        listener.bind(path)
    finally:
        os.umask(before)
    if group is not None:
        os.chown(path, -1, group)
        os.chmod(path, 0o660)
    listener.listen(BACKLOG)
    return Listener(listener, path)


def bind_tcp(host: str, port: int, cert: str, key: str) -> Listener:
    """A listening TCP socket for TLS; raise Unavailable if the address cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise Unavailable(
            f"{host}:{port} cannot be listened on: {error.strerror}.", "Choose another in the configuration."
        ) from error
    listener.listen(BACKLOG)
    return Listener(listener, tls=(cert, key))


def _config(app: Any, listener: Listener, face: Face, access: Access) -> uvicorn.Config:
    kind: type[Limited] = protocol(face.limits, access, unix_=listener.tls is None)
    config = uvicorn.Config(
        app, http=kind, ws="none", loop="none", log_config=None, access_log=False, lifespan="off",
        timeout_graceful_shutdown=GRACE, timeout_keep_alive=int(face.limits.idle), server_header=False,
        proxy_headers=False,
    )  # fmt: skip
    # It warns of each client that speaks no HTTP, without a name: clients are told, and anybody could fill the log.
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
    config.load()
    if listener.tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(*listener.tls)
        config.ssl = context
    return config


def serve(daemon: Daemon, listeners: list[Listener], face: Face, counts: Counts, notifier: Notifier) -> None:
    """Serve until SIGTERM or SIGINT."""
    _raise_limit()
    try:
        uvloop.run(_serve(daemon, listeners, face, counts, notifier))
    finally:
        for listener in listeners:
            if listener.path:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(listener.path)


async def _serve(daemon: Daemon, listeners: list[Listener], face: Face, counts: Counts, notifier: Notifier) -> None:
    calls = Calls(daemon)
    access = Access(daemon.runtime, daemon.tokens, **face.access)
    app = application(calls, counts, Trail(daemon.runtime, daemon.state_dir.path), body=face.body)
    servers = [_Server(_config(app, listener, face, access), face.limits) for listener in listeners]

    def stop() -> None:
        notifier.stopping()
        calls.stop()
        for server in servers:
            server.should_exit = True

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    notifier.ready(f"serving {len(listeners)} listeners")
    dog = asyncio.ensure_future(_watchdog(calls, notifier))
    try:
        await asyncio.gather(
            *(server.serve(sockets=[listener.socket]) for server, listener in zip(servers, listeners, strict=True))
        )
    finally:
        dog.cancel()


async def _watchdog(calls: Calls, notifier: Notifier) -> None:
    """Alive means: the event loop turns, a thread is free, and the database answers."""
    interval = notifier.watchdog_interval
    while interval is not None:
        await calls.run(calls.daemon.engine.latest)
        notifier.alive()
        await asyncio.sleep(interval)


def _raise_limit() -> None:
    """As many descriptors as the system allows: a connection is one."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
