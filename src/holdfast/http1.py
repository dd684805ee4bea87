"""One HTTP/1.1 connection by http.client's parser: quick to import, and each answer has one deadline in all.

For whoever asks: the client of the daemon, and drivers of what is asked over HTTP.
"""

import contextlib
import http.client
import io
import select
import socket
import ssl
import time

from holdfast.model.errors import Unavailable

PART = 1 << 16
# Bytes of an answer beyond which it is not read to its end: none that is asked for is that long.
LARGEST = 256 << 20
# What a connection that broke, or another server, raises.
BROKEN = (OSError, http.client.HTTPException)


class _Timed(io.RawIOBase):
    """A socket's bytes until `due` (monotonic): the socket's own timeout would begin anew with each part that comes.

    `ended` once there are no more.
    """

    def __init__(self, sock: socket.socket, raw: io.RawIOBase, due: float) -> None:
        self._sock, self._raw, self.due, self.ended = sock, raw, due, False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int | None:  # type: ignore[override]  # a memoryview is all it gets
        if self.ended:
            return 0
        left = self.due - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._sock.settimeout(left)
        size = self._raw.readinto(buffer)
        self.ended = size == 0
        return size

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Ahead(io.BufferedReader):
    """Reads ahead; `left` says at its end whether more came than was read of it."""

    def __init__(self, timed: _Timed) -> None:
        super().__init__(timed)
        self._timed, self.left = timed, False

    def close(self) -> None:
        if not self.closed:
            self._timed.ended = True  # what has come is looked at, no more is read
            self.left = self.left or bool(self.peek())
        super().close()


class Answer(http.client.HTTPResponse):
    """An answer as it comes, until `due` (monotonic)."""

    def __init__(self, sock: socket.socket, method: str, due: float) -> None:
        super().__init__(sock, method=method)
        self._timed = _Timed(sock, self.fp.detach(), due)
        self.fp = self._ahead = _Ahead(self._timed)

    @property
    def last(self) -> bool:
        """Whether no other answer can follow it on its connection: it was not read whole, or more came than it."""
        return not self.isclosed() or self.will_close or self.status < 200 or self._ahead.left

    def begin(self) -> None:
        """Read the head; every interim answer before it is passed over (RFC 9110, section 15.2)."""
        super().begin()
        while 100 <= self.status < 200 and self.status != http.client.SWITCHING_PROTOCOLS:
            self.headers = None  # type: ignore[assignment]  # with headers, it would not begin again
            super().begin()
        if self._timed.ended:  # http.client takes that for the end of the head
            raise http.client.RemoteDisconnected("the connection ended in the head of an answer")

    def part(self, silence: float) -> bytes:
        """What comes next, within so many seconds; nothing at its end."""
        self._timed.due = time.monotonic() + silence
        return self.read1(PART)

    def whole(self) -> bytes:
        """The body; raise Unavailable if it is too large."""
        parts, size = [], 0
        while part := self._some():
            parts.append(part)
            size += len(part)
            if size > LARGEST:
                raise Unavailable(f"The answer is larger than {LARGEST} bytes.", "Ask for less at a time.")
        if self.length:  # reading by parts does not tell that
            raise http.client.IncompleteRead(b"", self.length)
        return b"".join(parts)

    def _some(self) -> bytes:
        try:
            return self.read(PART)
        except ValueError as error:  # a chunk of a length below zero
            raise http.client.HTTPException(str(error)) from error


class Connection:
    """A connected socket; one exchange at a time."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._said: Answer | None = None

    def ask(self, method: str, target: str, headers: dict[str, str], data: bytes | None, seconds: float) -> Answer:
        """Send a request; the head of its answer, whose body may come until `seconds` are over."""
        due = time.monotonic() + seconds
        length = {} if method == "GET" else {"Content-Length": str(len(data or b""))}
        fields = "".join(f"{name}: {value}\r\n" for name, value in {**headers, **length}.items())
        self._sock.settimeout(seconds)
        # An answer may have come all the same: to one connection too many, for one.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self._sock.sendall(f"{method} {target} HTTP/1.1\r\n{fields}\r\n".encode("ascii") + (data or b""))
        self._said = Answer(self._sock, method, due)
        self._said.begin()
        return self._said

    def quiet(self) -> bool:
        """Whether it can be used again: nothing came unasked, its end neither."""
        if isinstance(self._sock, ssl.SSLSocket) and self._sock.pending():
            return False
        poll = select.poll()
        poll.register(self._sock, select.POLLIN)
        return not poll.poll(0)

    def close(self) -> None:
        """Let go, also in the middle of an answer."""
        if self._said is not None:
            self._said.close()
        self._sock.close()


def open_unix(path: str, timeout: float) -> Connection:
    """Connect to a socket of this machine within `timeout` seconds; raise OSError."""
    sock = socket.socket(socket.AF_UNIX)
    try:
        sock.settimeout(timeout)
        sock.connect(path)
    except BaseException:
        sock.close()
        raise
    return Connection(sock)


def open_tls(host: str, port: int, tls: ssl.SSLContext, timeout: float) -> Connection:
    """Connect, within `timeout` seconds for each step of it; raise OSError."""
    sock = socket.create_connection((host, port), timeout)
    try:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return Connection(tls.wrap_socket(sock, server_hostname=host))
    except BaseException:
        sock.close()
        raise
