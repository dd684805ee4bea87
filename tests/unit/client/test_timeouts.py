"""An answer that does not come in time is given up, however it does not come; what takes its time gets it."""

import contextlib
import time
from collections.abc import Iterator
from itertools import repeat

import pytest

from holdfast.model.errors import Invalid, Unavailable
from tests.unit.client.conftest import Connect
from tests.unit.client.fake import BOUND, HEALTH, OPERATION, Either, Peer, Script, answering, said

SHORT = 0.5
BODY = b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n"


def trickling(first: bytes) -> Script:
    """Never silent for long, and never done."""

    def script(peer: Peer) -> None:
        peer.request()
        with contextlib.suppress(ConnectionError):
            for part in _until_late(first):
                peer.sock.sendall(part)
                time.sleep(SHORT / 20)

    return script


def _until_late(first: bytes) -> Iterator[bytes]:
    end = time.monotonic() + BOUND
    yield first
    for part in repeat(b" "):
        assert time.monotonic() < end, "the client waits for ever"
        yield part


def silent(peer: Peer) -> None:
    peer.request()
    peer.ended()


SLOW: dict[str, Script] = {
    "nothing comes": silent,
    "the head trickles": trickling(b"HTTP/1.1 200 OK\r\nx: "),
    "the body trickles": trickling(BODY),
    "interim answers come": trickling(b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 102 "),
}


@pytest.mark.parametrize("script", SLOW.values(), ids=SLOW.keys())
def test_an_answer_that_is_too_slow_is_given_up_and_the_next_call_is_well(connect: Connect, script: Script) -> None:
    _, client = connect(script, answering(said(HEALTH)), timeout=SHORT)
    with pytest.raises(Unavailable, match="did not answer in time") as caught:
        client.ask("health")
    assert caught.value.hint == "It may be busy: try again, or give it more time."
    assert client.ask("health").ready


def test_a_change_that_is_too_slow_may_have_been_done(connect: Connect) -> None:
    _, client = connect(silent, timeout=SHORT)
    with pytest.raises(Unavailable) as caught:
        client.ask("delete_volume", "p", "v", wait=None)
    assert "may have been done" in caught.value.hint


def test_a_kept_connection_that_is_slow_is_no_broken_one(connect: Connect) -> None:
    def script(peer: Peer) -> None:
        peer.request()
        peer.send(said(HEALTH))
        silent(peer)

    fake, client = connect(script, timeout=SHORT)
    client.ask("health")
    with pytest.raises(Unavailable, match="in time"):
        client.ask("health")
    assert len(fake.requests) == 2


def test_with_patience_what_is_too_slow_is_asked_again_under_its_key(connect: Connect) -> None:
    fake, client = connect(silent, answering(said(OPERATION)), timeout=SHORT, patience=30)
    assert client.ask("delete_volume", "p", "v", wait=None).state == "done"
    assert len({request.key for request in fake.requests}) == 1


SLOW_CALLS = {
    "a wait": ("delete_volume", ("p", "v"), {"wait": 30}, OPERATION),
    "a wait for an operation": ("operation", ("x",), {"wait": 30}, OPERATION),
    "an audit": ("audit", (), {}, {"items": []}),
    "a repair": ("audit", (), {"repair": True}, {"items": []}),
}


@pytest.mark.parametrize(("method", "args", "options", "body"), SLOW_CALLS.values(), ids=SLOW_CALLS.keys())
def test_what_takes_its_time_gets_it(
    connect: Connect, method: str, args: tuple[str, ...], options: dict[str, object], body: object
) -> None:
    def script(peer: Peer) -> None:
        peer.request()
        time.sleep(1.4 * SHORT)
        peer.send(said(body))
        peer.ended()

    _, client = connect(script, timeout=SHORT)
    client.ask(method, *args, **options)


@pytest.mark.parametrize("timeout", [0.0, -1.0, float("nan"), float("inf"), 1e9])
def test_a_timeout_that_is_none_is_refused(kind: str, timeout: float) -> None:
    with pytest.raises(Invalid, match="no timeout"):
        Either(kind, "unix:/nowhere", timeout=timeout)


@pytest.mark.parametrize("wait", [-1.0, float("nan"), 3601.0])
def test_a_wait_that_the_daemon_would_refuse_is_refused_before(connect: Connect, wait: float) -> None:
    fake, client = connect()
    with pytest.raises(Invalid, match="seconds a request can wait"):
        client.ask("delete_volume", "p", "v", wait=wait)
    assert fake.connections == 0
