"""Tokens over TLS: made once, told once, and worth nothing from the moment they are revoked or have expired."""

import socket
import ssl
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.model.errors import Exists, Invalid, NotFound
from tests.daemon import wait_until
from tests.faces.tcp import Tcp, tcp_daemon
from tests.faces.wire import ask, request


@pytest.fixture(scope="module")
def tcp() -> Iterator[Tcp]:
    """One daemon for all; it forgives many failures."""
    with tcp_daemon(limits="auth_failures = 1000000\nrequest_seconds = 2") as found:
        found.daemon.start()
        yield found


def test_a_token_lets_in_until_it_is_revoked_also_on_a_connection_that_is_open(tcp: Tcp) -> None:
    bearer = f"Bearer {tcp.token('short')}"
    with tcp.connect() as wire:
        assert wire.ask("GET", "/v1/status", Authorization=bearer).status == 200
        tcp.daemon.client().revoke_token("short")
        wire.ask("GET", "/v1/status", Authorization=bearer).problem(401, "unauthenticated")


def test_a_token_is_revoked_by_its_id_too_and_only_once(tcp: Tcp) -> None:
    client = tcp.daemon.client()
    made = client.create_token("twice")
    assert client.revoke_token(made.token.id).name == "twice"
    with pytest.raises(NotFound):
        client.revoke_token("twice")
    tcp.ask(made.secret, "GET", "/v1/status").problem(401, "unauthenticated")


def test_a_name_made_anew_does_not_revive_the_old_token(tcp: Tcp) -> None:
    client = tcp.daemon.client()
    old = client.create_token("again", "admin").secret
    client.revoke_token("again")
    new = client.create_token("again", "viewer").secret
    tcp.ask(old, "GET", "/v1/status").problem(401, "unauthenticated")
    assert tcp.ask(new, "GET", "/v1/status").status == 200
    with pytest.raises(Exists):
        client.create_token("again")


def test_a_token_expires(tcp: Tcp) -> None:
    client = tcp.daemon.client()
    made = client.create_token("brief", "viewer", 1.0)
    assert made.token.expires_at == pytest.approx(made.token.created_at + 1.0)
    wait_until(lambda: tcp.ask(made.secret, "GET", "/v1/status").status == 401, "it has expired")
    assert "expired" in tcp.ask(made.secret, "GET", "/v1/status").problem(401, "unauthenticated")["detail"]
    assert "brief" in [token.name for token in client.tokens()]


@pytest.mark.parametrize("lifetime", [0.5, -1.0, 1e12])
def test_a_lifetime_that_makes_no_sense_is_refused(tcp: Tcp, lifetime: float) -> None:
    with pytest.raises(Invalid):
        tcp.daemon.client().create_token("never", "viewer", lifetime)


def test_a_wrong_secret_and_an_unknown_id_are_answered_alike(tcp: Tcp) -> None:
    good = tcp.token("known")
    prefix, ident, secret = good.split("_")
    wrong = [f"{prefix}_{ident}_{'0' * 64}", f"{prefix}_{'0' * 16}_{secret}", f"xx_{ident}_{secret}", good + "0"]
    answers = [tcp.ask(token, "GET", "/v1/status") for token in wrong]
    assert len({answer.body for answer in answers}) == 1
    answers[0].problem(401, "unauthenticated")


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Basic aGY6aGY=", "Bearer x y", "Bearer \xe9\xff", "Bearer hf__", "hf_a_b"]
)
def test_an_authorization_that_is_none_is_refused(tcp: Tcp, header: str) -> None:
    with tcp.connect() as wire:
        answer = wire.ask("GET", "/v1/status", Authorization=header)
    answer.problem(401, "unauthenticated")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert "level=error" not in tcp.daemon.log_tail()


def test_the_scheme_may_be_written_in_any_case(tcp: Tcp) -> None:
    token = tcp.token("cased")
    with tcp.connect() as wire:
        assert wire.ask("GET", "/v1/status", Authorization=f"bearer {token}").status == 200


def test_a_secret_is_nowhere_but_in_its_answer(tcp: Tcp) -> None:
    made = tcp.daemon.client().create_token("hidden", "operator")
    tcp.ask(made.secret, "DELETE", "/v1/pools/nothing")
    tcp.ask(made.secret + "1", "DELETE", "/v1/pools/nothing")
    secret = made.secret.split("_")[2]
    listed = ask_all(tcp)
    assert made.token.id.encode() in listed
    for place in [listed, *(file.read_bytes() for file in _files(tcp))]:
        assert secret.encode() not in place
    assert any(made.token.id.encode() in file.read_bytes() for file in _files(tcp))  # the row is where it was sought


def ask_all(tcp: Tcp) -> bytes:
    """The list of tokens, as it comes."""
    return tcp.ask(tcp.token("lister", "admin"), "GET", "/v1/tokens").body


def _files(tcp: Tcp) -> list[Path]:
    """All that the daemon writes."""
    return [tcp.daemon.log, *(file for file in tcp.daemon.state.rglob("*") if file.is_file())]


def test_tokens_outlive_the_daemon(tcp: Tcp) -> None:
    token = tcp.token("lasting")
    tcp.daemon.kill()
    tcp.daemon.start()
    assert tcp.ask(token, "GET", "/v1/status").status == 200


def test_a_token_on_the_unix_socket_is_not_asked_for(tcp: Tcp) -> None:
    assert ask(tcp.daemon, "GET", "/v1/tokens", Authorization="Bearer nobody").status == 200


@pytest.mark.parametrize("said", [b"\x00" * 300, b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\xff\xff" + b"a" * 500, b""])
def test_what_is_no_tls_is_hung_up_on(tcp: Tcp, said: bytes) -> None:
    with socket.create_connection(("127.0.0.1", tcp.port), timeout=30) as plain:
        plain.sendall(said)
        try:
            while plain.recv(4096):
                pass
        except ConnectionError:
            pass
    assert "level=error" not in tcp.daemon.log_tail()
    assert "Traceback" not in tcp.daemon.log_tail()


def test_an_old_version_of_tls_is_refused(tcp: Tcp) -> None:
    context = ssl.create_default_context(cafile=tcp.ca)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    with (
        socket.create_connection(("127.0.0.1", tcp.port), timeout=30) as plain,
        pytest.raises(OSError),
        context.wrap_socket(plain, server_hostname="localhost") as wrapped,
    ):
        wrapped.sendall(request("GET", "/healthz"))


def test_after_too_many_failures_an_address_is_told_when_to_come_again() -> None:
    with tcp_daemon(limits="auth_failures = 3") as tcp:
        tcp.daemon.start()
        good = tcp.token("good")
        for _ in range(3):
            tcp.ask("hf_x_y", "GET", "/v1/status").problem(401, "unauthenticated")
        answer = tcp.ask("hf_x_y", "GET", "/v1/status")
        answer.problem(429, "too-many")
        assert 0 < int(answer.headers["retry-after"]) <= 60
        assert tcp.ask(good, "GET", "/v1/status").status == 200  # a neighbour's failures are not his
        assert tcp.ask("", "GET", "/healthz").status == 200
        assert ask(tcp.daemon, "GET", "/v1/status").status == 200  # the socket knows no tokens
