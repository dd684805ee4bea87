"""The stop: who only waits is answered as things are, streams end, and nobody is waited for."""

import time
from collections.abc import Iterator

import pytest

from tests.daemon import RealDaemon, wait_until
from tests.faces.tcp import Tcp, tcp_daemon
from tests.faces.wire import Wire, request, unix

MARK = "holdfast-pool.json"
VOLUMES = "/v1/pools/p/volumes"
# Far below the ten seconds after which connections are cut, and the ten minutes that are asked for.
SOON = 8.0


@pytest.fixture
def tcp() -> Iterator[Tcp]:
    """A daemon that has an operation parked."""
    with tcp_daemon() as found:
        client = found.daemon.with_pool()
        (found.daemon.pool / MARK).rename(found.daemon.root / MARK)
        assert client.create_volume("p", "v", "1MiB", wait=30).state == "parked"
        yield found


def _stopped_within(daemon: RealDaemon, seconds: float) -> None:
    begun = time.monotonic()
    assert daemon.stop() == 0
    assert time.monotonic() - begun < seconds
    assert "level=error" not in daemon.log_tail()
    assert "Traceback" not in daemon.log_tail()


def _stream(wire: Wire, *, token: str = "") -> Wire:
    wire.send(request("GET", "/v1/events", None, **({"Authorization": f"Bearer {token}"} if token else {})))
    assert wire.head()[0] == 200
    assert b"ready" in next(wire.chunks())
    return wire


def _waiting(daemon: RealDaemon) -> int:
    return len([op for op in daemon.client().operations() if op.state == "queued"])


def test_waits_are_answered_and_streams_end_at_once(tcp: Tcp) -> None:
    daemon, token = tcp.daemon, tcp.token("streams")
    parked = daemon.client().operations("parked")[0].id
    with unix(daemon) as looker, unix(daemon) as asker, unix(daemon) as local, tcp.connect() as remote, unix(daemon):
        looker.send(request("GET", f"/v1/operations/{parked}?wait=600"))
        asker.send(request("DELETE", f"{VOLUMES}/v?wait=600"))
        _stream(local)
        _stream(remote, token=token)
        wait_until(lambda: _waiting(daemon) == 1, "the deletion waits for its turn")
        _stopped_within(daemon, SOON)
        assert looker.receive().said["state"] == "parked"
        answer = asker.receive()
        assert (answer.status, answer.said["state"]) == (202, "queued")
        assert answer.headers["location"] == f"/v1/operations/{answer.said['id']}"
        assert all(wire.closed() for wire in (looker, asker))
        for wire in (local, remote):
            assert b"reset" not in b"".join(wire.chunks())
            assert wire.closed()


def test_half_a_request_is_told_and_holds_nothing_up(tcp: Tcp) -> None:
    with unix(tcp.daemon) as head, unix(tcp.daemon) as body:
        head.send(b"GET /v1/sta")
        body.send(request("POST", VOLUMES, b'{"name":"w","size":"1MiB"}')[:-1])
        _wait_for_both(tcp.daemon)
        _stopped_within(tcp.daemon, SOON)
        for wire in (head, body):
            wire.receive().problem(503, "unavailable")
            assert wire.closed()


def _wait_for_both(daemon: RealDaemon) -> None:
    """What was sent before on other connections has been read once a later request is answered, twice."""
    for _ in range(2):
        assert daemon.client().status().parked == 1


def test_what_was_accepted_goes_on_at_the_next_start(tcp: Tcp) -> None:
    daemon = tcp.daemon
    with unix(daemon) as wire:
        wire.send(request("DELETE", f"{VOLUMES}/v?wait=600"))
        wait_until(lambda: _waiting(daemon) == 1, "the deletion waits for its turn")
        _stopped_within(daemon, SOON)
        accepted = wire.receive().said["id"]
    (daemon.root / MARK).rename(daemon.pool / MARK)
    daemon.start()
    daemon.settle()
    assert daemon.client().operation(accepted).state == "done"
    assert list(daemon.client().volumes("p")) == []
