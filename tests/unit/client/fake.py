"""A daemon that follows a script, byte by byte, and both clients behind one face."""

import asyncio
import contextlib
import fcntl
import inspect
import json
import socket
import struct
import termios
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from holdfast.client import Client
from holdfast.client.aio import AsyncClient
from holdfast.client.wire import Event

BOUND = 30.0
HEALTH = {"status": "ok", "ready": True, "reason": ""}
OPERATION: dict[str, Any] = {
    "id": "0" * 32, "kind": "volume.delete", "state": "done", "direction": "forward",
    "resource": {"kind": "volume", "uid": "u", "path": "p/v"}, "created_at": 1.0, "ended_at": 2.0,
}  # fmt: skip
TOKEN = {"token": {"id": "t", "name": "t", "role": "viewer", "created_at": 1.0, "expires_at": None}, "secret": "hf_s"}


class Request(msgspec.Struct, frozen=True):
    """What came; names of headers in lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def key(self) -> str:
        return self.headers.get("idempotency-key", "")


class Peer:
    """A client's connection, seen from the daemon."""

    def __init__(self, sock: socket.socket, seen: list[Request]) -> None:
        self.sock = sock
        self.sock.settimeout(BOUND)
        self._seen = seen
        self._raw = b""

    def request(self) -> Request:
        """The next request, whole."""
        while b"\r\n\r\n" not in self._raw:
            self._more()
        head, _, self._raw = self._raw.partition(b"\r\n\r\n")
        first, *fields = head.decode().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (field.partition(":") for field in fields)}
        length = int(headers.get("content-length", "0"))
        while len(self._raw) < length:
            self._more()
        body, self._raw = self._raw[:length], self._raw[length:]
        method, target, _ = first.split(" ")
        self._seen.append(Request(method, target, headers, body))
        return self._seen[-1]

    def _more(self) -> None:
        part = self.sock.recv(1 << 16)
        if not part:
            raise EOFError("the client closed the connection")
        self._raw += part

    def send(self, *parts: bytes) -> None:
        """Each part on its own: the next goes out when the one before was received."""
        for part in parts:
            self.sock.sendall(part)
            self._received()

    def _received(self) -> None:
        end = time.monotonic() + BOUND
        while struct.unpack("i", fcntl.ioctl(self.sock, termios.TIOCOUTQ, b"\0" * 4))[0]:
            assert time.monotonic() < end, "the client does not read"
            time.sleep(0.0005)

    def ended(self) -> None:
        """Wait until the client closes it."""
        with contextlib.suppress(ConnectionError):
            left = self._raw or self.sock.recv(1 << 16)
            assert not left, f"the client sent more: {left!r}"


Script = Callable[[Peer], object]


class Fake:
    """Listens; the first connection follows the first script, and so on. One too many fails the test."""

    def __init__(self, path: Path, *scripts: Script) -> None:
        self.address = f"unix:{path}"
        self.requests: list[Request] = []
        self.connections = 0
        self._scripts = scripts
        self._failures: list[BaseException] = []
        self._threads: list[threading.Thread] = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen(64)
        self._accepting = threading.Thread(target=self._accept)
        self._accepting.start()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            script = self._scripts[self.connections] if self.connections < len(self._scripts) else _none_expected
            self.connections += 1
            self._threads.append(threading.Thread(target=self._follow, args=(script, Peer(sock, self.requests))))
            self._threads[-1].start()

    def _follow(self, script: Script, peer: Peer) -> None:
        try:
            script(peer)
        except BaseException as error:  # noqa: BLE001  # `close` raises it
            self._failures.append(error)
        finally:
            peer.sock.close()

    def close(self) -> None:
        """Stop; raises what went wrong in a script."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._accepting.join(BOUND)
        self._listener.close()
        self.left()

    def left(self) -> None:
        """Wait until every script is through, most with their client's leave; raises what went wrong in one."""
        for thread in self._threads:
            thread.join(BOUND)
            assert not thread.is_alive(), "the client does not close the connection"
        if self._failures:
            raise self._failures[0]


def _none_expected(peer: Peer) -> None:
    raise AssertionError(f"a connection too many: {peer.request()}")


class Either:
    """One of both clients; `ask` calls its method and gives the answer, a list for what comes piece by piece."""

    def __init__(self, kind: str, address: str, **options: Any) -> None:
        self.runner = asyncio.Runner() if kind == "async" else None
        self._client: Client | AsyncClient = (AsyncClient if self.runner else Client)(address, **options)

    def ask(self, method: str, *args: Any, **options: Any) -> Any:
        found = getattr(self._client, method)(*args, **options)
        if self.runner is None:
            return list(found) if inspect.isgenerator(found) else found
        return self.runner.run(_gathered(found))

    def each(self, method: str, *args: Any) -> "Stream":
        """What comes piece by piece."""
        return Stream(getattr(self._client, method)(*args), self.runner)

    def events(self, last: str = "") -> "Stream":
        return self.each("events", last)

    def close(self) -> None:
        self.ask("close")
        if self.runner:
            self.runner.close()


async def _gathered(found: Any) -> Any:
    return [item async for item in found] if inspect.isasyncgen(found) else await found


class Stream:
    """What either client gives piece by piece, here one by one; None at the end."""

    def __init__(self, found: Any, runner: asyncio.Runner | None) -> None:
        self._found, self._runner = found, runner

    def next(self) -> Event | None:
        if self._runner is None:
            return next(self._found, None)
        return self._runner.run(_following(self._found))

    def close(self) -> None:
        if self._runner is None:
            self._found.close()
        else:
            self._runner.run(_closed(self._found))

    def __iter__(self) -> Iterator[Event]:
        while event := self.next():
            yield event


async def _following(found: Any) -> Event | None:
    return await anext(found, None)


async def _closed(found: Any) -> None:
    await found.aclose()
    await asyncio.sleep(0)  # asyncio closes a transport in the loop's next turn


def said(body: object = None, status: str = "200 OK", *fields: str) -> bytes:
    """An answer of JSON, or of bytes as they are."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    head = [f"HTTP/1.1 {status}", "content-type: application/json", f"content-length: {len(raw)}", *fields]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + raw


def problem(code: str, status: int = 409, detail: str = "What happened.", hint: str = "What to do.") -> bytes:
    """An answer as the daemon refuses."""
    body = {"type": f"urn:holdfast:{code}", "title": code, "status": status, "detail": detail, "code": code}
    return said({**body, "hint": hint}, f"{status} No")


def chunks(*parts: bytes) -> bytes:
    """A chunked answer with these parts, and one without a body's length known before."""
    head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    return head + b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def answering(*answers: bytes) -> Script:
    """A request, an answer, and so on; then it waits until the client closes the connection."""

    def script(peer: Peer) -> None:
        for each in answers:
            peer.request()
            peer.send(each)
        peer.ended()

    return script
