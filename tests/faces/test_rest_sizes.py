"""Requests that are too large: refused early, in words, and without the memory they ask for."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.daemon import RealDaemon, real_daemon
from tests.faces.wire import Wire, ask, request, unix
from tests.needs import need_root

VOLUMES = "/v1/pools/p/volumes"
HUNDRED = 100 << 20
PIECE = bytes(1 << 20)


@pytest.fixture(scope="module")
def served() -> Iterator[RealDaemon]:
    """One daemon with the limits that every one has."""
    need_root()
    with real_daemon() as daemon:
        daemon.with_pool()
        yield daemon


@pytest.fixture
def wire(served: RealDaemon) -> Iterator[Wire]:
    """A connection."""
    with unix(served) as found:
        yield found


def _peak(served: RealDaemon) -> int:
    """The most memory that it ever had, in bytes (VmHWM of proc(5))."""
    assert served.process is not None
    status = Path(f"/proc/{served.process.pid}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found
    return int(found[1]) << 10


def _is_fine(wire: Wire) -> None:
    assert wire.ask("GET", "/v1/status").status == 200


def test_a_body_of_a_mebibyte_is_read_and_one_byte_more_is_too_large(served: RealDaemon, wire: Wire) -> None:
    limit = 1 << 20
    body = b'{"name":"v","size":"1MiB"}'
    wire.ask("POST", VOLUMES, body[:-1] + b" " * (limit - len(body) - 1) + b",}").problem(400, "invalid")
    wire.ask("POST", VOLUMES, b" " * (limit + 1)).problem(413, "too-large")
    _is_fine(wire)


def test_a_hundred_megabytes_are_refused_before_they_come(served: RealDaemon, wire: Wire) -> None:
    wire.send(request("POST", VOLUMES, None, Content_Length=str(HUNDRED), Content_Type="application/json"))
    wire.receive().problem(413, "too-large")
    for _ in range(HUNDRED // len(PIECE)):
        wire.send(PIECE)
    _is_fine(wire)


def test_who_sends_a_hundred_megabytes_before_he_listens_is_told_too_and_costs_no_memory(
    served: RealDaemon, wire: Wire
) -> None:
    before = _peak(served)
    wire.send(request("POST", VOLUMES, None, Content_Length=str(HUNDRED), Content_Type="application/json"))
    for _ in range(HUNDRED // len(PIECE)):
        wire.send(PIECE)
    wire.receive().problem(413, "too-large")
    _is_fine(wire)
    assert _peak(served) - before < HUNDRED // 4


def test_a_body_that_does_not_say_its_length_is_too_large_once_it_is(served: RealDaemon, wire: Wire) -> None:
    before = _peak(served)
    wire.send(request("POST", VOLUMES, None, Transfer_Encoding="chunked", Content_Type="application/json"))
    for _ in range(HUNDRED // len(PIECE)):
        wire.send(b"%x\r\n" % len(PIECE) + PIECE + b"\r\n")
    wire.send(b"0\r\n\r\n")
    wire.receive().problem(413, "too-large")
    _is_fine(wire)
    assert _peak(served) - before < HUNDRED // 4


def test_a_body_that_nobody_asked_for_is_passed_over(served: RealDaemon, wire: Wire) -> None:
    assert wire.ask("GET", "/v1/status", b"x" * 500_000).status == 200
    _is_fine(wire)


@pytest.mark.parametrize(
    "head",
    [
        b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /v1/status?x=" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /v1/status HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 70_000 + b"\r\n\r\n",
        b"GET /v1/status HTTP/1.1\r\nHost: x\r\n" + b"X: a\r\n" * 14_000 + b"\r\n",
        b"GET /v1/status HTTP/1.1\r\nHost: x\r\n" + b"X" * 70_000 + b": a\r\n\r\n",
    ],
    ids=["path", "query", "value", "many", "name"],
)
def test_a_head_above_64_kibibytes_is_too_large(served: RealDaemon, wire: Wire, head: bytes) -> None:
    wire.send(head).receive().problem(431, "too-large")
    assert wire.closed()


def test_a_head_just_below_the_limit_is_read(served: RealDaemon, wire: Wire) -> None:
    assert wire.ask("GET", "/v1/status", X="a" * 65_000).status == 200


@pytest.mark.parametrize("start", [b"GET /v1/st", b"GET /v1/status HTTP/1.1\r\nX-Long: "], ids=["target", "field"])
def test_a_head_that_never_ends_is_cut_off(served: RealDaemon, wire: Wire, start: bytes) -> None:
    wire.send(start)
    with pytest.raises(OSError):  # noqa: PT012 - which piece is the last one is not ours to say
        for _ in range(500):
            wire.send(b"a" * 10_000)
        raise BrokenPipeError
    wire.receive().problem(431, "too-large")


@pytest.mark.parametrize("more", [b"X: " + b"a" * 10_000, b"1;" + b"a" * 10_000], ids=["trailer", "extension"])
def test_what_follows_a_body_is_counted_too(served: RealDaemon, wire: Wire, more: bytes) -> None:
    before = _peak(served)
    wire.send(request("POST", VOLUMES, None, Transfer_Encoding="chunked", Content_Type="application/json"))
    wire.send(b"2\r\n{}\r\n" + (b"0\r\n" if more.startswith(b"X") else b"") + more)
    with pytest.raises(OSError):  # noqa: PT012 - as above
        for _ in range(1000):
            wire.send(b"a" * 100_000)
        raise BrokenPipeError
    wire.receive().problem(431, "too-large")
    assert _peak(served) - before < 50 << 20
    assert ask(served, "GET", "/v1/status").status == 200
