"""HTTP as bytes on a socket: what a well-behaved client would not send, and answers as they come."""

import contextlib
import json
import select
import socket
import ssl
from collections.abc import Iterator
from typing import Any

import msgspec

from tests.daemon import PATIENCE, RealDaemon

PROBLEM = "application/problem+json"


class Answer(msgspec.Struct, frozen=True):
    """One answer; names of headers in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def kind(self) -> str:
        """The media type without parameters."""
        return self.headers.get("content-type", "").partition(";")[0]

    @property
    def said(self) -> Any:
        """The body as JSON, None if there is none."""
        return json.loads(self.body) if self.body else None

    def problem(self, status: int, code: str = "") -> dict[str, Any]:
        """It is that problem, whole, and says what to do next."""
        assert (self.status, self.kind) == (status, PROBLEM), (self.status, self.headers, self.body[:500])
        said = dict(self.said)
        assert {"type", "title", "status", "detail", "code", "hint"} == set(said)
        assert said["status"] == status
        assert said["type"] == f"urn:holdfast:{said['code']}"
        assert said["detail"]
        assert said["hint"], said
        assert not code or said["code"] == code, said
        return said


class Wire:
    """One connection; `receive` waits at most PATIENCE seconds."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.sock.settimeout(PATIENCE)
        self.file = sock.makefile("rb")

    def send(self, data: bytes) -> "Wire":
        """All of it."""
        self.sock.sendall(data)
        return self

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
        """Send a whole request and receive its answer; underscores in names of headers are hyphens."""
        return self.send(request(method, path, body, **headers)).receive(method)

    def receive(self, method: str = "GET") -> Answer:
        """The next answer; raise EOFError if the connection ends before it."""
        status, headers = self.head()
        if status == 100:
            return self.receive(method)
        if method == "HEAD" or status in (204, 304):
            return Answer(status, headers, b"")
        if headers.get("transfer-encoding") == "chunked":
            return Answer(status, headers, b"".join(self.chunks()))
        return Answer(status, headers, self.file.read(int(headers.get("content-length", "0"))))

    def head(self) -> tuple[int, dict[str, str]]:
        """Status and headers."""
        line = self.file.readline()
        if not line:
            raise EOFError
        headers = {}
        while (field := self.file.readline()) not in (b"\r\n", b""):
            name, _, value = field.decode().partition(":")
            headers[name.lower()] = value.strip()
        return int(line.split()[1]), headers

    def chunks(self) -> Iterator[bytes]:
        """The parts of a chunked body, as they come."""
        while size := int(self.file.readline() or b"0", 16):
            part = self.file.read(size)
            self.file.readline()
            yield part
        self.file.readline()

    def closed(self) -> bool:
        """Whether the daemon ends the connection without another word."""
        try:
            return self.file.read(1) == b""
        except ConnectionError:
            return True
        except TimeoutError:
            return False

    def silent(self, seconds: float) -> bool:
        """Whether nothing comes for so many seconds, not even the end; for a plain connection that was read empty."""
        return not select.select([self.sock], [], [], seconds)[0]

    def close(self) -> None:
        """Close it."""
        self.file.close()
        self.sock.close()

    def __enter__(self) -> "Wire":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def request(method: str, path: str, body: bytes | None = None, **headers: str) -> bytes:
    """The bytes of a request."""
    fields = {"Host": "localhost", **{name.replace("_", "-"): value for name, value in headers.items()}}
    if body is not None:
        fields.setdefault("Content-Type", "application/json")
        fields.setdefault("Content-Length", str(len(body)))
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + (body or b"")


def unix(daemon: RealDaemon) -> Wire:
    """A connection to its unix socket."""
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(PATIENCE)
    try:
        sock.connect(daemon.address.removeprefix("unix:"))
    except OSError:
        sock.close()
        raise
    return Wire(sock)


def tls(port: int, ca: str) -> Wire:
    """A connection to its TCP port, verified."""
    plain = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
    try:
        return Wire(ssl.create_default_context(cafile=ca).wrap_socket(plain, server_hostname="localhost"))
    except BaseException:
        plain.close()
        raise


def ask(daemon: RealDaemon, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
    """One request on a unix connection of its own."""
    with contextlib.closing(unix(daemon)) as wire:
        return wire.ask(method, path, body, **headers)
