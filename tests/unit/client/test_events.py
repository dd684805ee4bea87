"""Server-sent events, however they come in parts; a stream ends with its daemon, breaks, or is closed."""

import json
import time

import pytest

from holdfast.client import aio, events
from holdfast.client import client as sync
from holdfast.client.events import EventParser
from holdfast.client.wire import Event
from holdfast.model.errors import Unavailable
from tests.unit.client.conftest import Connect
from tests.unit.client.fake import BOUND, OPERATION, Peer, Script, answering, chunks, problem

READY = b"id: 6\r\nevent: ready\r\ndata: {}\r\n\r\n"
CHANGE = f"id: 7\r\nevent: operation\r\ndata: {json.dumps(OPERATION)}\r\n\r\n".encode()
ALIVE = b": still here\r\n\r\n"
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


def parsed(*parts: bytes) -> list[Event]:
    parser = EventParser()
    return [event for part in parts for event in parser.feed(part)]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_events_are_the_same_wherever_their_bytes_are_parted(end: bytes) -> None:
    raw = (READY + ALIVE + CHANGE + b"id: 8\r\nevent: operation\r\n\r\n: x\r\n\r\n" + CHANGE).replace(b"\r\n", end)
    # A carriage return may be half of an end; only what follows it tells.
    raw += b":"
    whole = parsed(raw)
    assert [(event.id, event.kind) for event in whole] == [("6", "ready"), ("7", "operation"), ("7", "operation")]
    for at in range(len(raw)):
        assert parsed(raw[:at], raw[at:]) == whole
    assert parsed(*(bytes([byte]) for byte in raw)) == whole


def test_an_event_is_told_with_its_last_byte() -> None:
    for end in (b"\n\n", b"\r\n\r\n"):
        parser = EventParser()
        assert not list(parser.feed(b"event: ready" + end[: len(end) // 2] + b"data: {}" + end[:-1]))
        assert len(list(parser.feed(end[-1:]))) == 1


def test_data_of_many_lines_are_joined_by_line_ends() -> None:
    half = json.dumps({**OPERATION, "reason": "a"}, indent=1).encode()
    raw = b"event:operation\n" + b"".join(b"data:" + line + b"\n" for line in half.split(b"\n")) + b"\n"
    (event,) = parsed(raw)
    assert event.operation is not None
    assert event.operation.reason == "a"


def test_a_line_end_in_data_parts_what_stands_at_its_sides() -> None:
    first, second = json.dumps({**OPERATION, "changed": 12}).split("12")
    with pytest.raises(Unavailable):
        parsed(f"event: operation\ndata: {first}1\ndata: 2{second}\n\n".encode())


def test_comments_fields_of_no_meaning_and_events_without_data_are_passed_over() -> None:
    raw = b":\n: data: x\nretry: 5\nnews\ndata\n\nevent: ready\n\nfoo: bar\ndata: {}\n\n"
    assert parsed(raw) == [Event("", "message")]


def test_an_id_stays_until_there_is_another() -> None:
    assert [event.id for event in parsed(b"id: 1\ndata: a\n\ndata: b\n\nid: 2\ndata: c\n\nid\ndata: d\n\n")] == [
        "1", "1", "2", "",
    ]  # fmt: skip


def test_a_kind_of_a_newer_daemon_is_given_without_an_operation() -> None:
    assert parsed(b"id: 1\nevent: weather\ndata: rain\n\n") == [Event("1", "weather")]


def test_a_line_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "LARGEST", 1000)
    with pytest.raises(Unavailable, match="does not end"):
        parsed(*[b"x" * 100] * 11)


@pytest.mark.parametrize("data", [b"{}", b"[", b"\xff", b"[" * 100_000])
def test_an_operation_that_cannot_be_read_is_unavailable(data: bytes) -> None:
    with pytest.raises(Unavailable, match="event '7' cannot be read"):
        parsed(b"id: 7\nevent: operation\ndata: " + data + b"\n\n")


def streaming(*parts: bytes, end: bytes = b"") -> Script:
    """A stream of these parts; with `end` as its last bytes, else open until the client closes it."""

    def script(peer: Peer) -> None:
        peer.request()
        peer.send(HEAD, *(b"%x\r\n%s\r\n" % (len(part), part) for part in parts))
        if end:
            peer.send(end)
        else:
            peer.ended()

    return script


def test_a_stream_gives_events_as_they_come_and_closes_its_connection(connect: Connect) -> None:
    fake, client = connect(streaming(READY[:5], READY[5:], ALIVE, CHANGE + ALIVE))
    stream = client.events("5")
    first, second = stream.next(), stream.next()
    assert first == Event("6", "ready")
    assert second is not None
    assert second.operation is not None
    assert second.operation.id == OPERATION["id"]
    assert fake.requests[0].headers["last-event-id"] == "5"
    stream.close()
    fake.left()


def test_a_stream_that_nobody_asked_an_event_of_opens_no_connection(connect: Connect) -> None:
    fake, client = connect()
    client.events().close()
    assert fake.connections == 0


def test_a_stream_ends_when_its_daemon_says_so(connect: Connect) -> None:
    _, client = connect(answering(chunks(READY, CHANGE)))
    assert [event.kind for event in client.events()] == ["ready", "operation"]


BREAKS = {"between parts": b" ", "in a part": b"30\r\nid: 7", "with garbage": b"many\r\n"}


@pytest.mark.parametrize("end", BREAKS.values(), ids=BREAKS.keys())
def test_a_stream_that_breaks_is_unavailable(connect: Connect, end: bytes) -> None:
    _, client = connect(streaming(READY, end=end))
    stream = client.events()
    first = stream.next()
    assert first is not None
    with pytest.raises(Unavailable):
        stream.next()


def test_a_silent_stream_is_a_dead_daemons(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (sync, aio):
        monkeypatch.setattr(module, "SILENCE", 0.2)
    _, client = connect(streaming(READY))
    stream = client.events()
    assert stream.next() == Event("6", "ready")
    begun = time.monotonic()
    with pytest.raises(Unavailable, match="in time"):
        stream.next()
    assert time.monotonic() - begun < BOUND / 2


def test_with_patience_a_stream_begins_when_there_is_a_daemon_that_answers(connect: Connect) -> None:
    stopping = problem("unavailable", 503, "The daemon is stopping.")
    fake, client = connect(Peer.request, answering(stopping), answering(chunks(READY)), patience=30)
    assert [event.kind for event in client.events()] == ["ready"]
    assert len(fake.requests) == 3
