"""Malformed requests to the REST face: each is an RFC 9457 problem, and changes nothing."""

import http.client
import json
import os
import shutil
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from holdfast.model.errors import KeyReused
from tests.daemon import BIN, RealDaemon, real_daemon, run
from tests.needs import need, need_root


@pytest.fixture(scope="module")
def served() -> Iterator[RealDaemon]:
    """One daemon with a pool."""
    need_root()
    with real_daemon() as daemon:
        daemon.with_pool()
        yield daemon


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=30)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self._path)


def ask(
    daemon: RealDaemon,
    method: str,
    path: str,
    body: bytes | None = None,
    headers: dict[str, str] | None = None,
) -> tuple[int, str, Any, dict[str, str]]:
    """Status, media type, decoded body, headers."""
    connection = _Connection(daemon.address.removeprefix("unix:"))
    try:
        connection.request(method, path, body, {"Content-Type": "application/json", **(headers or {})})
        answer = connection.getresponse()
        raw = answer.read()
        kind = answer.headers.get_content_type()
        return answer.status, kind, json.loads(raw) if raw else None, dict(answer.headers)
    finally:
        connection.close()


def problem(daemon: RealDaemon, method: str, path: str, body: bytes | None = None, **headers: str) -> dict[str, Any]:
    """The problem that this is answered with; nothing may have changed."""
    status, kind, said, _ = ask(daemon, method, path, body, headers)
    assert kind == "application/problem+json"
    assert said["status"] == status
    assert {"type", "title", "status", "detail", "code"} <= set(said)
    assert said["detail"]
    assert status >= 400
    assert status != 500, said
    assert list(daemon.client().volumes("p")) == []
    return dict(said)


VOLUMES = "/v1/pools/p/volumes"


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"null", b"[]", b'"v"', b"\xff\xfe", b"{}", b'{"name":"v"}', b'{"name":1,"size":"1MiB"}',
        b'{"name":"v","size":true}', b'{"name":"v","size":1.5}', b'{"name":"v","size":{"GiB":1}}',
        b'{"name":"v","size":"1MiB","colour":"red"}', b'{"name":"v","size":"1MiB","content":"tape"}',
        b'{"name":"v","size":"1MiB"', b'{"name":null,"size":"1MiB"}', b"[" * 10000,
    ],
)  # fmt: skip
def test_a_malformed_body_is_invalid(served: RealDaemon, body: bytes) -> None:
    said = problem(served, "POST", VOLUMES, body)
    assert said["status"] == 400, said
    assert said["code"] == "invalid"


def test_an_unknown_field_is_named(served: RealDaemon) -> None:
    said = problem(served, "POST", VOLUMES, b'{"name":"v","size":"1MiB","colour":"red"}')
    assert "colour" in said["detail"]


def test_a_body_above_a_mebibyte_is_too_large(served: RealDaemon) -> None:
    said = problem(served, "POST", VOLUMES, b'{"name":"' + b"x" * (1 << 20) + b'","size":1}')
    assert (said["status"], said["code"]) == (413, "too-large")


def test_an_unknown_route_is_not_found_and_a_wrong_method_not_allowed(served: RealDaemon) -> None:
    assert problem(served, "GET", "/v1/nothing")["status"] == 404
    assert problem(served, "POST", "/", b"{}")["status"] in (404, 405)
    assert problem(served, "PUT", "/v1/pools")["status"] == 405
    assert problem(served, "PATCH", "/v1/status", b"{}")["status"] == 405


@pytest.mark.parametrize(
    "path",
    [
        "/v1/operations?limit=0",
        "/v1/operations?limit=x",
        f"{VOLUMES}?limit=100000",
        "/v1/operations/x?wait=soon",
    ],
)
def test_a_wrong_query_is_invalid(served: RealDaemon, path: str) -> None:
    assert problem(served, "GET", path)["status"] in (400, 404)


@pytest.mark.parametrize("wait", ["-1", "1e9", "nan", "x"])
def test_a_wrong_wait_is_invalid_before_anything_is_done(served: RealDaemon, wait: str) -> None:
    said = problem(served, "POST", f"{VOLUMES}?wait={wait}", b'{"name":"v","size":"1MiB"}')
    assert said["status"] == 400


def test_a_key_that_is_too_long_is_invalid(served: RealDaemon) -> None:
    said = problem(served, "POST", VOLUMES, b'{"name":"v","size":"1MiB"}', **{"Idempotency-Key": "x" * 256})
    assert said["status"] == 400


def test_the_same_key_with_another_body_is_refused_and_with_the_same_body_answered(
    daemon: RealDaemon,
) -> None:
    client = daemon.with_pool()
    first = client.create_volume("p", "v", "1MiB", key="k")
    assert client.create_volume("p", "v", "1MiB", key="k").id == first.id
    with pytest.raises(KeyReused):
        client.create_volume("p", "w", "1MiB", key="k")
    assert client.delete_volume("p", "v", key="k").state == "done"
    assert client.create_volume("p", "v", "1MiB", key="k").id == first.id
    assert list(client.volumes("p")) == []


def test_a_change_is_accepted_with_its_location_and_with_wait_answered_with_its_end(
    daemon: RealDaemon,
) -> None:
    daemon.with_pool()
    status, _, said, headers = ask(daemon, "POST", VOLUMES, b'{"name":"v","size":"1MiB"}')
    assert status in (200, 202)
    location = {name.lower(): value for name, value in headers.items()}["location"]
    assert location == f"/v1/operations/{said['id']}"
    status, _, said, _ = ask(daemon, "GET", f"{location}?wait=10")
    assert (status, said["state"]) == (200, "done")
    status, _, said, _ = ask(daemon, "DELETE", f"{VOLUMES}/v?wait=10")
    assert (status, said["state"]) == (200, "done")


def test_a_list_is_paged_by_its_cursor(daemon: RealDaemon) -> None:
    client = daemon.with_pool()
    for number in range(5):
        client.create_volume("p", f"v{number}", "1MiB")
    names, path = [], f"{VOLUMES}?limit=2"
    for _ in range(3):
        page = ask(daemon, "GET", path)[2]
        names += [volume["name"] for volume in page["items"]]
        path = f"{VOLUMES}?limit=2&cursor={page['next']}"
    assert page["next"] is None
    assert names == [f"v{number}" for number in range(5)]


def test_the_health_and_the_description_are_served(served: RealDaemon) -> None:
    assert ask(served, "GET", "/healthz")[2] == {"status": "ok", "ready": True, "reason": ""}
    said = ask(served, "GET", "/openapi.json")[2]
    assert "/v1/pools" in said["paths"]


def test_whoever_is_not_root_is_forbidden_even_where_the_socket_lets_him_in(daemon: RealDaemon) -> None:
    need("setpriv")
    daemon.with_pool()
    socket_path = daemon.run / "holdfast.sock"
    assert os.stat(socket_path).st_mode & 0o077 == 0
    for path in (daemon.root, daemon.run, socket_path):
        path.chmod(0o777)
    code = (
        "import socket,sys\n"
        f"s=socket.socket(socket.AF_UNIX);s.connect({str(socket_path)!r})\n"
        "s.sendall(b'DELETE /v1/pools/p HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n')\n"
        "print(b''.join(iter(lambda: s.recv(4096), b'')).decode())\n"
    )
    python = shutil.which("python3", path="/usr/bin:/bin") or str(BIN.with_name("python"))
    said = run("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", python, "-c", code).stdout
    assert said.startswith("HTTP/1.1 403")
    assert '"code":"forbidden"' in said
    assert "application/problem+json" in said
    assert [pool.name for pool in daemon.client().pools()] == ["p"]
