"""Tricks in targets and headers: a path means its route and no other, and no text of a client's gets into a head."""

import json
from collections.abc import Iterator

import pytest

from tests.daemon import RealDaemon, real_daemon
from tests.faces.wire import ask, unix
from tests.needs import need_root

VOLUMES = "/v1/pools/p/volumes"


@pytest.fixture(scope="module")
def served() -> Iterator[RealDaemon]:
    """One daemon with a pool `p` that has the volume `v`, and a pool named like a part of a path."""
    need_root()
    with real_daemon() as daemon:
        client = daemon.with_pool()
        client.create_volume("p", "v", "1MiB")
        (daemon.root / "other").mkdir()
        client.create_pool("volumes", {"source": str(daemon.root / "other")})
        yield daemon


@pytest.fixture(autouse=True)
def all_is_there(served: RealDaemon) -> Iterator[None]:
    """What was asked under a false path did not happen."""
    yield
    client = served.client()
    assert [pool.name for pool in client.pools()] == ["p", "volumes"]
    assert [volume.name for volume in client.volumes("p")] == ["v"]
    assert "level=error" not in served.log_tail()


@pytest.mark.parametrize(
    "path",
    [
        "/v1/pools/p%2Fvolumes%2Fv", "/v1/pools/p%2fvolumes/v", "/v1/pools/p/volumes/x%2F..%2Fv",
        "/v1/pools//volumes", "//v1/pools/volumes", "/v1//pools/volumes", "/v1/pools/volumes/", "/v1/pools/volumes//",
        "/v1/pools/../pools/volumes", "/v1/pools/./volumes", "/v1/pools/p/volumes/../volumes/v",
        "/v1/pools/p/volumes/..", "/v1/pools/p/volumes/.", "/v1/pools/p/volumes/%2e%2e", "/v1/pools/p/volumes/%2E",
        "/v1/pools/p/volumes/v%00", "/v1/pools/%00", "/v1/pools/p/volumes/%c0%af", "/v1/pools/%e0%80%af",
        "/v1/pools/p/volumes/%ff", "/v1/pools/p/volumes/%f0%9f%92%a9", "/v1/pools/p/volumes/v%20",
        "/v1/pools/p/volumes\\v", "/v1/pools/p%5Cvolumes%5Cv", "/v1/pools/p/volumes/v;a=b", "/v1/pools/P/volumes/v",
        "/v1/pools/p/volumes/%76%", "/v1/pools/p/volumes/%7", "/v1/pools/p/volumes/%zz", "/V1/pools/p/volumes/v",
        "/v1/pools/" + "p" * 60_000, "/v1/pools/p/volumes/" + "%41" * 15_000, "/v1/pools" + "/p" * 20_000,
        "/v1/pools/p/volumes/v%0d%0aX-Injected:%201", "/v1/pools/p/volumes/v%0a", "/openapi.json/p",
    ],
    ids=lambda path: path[:50],
)  # fmt: skip
def test_a_path_that_only_looks_like_a_route_is_none(served: RealDaemon, path: str) -> None:
    answer = ask(served, "DELETE", path)
    assert answer.status in (400, 404, 405), answer
    answer.problem(answer.status)
    assert not any("injected" in name for name in answer.headers)


def test_an_escaped_letter_is_that_letter(served: RealDaemon) -> None:
    assert ask(served, "GET", "/v1/pools/%70/volumes/%76").said["name"] == "v"


def test_another_spelling_of_the_target_is_not_another_resource(served: RealDaemon) -> None:
    with unix(served) as wire:
        wire.send(b"GET http://elsewhere.example/v1/pools/p/volumes/v HTTP/1.1\r\nHost: elsewhere.example\r\n\r\n")
        assert wire.receive().said["name"] == "v"
    assert ask(served, "OPTIONS", "*").status == 404


@pytest.mark.parametrize(
    "name", ["v\r\nX-Injected: 1", "v\x00w", "v w", "../v", "", "v" * 64, "ü", "\u202ev", ".", "-v"]
)
def test_a_name_that_could_break_out_of_its_place_is_refused(served: RealDaemon, name: str) -> None:
    answer = ask(served, "POST", VOLUMES, json.dumps({"name": name, "size": "1MiB"}).encode())
    answer.problem(400, "invalid")
    ask(served, "PATCH", f"{VOLUMES}/v", json.dumps({"name": name}).encode()).problem(400, "invalid")


def test_bytes_above_ascii_in_headers_are_kept_apart_and_harm_nothing(served: RealDaemon) -> None:
    answer = ask(served, "DELETE", f"{VOLUMES}/v", Idempotency_Key="\xff\xa0\x85", If_Match='"\xe9"')
    answer.problem(412, "stale")


@pytest.mark.parametrize(
    "field",
    [
        b"Idempotency-Key: a\x00b", b"Idempotency-Key: a\rX-Injected: 1", b"If-Match: \x01", b"Bad Name: x", b": x",
        b"Content-Length: 1\r\nTransfer-Encoding: chunked", b"Content-Length: -1",
        b"Content-Length: 1\r\nContent-Length: 2",
        b"Transfer-Encoding: chunked, gzip", b"\x00: x",
    ],
)  # fmt: skip
def test_a_head_that_can_be_read_in_two_ways_is_no_http(served: RealDaemon, field: bytes) -> None:
    with unix(served) as wire:
        wire.send(b"DELETE /v1/pools/p/volumes/v HTTP/1.1\r\nHost: x\r\n" + field + b"\r\n\r\n")
        wire.receive().problem(400, "invalid")
        assert wire.closed()


def test_a_foreign_host_is_as_good_as_any(served: RealDaemon) -> None:
    assert ask(served, "GET", "/v1/status", Host="elsewhere.example").status == 200
    ask(served, "GET", "/v1/status", Host="a b").problem(400, "invalid")


def test_a_request_for_another_protocol_is_answered_in_this_one(served: RealDaemon) -> None:
    for protocol in ("websocket", "h2c", "TLS/1.0"):
        with unix(served) as wire:
            answer = wire.ask("GET", "/v1/status", Connection="Upgrade", Upgrade=protocol)
            assert (answer.status, answer.headers["connection"]) == (200, "close")
            assert wire.closed()


@pytest.mark.parametrize(
    "said",
    [
        b"\x00\xff\xfe" * 20 + b"\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"GET /v1/status HTTP/9.9\r\n\r\n", b"{}\r\n\r\n", b"EHLO there\r\n",
        b"get /v1/status HTTP/1.1\r\n\r\n",
    ],
)  # fmt: skip
def test_what_is_no_http_is_told_so_and_hung_up_on(served: RealDaemon, said: bytes) -> None:
    with unix(served) as wire:
        wire.send(said).receive().problem(400, "invalid")
        assert wire.closed()


def test_an_old_client_is_answered_and_hung_up_on(served: RealDaemon) -> None:
    with unix(served) as wire:
        answer = wire.send(b"GET /v1/status HTTP/1.0\r\n\r\n").receive()
        assert answer.status == 200
        assert wire.closed()
