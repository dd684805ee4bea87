"""The daemon's refusals as errors with a class, a detail and a hint; what is none of its own proves nothing."""

import errno
import os

import pytest

from holdfast.client import Client, calls
from holdfast.client.address import Address
from holdfast.client.tries import PAUSE, Tries
from holdfast.client.wire import unreachable
from holdfast.model.errors import Forbidden, HoldfastError, NotFound, TooLarge, Unauthenticated, Unavailable, by_code
from holdfast.model.secrets import Secret
from tests.unit.client.conftest import Connect
from tests.unit.client.fake import HEALTH, Peer, answering, problem, said


@pytest.mark.parametrize("code", sorted(set(by_code()) - {"unavailable"}))
def test_a_problem_is_an_error_of_its_class_with_detail_and_hint(connect: Connect, code: str) -> None:
    kind = by_code()[code]
    _, client = connect(answering(problem(code, max(kind.status, 400)), said(HEALTH)))
    with pytest.raises(HoldfastError) as caught:
        client.ask("volume", "p", "v")
    assert type(caught.value) is kind
    assert (caught.value.detail, caught.value.hint) == ("What happened.", "What to do.")
    assert client.ask("health").ready


def test_a_code_of_a_newer_daemon_is_an_error_with_detail_and_hint(connect: Connect) -> None:
    _, client = connect(answering(problem("too-hot", 418)))
    with pytest.raises(HoldfastError) as caught:
        client.ask("status")
    assert type(caught.value) is HoldfastError
    assert (caught.value.detail, caught.value.hint) == ("What happened.", "What to do.")


def test_the_code_tells_and_not_the_status(connect: Connect) -> None:
    _, client = connect(answering(problem("forbidden", 404)))
    with pytest.raises(Forbidden):
        client.ask("volume", "p", "v")


def test_a_problem_without_a_hint_is_told_all_the_same(connect: Connect) -> None:
    _, client = connect(answering(said({"code": "not-found", "detail": "Gone.", "hint": 7}, "404 No")))
    with pytest.raises(NotFound, match="Gone") as caught:
        client.ask("volume", "p", "v")
    assert not caught.value.hint


NONE_OF_OURS = {
    "a page": b"<html>404</html>",
    "nothing": b"",
    "a list": [1, 2],
    "words": "not-found",
    "no code": {"detail": "Not Found", "status_code": 404},
    "no detail": {"code": "not-found"},
    "a code of another type": {"code": 404, "detail": "Not Found"},
    "no UTF-8": b'{"code":"not-found","detail":"\xff"}',
    "too deep": b"[" * 100_000,
}


@pytest.mark.parametrize("body", NONE_OF_OURS.values(), ids=NONE_OF_OURS.keys())
def test_another_servers_404_does_not_say_that_a_volume_is_absent(connect: Connect, body: object) -> None:
    _, client = connect(answering(said(body, "404 Not Found"), said(HEALTH)))
    with pytest.raises(Unavailable) as caught:
        client.ask("volume", "p", "v")
    assert "HTTP 404" in caught.value.detail
    assert caught.value.hint
    assert client.ask("health").ready


def test_another_servers_503_is_not_asked_again(connect: Connect) -> None:
    fake, client = connect(answering(said(b"busy", "503 No")), patience=30)
    with pytest.raises(Unavailable, match="HTTP 503"):
        client.ask("volume", "p", "v")
    assert len(fake.requests) == 1


def test_a_refused_stream_raises_its_error(connect: Connect) -> None:
    _, client = connect(answering(problem("unauthenticated", 401)))
    with pytest.raises(Unauthenticated, match="What happened"):
        client.events().next()


def test_a_socket_that_may_not_be_used_is_forbidden_and_says_who_may() -> None:
    error = PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    found = unreachable(Address(path="/run/s"), error, begun=False)
    assert isinstance(found, Forbidden)
    assert "/run/s" in found.detail
    assert "root" in found.hint


def test_what_would_be_the_same_again_is_not_tried_again() -> None:
    tries = Tries(calls.status(), Address(path="/run/s"), 600.0)
    assert tries.pause(ConnectionRefusedError(errno.ECONNREFUSED, "No"), kept=False) == PAUSE
    with pytest.raises(Forbidden):
        tries.pause(PermissionError(errno.EACCES, "No"), kept=False)


def test_a_token_is_in_no_repr_and_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOLDFAST_CA_FILE", raising=False)
    monkeypatch.setenv("HOLDFAST_TOKEN", "hf_verysecret")
    address = Address(host="box", port=1, token=Secret("hf_verysecret"))
    client = Client("https://[::1]:1")
    with pytest.raises(Unavailable) as caught:
        client.status()
    client.close()
    shown = [repr(address), str(address), repr(client), repr(vars(client)), repr(client._transport.address)]
    assert "verysecret" not in " ".join([*shown, repr(caught.value), caught.value.detail, caught.value.hint])


@pytest.mark.parametrize("secret", ["hf_very\nsecret", "hf_verysecret\r\nX-More: 1", "hf_verysecr\u00e9t"])
def test_a_token_that_no_header_can_carry_is_refused_and_not_shown(secret: str) -> None:
    client = Client("https://localhost:1", token=secret)
    with pytest.raises(HoldfastError) as caught:
        client.status()
    assert "Authorization" in caught.value.detail
    assert "very" not in f"{caught.value.detail} {caught.value.hint}"


def test_a_daemon_that_refuses_a_connection_before_the_request_is_heard(connect: Connect) -> None:
    too_many = problem("unavailable", 503, "Too many connections are open.")
    _, client = connect(*[lambda peer: peer.sock.sendall(too_many)] * 100)
    for _ in range(100):  # the order in which both sides do their part is not the same each time
        with pytest.raises(Unavailable, match="Too many connections"):
            client.ask("delete_volume", "p", "v")


def test_a_daemon_that_refuses_a_body_in_its_middle_is_heard(connect: Connect) -> None:
    def script(peer: Peer) -> None:
        assert peer.sock.recv(1000)
        peer.sock.sendall(problem("too-large", 413))

    _, client = connect(*[script] * 5)
    for _ in range(5):
        with pytest.raises(TooLarge):
            client.ask("create_volume", "p", "v", "1GiB", labels={"a": "x" * (4 << 20)})
