"""A daemon that serves TCP too: a certificate made for the test, a free port, tokens."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from tests.daemon import RealDaemon, real_daemon, run
from tests.faces.wire import Answer, Wire, tls
from tests.needs import need, need_root


class Tcp:
    """`daemon` serves a unix socket and TLS on `port`; `ca` is the certificate's file."""

    def __init__(self, daemon: RealDaemon, limits: str = "", listen: str = "") -> None:
        self.daemon = daemon
        self.ca, key = str(daemon.root / "cert.pem"), str(daemon.root / "key.pem")
        run(
            need("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
            "-keyout", key, "-out", self.ca,
        )  # fmt: skip
        self.port = free_port()
        daemon.config = (
            f'[listen]\ntcp = "127.0.0.1:{self.port}"\ncert = "{self.ca}"\nkey = "{key}"\n{listen}\n'
            f"[limits]\n{limits}\n"
        )

    def connect(self) -> Wire:
        """A verified connection."""
        return tls(self.port, self.ca)

    def ask(self, token: str, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
        """One request on a connection of its own; an empty token is not sent."""
        bearer = {"Authorization": f"Bearer {token}"} if token else {}
        with self.connect() as wire:
            return wire.ask(method, path, body, **bearer, **headers)

    def token(self, name: str, role: str = "viewer", lifetime: float | None = None) -> str:
        """The secret of a new token, made over the unix socket."""
        with self.daemon.client() as client:
            return client.create_token(name, role, lifetime).secret  # type: ignore[arg-type]  # any role


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def tcp_daemon(limits: str = "", listen: str = "") -> Iterator[Tcp]:
    """Not started yet; `limits` and `listen` are lines of those tables of its configuration."""
    need_root()
    with real_daemon() as daemon:
        yield Tcp(daemon, limits, listen)
