"""The simulated array as an HTTPS server on loopback, with a certificate of its own, for a bounded time."""

import contextlib
import http.server
import json
import os
import socket
import ssl
import subprocess
import tempfile
import threading
import time
import urllib.parse
import uuid
from collections.abc import Iterator

from holdfast.testing.flasharray.array import Array, Reply
from holdfast.testing.flasharray.shelf import FileShelf


class ArrayServer:
    """One array behind TLS. `address` is host:port, `ca` the file of its certificate."""

    def __init__(self, root: str, port: int = 0) -> None:
        self.root = root
        self._timers: list[threading.Timer] = []
        self.lock = threading.RLock()
        self.array = Array(FileShelf(root), time.time, self._later, lambda: str(uuid.uuid4()))
        self.ca = os.path.join(root, "ca.pem")
        key = os.path.join(root, "key.pem")
        if not os.path.exists(self.ca):
            _certify(self.ca, key)
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", port), self._handler())
        self._server.daemon_threads = True
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.ca, key)
        # The handshake is the handling thread's: a client that is silent in it holds nobody up.
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self.port = int(self._server.server_address[1])
        self.address = f"127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> "ArrayServer":
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        for timer in self._timers:
            timer.cancel()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def _later(self, seconds: float, act: object) -> None:
        def locked() -> None:
            with self.lock:
                act()  # type: ignore[operator]  # a callable without arguments

        timer = threading.Timer(seconds, locked)
        timer.daemon = True
        self._timers.append(timer)
        timer.start()

    def _handler(self) -> type[http.server.BaseHTTPRequestHandler]:
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            """One connection."""

            protocol_version = "HTTP/1.1"
            timeout = 60.0
            disable_nagle_algorithm = True

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
                """Nothing: the array has a log of its own."""

            def _answer(self) -> None:
                parts = urllib.parse.urlsplit(self.path)
                query = dict(urllib.parse.parse_qsl(parts.query, keep_blank_values=True))
                length = int(self.headers.get("content-length") or 0)
                raw = self.rfile.read(length) if length else b""
                headers = {name.lower(): value for name, value in self.headers.items()}
                with server.lock:
                    reply = server.array.handle(
                        self.command, parts.path, query, headers, json.loads(raw) if raw else None
                    )
                if reply is None:
                    self.close_connection = True
                    with contextlib.suppress(OSError):
                        self.connection.shutdown(socket.SHUT_RDWR)
                    return
                if reply.after:
                    time.sleep(reply.after)
                self._say(reply)

            def _say(self, reply: Reply) -> None:
                body = b"" if reply.body is None else json.dumps(reply.body).encode()
                with contextlib.suppress(OSError):
                    self.send_response(reply.status)
                    for name, value in reply.headers.items():
                        self.send_header(name, value)
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)

            do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _answer  # noqa: N815 - the base's names

        return Handler


def _certify(certificate: str, key: str) -> None:
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-days", "2", "-subj", "/CN=simulated array", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost",
            "-keyout", key, "-out", certificate,
        ],
        check=True, capture_output=True, timeout=30,
    )  # fmt: skip


@contextlib.contextmanager
def serving() -> Iterator[ArrayServer]:
    """One in a directory of its own, which goes with it."""
    with tempfile.TemporaryDirectory(prefix="holdfast-array-") as root, ArrayServer(root) as server:
        yield server
