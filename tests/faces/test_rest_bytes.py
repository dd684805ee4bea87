"""What is no text, and who goes away in the middle: a clear answer or none, and nothing in the log."""

import json
import socket

import pytest

from tests.daemon import RealDaemon
from tests.faces.wire import ask


@pytest.mark.parametrize("body", [b'{"name":"\xff","size":"1GiB"}', b'\xfe\xff{"name":"v"}', b"\xc3"])
def test_a_body_that_is_no_utf_8_is_refused(daemon: RealDaemon, body: bytes) -> None:
    daemon.with_pool()
    ask(daemon, "POST", "/v1/pools/p/volumes", body).problem(400, "invalid")


@pytest.mark.parametrize("path", ["/a\0", "/a\nb", "a", ""])
def test_a_backup_to_no_path_is_refused(daemon: RealDaemon, path: str) -> None:
    daemon.start()
    ask(daemon, "POST", "/v1/backup", json.dumps({"path": path}).encode()).problem(400, "invalid")


def test_a_client_that_asks_much_and_goes_away_leaves_nothing_in_the_log(daemon: RealDaemon) -> None:
    daemon.start()
    for _ in range(3):
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(daemon.address.removeprefix("unix:"))
            for _ in range(40):
                client.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n")
            client.recv(1000)
    assert ask(daemon, "GET", "/v1/status").status == 200
    daemon.stop()
    assert "Exception" not in daemon.log.read_text()
    assert "Traceback" not in daemon.log.read_text()
