"""An answer is read whole however it comes, or it is Unavailable; never another call's, never half."""

import contextlib
import json

import pytest

from holdfast import http1
from holdfast.client import aio_transport
from holdfast.model.errors import Unavailable
from tests.unit.client.conftest import Connect
from tests.unit.client.fake import HEALTH, OPERATION, TOKEN, Peer, Script, answering, chunks, said

RAW = json.dumps(HEALTH).encode()


def test_an_answer_in_single_bytes_is_read_whole(connect: Connect) -> None:
    def script(peer: Peer) -> None:
        peer.request()
        peer.send(*(bytes([byte]) for byte in said(HEALTH)))
        peer.ended()

    _, client = connect(script)
    assert client.ask("health").ready


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_a_chunked_answer_is_read_whole(connect: Connect, size: int) -> None:
    parts = [RAW[at : at + size] for at in range(0, len(RAW), size)]
    _, client = connect(answering(chunks(*parts), said(HEALTH)))
    assert client.ask("health").ready
    assert client.ask("health").ready


def test_extensions_and_trailers_of_chunks_are_passed_over(connect: Connect) -> None:
    raw = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n%x;a=b\r\n%s\r\n0\r\nx: y\r\n\r\n" % (len(RAW), RAW)
    _, client = connect(answering(raw, said(HEALTH)))
    assert client.ask("health").ready
    assert client.ask("health").ready


def test_a_body_that_ends_with_its_connection_is_read_whole(connect: Connect) -> None:
    def script(peer: Peer) -> None:
        peer.request()
        peer.send(b"HTTP/1.1 200 OK\r\n\r\n", RAW)

    _, client = connect(script, answering(said(HEALTH)))
    assert client.ask("health").ready
    assert client.ask("health").ready


def test_interim_answers_are_passed_over_and_none_is_taken_for_the_next_ones(connect: Connect) -> None:
    interim = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n"
    fake, client = connect(answering(interim + said(HEALTH), interim + said({**HEALTH, "reason": "second"})))
    assert client.ask("health").reason == ""
    assert client.ask("health").reason == "second"
    assert fake.connections == 1


def test_a_large_answer_is_read_whole(connect: Connect) -> None:
    items = [{**OPERATION, "reason": "x" * 1000} for _ in range(3000)]
    _, client = connect(answering(said({"items": items, "next": None})))
    assert len(client.ask("operations", limit=3000)) == 3000


@pytest.mark.parametrize("chunked", [False, True])
def test_an_answer_without_end_is_given_up(connect: Connect, monkeypatch: pytest.MonkeyPatch, *, chunked: bool) -> None:
    for module in (http1, aio_transport):
        monkeypatch.setattr(module, "LARGEST", 1 << 20)
    part = b"x" * (1 << 17)
    raw = chunks(*[part] * 10) if chunked else b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % (1 << 60) + part * 10

    def script(peer: Peer) -> None:
        peer.request()
        with contextlib.suppress(ConnectionError):
            peer.sock.sendall(raw)
            peer.ended()

    _, client = connect(script, answering(said(HEALTH)))
    with pytest.raises(Unavailable, match="larger than 1048576 bytes"):
        client.ask("health")
    assert client.ask("health").ready


CUT = {
    "nothing at all": b"",
    "half a status": b"HTTP/1.1 20",
    "half a head": said(HEALTH)[:40],
    "a head": said(HEALTH)[: -len(RAW)],
    "half a body": said(HEALTH)[:-5],
    "a chunk less": chunks(RAW, b" ")[:-9],
    "all but the last chunk": chunks(RAW)[:-5],
    "a body said to be endless": b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (1 << 60, RAW),
    "only an interim answer": b"HTTP/1.1 103 Early Hints\r\n\r\n",
    "no HTTP": b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
    "zero bytes": b"\0" * 500,
    "another HTTP": b"HTTP/9.9 200 OK\r\n\r\n",
    "no status": b"HTTP/1.1 fine\r\n\r\n",
    "a chunk of no size": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nmany\r\n" + RAW,
    "a chunk below zero": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n-5\r\n" + RAW,
    "a head too large": b"HTTP/1.1 200 OK\r\nx: " + b"y" * 1_000_000 + b"\r\n\r\n" + RAW,
    "other words": b"HTTP/1.1 101 Switching Protocols\r\nupgrade: chat\r\nconnection: upgrade\r\n\r\n",
    "a move": b"HTTP/1.1 302 Found\r\nlocation: /healthz\r\ncontent-length: 0\r\n\r\n",
    "no content": b"HTTP/1.1 204 No Content\r\n\r\n",
}


def cut(raw: bytes) -> Script:
    def script(peer: Peer) -> None:
        peer.request()
        try:
            peer.sock.sendall(raw)
        except ConnectionError:
            assert len(raw) > 100_000  # the client need not read all of it

    return script


@pytest.mark.parametrize("raw", CUT.values(), ids=CUT.keys())
def test_what_is_no_whole_answer_is_unavailable_and_the_next_call_is_well(connect: Connect, raw: bytes) -> None:
    fake, client = connect(cut(raw), answering(said(HEALTH)))
    with pytest.raises(Unavailable) as caught:
        client.ask("health")
    assert caught.value.detail
    assert caught.value.hint
    assert client.ask("health").ready
    assert len(fake.requests) == 2


def test_fields_that_this_client_does_not_know_are_passed_over(connect: Connect) -> None:
    newer = {**OPERATION, "mood": "good", "resource": {**OPERATION["resource"], "colour": ["red"]}}
    _, client = connect(answering(said(newer), said({"items": [newer], "next": None, "total": 1})))
    assert client.ask("operation", "x").state == "done"
    assert [op.state for op in client.ask("operations")] == ["done"]


UNREADABLE = {
    "a missing field": ({"items": [{"id": "x"}]}, "missing required field `kind`"),
    "another type": ({"items": 1}, "Expected `array`, got `int`"),
    "a state it does not know": ({"items": [{**OPERATION, "state": "asleep"}]}, "asleep"),
    "no JSON": (b"<html>", "malformed"),
    "nothing": (b"", "truncated"),
    "no UTF-8": (b'{"items":[],"next":"\xff"}', "utf-8"),
    "too deep": (b'{"x":' + b"[" * 100_000, "recursion"),
}


@pytest.mark.parametrize(("body", "why"), UNREADABLE.values(), ids=UNREADABLE.keys())
def test_an_answer_that_cannot_be_read_is_unavailable_and_says_why(connect: Connect, body: object, why: str) -> None:
    _, client = connect(answering(said(body), said(HEALTH)))
    with pytest.raises(Unavailable) as caught:
        client.ask("operations")
    assert "GET /v1/operations" in caught.value.detail
    assert why in caught.value.detail
    assert "version" in caught.value.hint
    assert client.ask("health").ready


def test_a_secret_in_an_answer_that_cannot_be_read_is_not_shown(connect: Connect) -> None:
    _, client = connect(answering(said({"secret": "hf_verysecret"})), answering(said(TOKEN)))
    with pytest.raises(Unavailable) as caught:
        client.ask("create_token", "t")
    assert "verysecret" not in f"{caught.value.detail} {caught.value.hint} {caught.value!r}"
    assert client.ask("create_token", "t").secret == TOKEN["secret"]


def test_metrics_are_text_as_it_is(connect: Connect) -> None:
    _, client = connect(answering(said(b"holdfast_ready 1.0\n")))
    assert client.ask("metrics") == "holdfast_ready 1.0\n"
