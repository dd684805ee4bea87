"""Clients that are slow, idle, or gone: each holds a connection for as long as it may, and nobody else up."""

import contextlib
import time
from collections.abc import Iterator

import pytest

from holdfast.model.errors import WrongState
from tests.daemon import RealDaemon, real_daemon, wait_until
from tests.faces.wire import Wire, ask, request, unix
from tests.needs import need_root

MARK = "holdfast-pool.json"
VOLUMES = "/v1/pools/p/volumes"
# As configured below, in seconds.
REQUEST, IDLE = 0.5, 1.0


@pytest.fixture(scope="module")
def served() -> Iterator[RealDaemon]:
    """One daemon with little patience."""
    need_root()
    with real_daemon() as daemon:
        daemon.config = f"[limits]\nrequest_seconds = {REQUEST}\nidle_seconds = {IDLE}\n"
        daemon.with_pool()
        yield daemon


@pytest.fixture
def wire(served: RealDaemon) -> Iterator[Wire]:
    """A connection."""
    with unix(served) as found:
        yield found


@pytest.fixture
def waiting(served: RealDaemon) -> Iterator[str]:
    """An operation that waits for its pool until `_let_go`; all of it is over at the end."""
    mark = served.pool / MARK
    mark.rename(served.root / MARK)
    view = served.client().create_volume("p", f"v{len(list(served.client().operations()))}", "1MiB", wait=30)
    assert view.state == "parked"
    yield view.id
    _let_go(served)
    served.settle()


def _let_go(served: RealDaemon) -> None:
    """The pool is back."""
    kept = served.root / MARK
    if kept.exists():
        kept.rename(served.pool / MARK)
    for parked in served.client().operations("parked"):
        with contextlib.suppress(WrongState):  # it went on by itself
            served.client().exit(parked.id, "retry")


def _drip(wire: Wire, data: bytes) -> None:
    """A byte each tenth of the time that a whole request has, until it is refused."""
    for byte in data:
        try:
            wire.send(bytes([byte]))
        except OSError:
            return
        time.sleep(REQUEST / 10)
    pytest.fail("it was never refused")


def test_a_head_that_drips_in_is_refused_in_time(served: RealDaemon, wire: Wire) -> None:
    _drip(wire, b"GET /v1/status HTTP/1.1\r\n" + b"X: a\r\n" * 100)
    wire.receive().problem(408, "again")
    assert wire.closed()


def test_a_body_that_drips_in_is_refused_in_time_and_does_nothing(served: RealDaemon, wire: Wire) -> None:
    body = b'{"name":"slow","size":"1MiB"' + b" " * 500
    wire.send(request("POST", VOLUMES, body)[: -len(body)])
    _drip(wire, body)
    wire.receive().problem(408, "again")
    assert wire.closed()
    assert "slow" not in [volume.name for volume in served.client().volumes("p")]
    assert "level=error" not in served.log_tail()


def test_half_a_request_and_then_silence_is_refused(served: RealDaemon, wire: Wire) -> None:
    wire.send(b"GET /v1/sta").receive().problem(408, "again")


def test_a_body_that_was_refused_must_end_too(served: RealDaemon, wire: Wire) -> None:
    wire.send(request("POST", VOLUMES, None, Content_Length=str(9 << 20)))
    wire.receive().problem(413)
    assert wire.closed()


@pytest.mark.parametrize("first", [b"", b"\r\n", request("GET", "/v1/status")], ids=["new", "empty line", "used"])
def test_an_idle_connection_is_closed(served: RealDaemon, wire: Wire, first: bytes) -> None:
    wire.send(first)
    if len(first) > 2:
        wire.receive()
    assert wire.closed()


def test_empty_lines_do_not_keep_a_connection(served: RealDaemon, wire: Wire) -> None:
    assert wire.ask("GET", "/v1/status").status == 200
    begun = time.monotonic()
    with pytest.raises(OSError):  # noqa: PT012 - which of them meets the end is not ours to say
        while time.monotonic() < begun + 30:
            wire.send(b"\r\n")
            time.sleep(IDLE / 10)


def test_a_used_connection_may_be_idle_between_two_requests(served: RealDaemon, wire: Wire) -> None:
    for _ in range(3):
        assert wire.ask("GET", "/v1/status").status == 200
        time.sleep(IDLE / 10)


def test_a_wait_for_an_operation_is_not_idle(served: RealDaemon, wire: Wire, waiting: str) -> None:
    wire.send(request("GET", f"/v1/operations/{waiting}?wait=60"))
    assert wire.silent(2 * IDLE)
    _let_go(served)
    assert wire.receive().said["state"] == "done"


def test_requests_that_come_together_are_answered_in_their_order(served: RealDaemon, wire: Wire) -> None:
    paths = ["/v1/status", "/v1/nothing", "/v1/pools", "/healthz", "/v1/pools/p"] * 20
    wire.send(b"".join(request("GET", path) for path in paths))
    assert [wire.receive().status for _ in paths] == [200, 404, 200, 200, 200] * 20


def test_garbage_after_a_request_does_not_take_its_answer(served: RealDaemon, wire: Wire, waiting: str) -> None:
    wire.send(request("GET", f"/v1/operations/{waiting}?wait=60") + b"garbage\r\n\r\n")
    assert wire.silent(REQUEST)
    _let_go(served)
    answer = wire.receive()
    assert (answer.status, answer.said["state"]) == (200, "done")
    assert wire.closed()


def test_a_request_behind_one_that_waits_has_its_time_once_it_is_read(
    served: RealDaemon, wire: Wire, waiting: str
) -> None:
    body = b'{"name":"later","size":"1MiB"}'
    wire.send(request("GET", f"/v1/operations/{waiting}?wait=60") + request("POST", VOLUMES, body)[:-1])
    assert wire.silent(3 * REQUEST)
    _let_go(served)
    assert wire.receive().said["id"] == waiting
    assert wire.send(body[-1:]).receive().status in (200, 202)
    wire.send(request("GET", "/v1/status")[:-1])
    wire.receive().problem(408, "again")


def test_who_only_stops_sending_still_gets_his_answer(served: RealDaemon, wire: Wire, waiting: str) -> None:
    wire.send(request("GET", f"/v1/operations/{waiting}?wait=60"))
    wire.sock.shutdown(1)  # SHUT_WR
    assert wire.silent(REQUEST)
    _let_go(served)
    assert wire.receive().said["state"] == "done"
    assert wire.closed()


@pytest.mark.parametrize("sent", [b"", b"GET /v1/sta", request("POST", VOLUMES, b"{}")[:-1]])
def test_who_stops_sending_half_way_gets_none(served: RealDaemon, wire: Wire, sent: bytes) -> None:
    wire.send(sent)
    wire.sock.shutdown(1)
    assert wire.closed()
    assert "level=error" not in served.log_tail()


def _descriptors(served: RealDaemon) -> int:
    assert served.process is not None
    return len(list((served.root.parent / f"/proc/{served.process.pid}/fd").iterdir()))


def test_who_hangs_up_is_not_waited_for(served: RealDaemon, waiting: str) -> None:
    wait_until(lambda: ask(served, "GET", "/v1/status").status == 200, "it answers")
    before = _descriptors(served)
    for _ in range(20):
        with unix(served) as wire:
            wire.send(request("GET", f"/v1/operations/{waiting}?wait=600"))
    wait_until(lambda: _descriptors(served) <= before, "their connections are gone")
