"""Malformed requests to the REST face: each is an RFC 9457 problem that says what to do next, and changes nothing."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.daemon import RealDaemon, real_daemon
from tests.faces.wire import Answer, ask
from tests.needs import need_root


@pytest.fixture(scope="module")
def served() -> Iterator[RealDaemon]:
    """One daemon with a pool."""
    need_root()
    with real_daemon() as daemon:
        daemon.with_pool()
        yield daemon


@pytest.fixture(autouse=True)
def nothing_changed(served: RealDaemon) -> Iterator[None]:
    """Whatever was asked, no volume was made, and nothing was logged as an error."""
    yield
    assert list(served.client().volumes("p")) == []
    assert "level=error" not in served.log_tail()


def problem(served: RealDaemon, status: int, code: str, method: str, path: str, body: bytes = b"") -> dict[str, Any]:
    """The problem that this is answered with."""
    return ask(served, method, path, body or None).problem(status, code)


VOLUMES = "/v1/pools/p/volumes"
BODIES = [
    b"{", b"null", b"[]", b'"v"', b"\xff\xfe", b"{}", b'{"name":"v"}', b'{"name":1,"size":"1MiB"}',
    b'{"name":"v","size":true}', b'{"name":"v","size":1.5}', b'{"name":"v","size":1e3}',
    b'{"name":"v","size":{"GiB":1}}', b'{"name":"v","size":"1MiB","colour":"red"}',
    b'{"name":"v","size":"1MiB","content":"tape"}', b'{"name":"v","size":"1MiB"', b'{"name":null,"size":"1MiB"}',
    b'{"name":"v","size":"1MiB"} {}', b'{"name":"\\ud800","size":"1MiB"}', b'\xef\xbb\xbf{"name":"v","size":"1MiB"}',
    b'{"name":"v","size":NaN}', b"[" * 10000, b'{"name":' + b"[" * 100_000, b'{"name":"v","size":' + b"9" * 5000 + b"}",
    b"name=v&size=1MiB", b"--x\r\nContent-Disposition: form-data; name=name\r\n\r\nv\r\n--x--\r\n",
]  # fmt: skip


@pytest.mark.parametrize("body", BODIES, ids=range(len(BODIES)))
def test_a_malformed_body_is_invalid(served: RealDaemon, body: bytes) -> None:
    problem(served, 400, "invalid", "POST", VOLUMES, body)


def test_no_body_at_all_is_invalid(served: RealDaemon) -> None:
    assert "empty" in problem(served, 400, "invalid", "POST", VOLUMES)["detail"]


def test_an_unknown_field_is_named(served: RealDaemon) -> None:
    body = b'{"name":"v","size":"1MiB","colour":"red"}'
    assert "colour" in problem(served, 400, "invalid", "POST", VOLUMES, body)["detail"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (f"{VOLUMES}/v/mounts", b'{"path":"/mnt","read_only":"true"}'),
        (f"{VOLUMES}/v/mounts", b'{"path":"/mnt","read_only":1}'),
        ("/v1/tokens", b'{"name":"t","lifetime":"60"}'),
        ("/v1/tokens", b'{"name":"t","lifetime":true}'),
        ("/v1/tokens", b'{"name":"t","role":"root"}'),
        ("/v1/tokens", b'{"name":"t","lifetime":0}'),
        ("/v1/tokens", b'{"name":"t","lifetime":1e300}'),
    ],
)
def test_a_value_of_another_type_is_not_taken_for_the_right_one(served: RealDaemon, path: str, body: bytes) -> None:
    problem(served, 400, "invalid", "POST", path, body)
    assert served.client().tokens() == []


def test_an_unknown_route_is_not_found(served: RealDaemon) -> None:
    for path in ("/v1/nothing", "/", "/docs", "/openapi.yaml", "/v1", "/v1/pools/p/volumes/v/mounts/m/more"):
        problem(served, 404, "not-found", "GET", path)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/v1/pools", "GET, OPTIONS, POST"),
        ("PATCH", "/v1/status", "GET, OPTIONS"),
        ("DELETE", "/openapi.json", "GET, OPTIONS"),
        ("TRACE", "/v1/pools/p", "DELETE, GET, OPTIONS, PATCH"),
    ],
)
def test_a_wrong_method_is_told_the_right_ones(served: RealDaemon, method: str, path: str, allowed: str) -> None:
    answer = ask(served, method, path)
    assert allowed in answer.problem(405, "method-not-allowed")["detail"]
    assert answer.headers["allow"] == allowed


def test_options_are_answered_and_head_is_not(served: RealDaemon) -> None:
    answer = ask(served, "OPTIONS", "/v1/pools/p")
    assert (answer.status, answer.headers["allow"]) == (204, "DELETE, GET, OPTIONS, PATCH")
    answer = ask(served, "HEAD", "/v1/pools")
    assert (answer.status, answer.kind) == (405, "application/problem+json")


@pytest.mark.parametrize(
    "path",
    [
        "/v1/operations?limit=0", "/v1/operations?limit=x", "/v1/operations?limit=",
        "/v1/operations?limit=" + "9" * 30,
        "/v1/operations?state=lost", "/v1/operations?state=", "/v1/operations?cursor=x", "/v1/operations?cursor=-1",
        "/v1/pools?state=parked", "/v1/pools?label=", "/v1/pools?label=%20", "/v1/pools?label=a%2F%2Fb",
        f"{VOLUMES}?limit=100000", f"{VOLUMES}?limit=1&limit=2", f"{VOLUMES}?lable=a", "/v1/operations/x?wait=soon",
        "/v1/status?verbose=1", "/healthz?ready=perhaps",
    ],
)  # fmt: skip
def test_a_wrong_query_is_invalid(served: RealDaemon, path: str) -> None:
    problem(served, 400, "invalid", "GET", path)


@pytest.mark.parametrize("wait", ["-1", "1e9", "nan", "inf", "x", "", "null", "Null"])
def test_a_wrong_wait_is_invalid_before_anything_is_done(served: RealDaemon, wait: str) -> None:
    problem(served, 400, "invalid", "POST", f"{VOLUMES}?wait={wait}", b'{"name":"v","size":"1MiB"}')


def test_a_misspelt_option_of_a_delete_is_not_passed_over(served: RealDaemon) -> None:
    assert "dry_run" in problem(served, 400, "invalid", "DELETE", "/v1/pools/p?dry_run=true")["detail"]
    assert [pool.name for pool in served.client().pools()] == ["p"]


def test_a_patch_of_nothing_or_of_too_much_is_invalid(served: RealDaemon) -> None:
    problem(served, 400, "invalid", "PATCH", f"{VOLUMES}/v", b"{}")
    problem(served, 400, "invalid", "PATCH", f"{VOLUMES}/v", b'{"name":"w","labels":{"a":"b"}}')
    problem(served, 400, "invalid", "PATCH", "/v1/pools/p", b"{}")
    problem(served, 400, "invalid", "PATCH", "/v1/pools/p", b'{"labels":{}}')


def _wait_for(served: RealDaemon, answer: Answer) -> dict[str, Any]:
    location = answer.headers["location"]
    assert location == f"/v1/operations/{answer.said['id']}"
    return dict(ask(served, "GET", f"{location}?wait=30").said)


def test_a_change_is_accepted_with_its_location_and_with_wait_answered_with_its_end(served: RealDaemon) -> None:
    answer = ask(served, "POST", VOLUMES, b'{"name":"v","size":"1MiB"}')
    assert answer.status in (200, 202)
    assert _wait_for(served, answer)["state"] == "done"
    answer = ask(served, "DELETE", f"{VOLUMES}/v?wait=30")
    assert (answer.status, answer.said["state"]) == (200, "done")
    assert _wait_for(served, answer)["id"] == answer.said["id"]


def test_health_asks_for_nothing_and_says_whether_it_is_ready(served: RealDaemon) -> None:
    answer = ask(served, "GET", "/healthz?ready=true")
    assert (answer.status, answer.said) == (200, {"status": "ok", "ready": True, "reason": ""})
