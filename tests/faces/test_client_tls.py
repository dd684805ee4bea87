"""Both clients over TLS: the daemon proves who it is, a token who asks; neither is ever passed over."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from holdfast.client import aio_transport, transport
from holdfast.client.aio import AsyncClient
from holdfast.model.errors import Forbidden, HoldfastError, Unauthenticated, Unavailable
from tests.daemon import PATIENCE, RealDaemon, run, wait_until
from tests.faces.tcp import Tcp, tcp_daemon
from tests.needs import need
from tests.unit.client.fake import Either

Made = Callable[..., Either]


@pytest.fixture(scope="module")
def tcp() -> Iterator[Tcp]:
    """A daemon at every IPv4 address of this machine; its certificate is for localhost and 127.0.0.1."""
    with tcp_daemon() as found:
        found.daemon.config = found.daemon.config.replace('"127.0.0.1:', '"0.0.0.0:')
        found.daemon.with_pool()
        yield found


@pytest.fixture(params=["sync", "async"])
def made(request: pytest.FixtureRequest, tcp: Tcp, monkeypatch: pytest.MonkeyPatch) -> Iterator[Made]:
    """Clients of one kind with these options, else with the right ones."""
    for name in ("HOLDFAST_TOKEN", "HOLDFAST_TOKEN_FILE", "HOLDFAST_CA_FILE"):
        monkeypatch.delenv(name, raising=False)
    with ExitStack() as stack:

        def make(host: str = "localhost", **options: Any) -> Either:
            client = Either(str(request.param), f"https://{host}:{tcp.port}", **{"ca_file": tcp.ca, **options})
            stack.callback(client.close)
            return client

        yield make


def refusal(kind: type[HoldfastError], client: Either, method: str = "pools", *args: object) -> HoldfastError:
    """What it is refused with; it says what to do next."""
    with pytest.raises(HoldfastError) as caught:
        client.ask(method, *args)
    assert type(caught.value) is kind, caught.value
    assert caught.value.hint
    return caught.value


def test_a_token_lets_in_as_far_as_its_role_goes(made: Made, tcp: Tcp) -> None:
    viewer = made(token=tcp.token("viewer"))
    operator = made("127.0.0.1", token=tcp.token("operator", "operator"))
    assert [pool.name for pool in viewer.ask("pools")] == ["p"]
    refusal(Forbidden, viewer, "create_volume", "p", "v", "1MiB")
    assert operator.ask("create_volume", "p", "v", "1MiB").state == "done"
    assert [volume.name for volume in viewer.ask("volumes", "p")] == ["v"]
    assert operator.ask("delete_volume", "p", "v").state == "done"
    for name in ("viewer", "operator"):
        tcp.daemon.client().revoke_token(name)


def test_the_environment_gives_token_and_certificates(made: Made, tcp: Tcp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOLDFAST_TOKEN", tcp.token("env"))
    monkeypatch.setenv("HOLDFAST_CA_FILE", tcp.ca)
    assert made(ca_file="").ask("pools")
    tcp.daemon.client().revoke_token("env")


def test_calls_share_one_connection_over_tls(made: Made, tcp: Tcp, monkeypatch: pytest.MonkeyPatch) -> None:
    client = made(token=tcp.token("shared"))
    opened = []
    for module in (transport, aio_transport):

        def counted(*args: Any, _open: Callable[..., Any] = module.open_to) -> Any:
            opened.append(args)
            return _open(*args)

        monkeypatch.setattr(module, "open_to", counted)
    for _ in range(5):
        client.ask("pools")
    assert len(opened) == 1
    tcp.daemon.client().revoke_token("shared")


def test_a_stream_comes_over_tls(made: Made, tcp: Tcp) -> None:
    stream = made(token=tcp.token("stream")).events()
    first = stream.next()
    assert first is not None
    assert first.kind == "ready"
    stream.close()
    tcp.daemon.client().revoke_token("stream")


def test_a_daemon_that_proves_by_another_ca_is_not_talked_to(made: Made, tcp: Tcp) -> None:
    other = str(tcp.daemon.root / "other.pem")
    run(
        need("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
        "-subj", "/CN=localhost", "-keyout", other + ".key", "-out", other,
    )  # fmt: skip
    # However patient: it would not be another daemon the next time.
    error = refusal(Unavailable, made(ca_file=other, token=tcp.token("ca"), patience=600))
    assert "certificate" in error.detail
    assert "ca_file" in error.hint
    refusal(Unavailable, made(ca_file="", token="hf_x"))  # noqa: S106  # no token at all
    tcp.daemon.client().revoke_token("ca")


def test_a_daemon_that_proves_by_another_name_is_not_talked_to(made: Made) -> None:
    error = refusal(Unavailable, made("127.0.0.2", patience=600))
    assert "127.0.0.2" in error.detail


@pytest.mark.parametrize("token", ["", "hf_nonsense"])
def test_without_a_known_token_nothing_is_shown(made: Made, token: str) -> None:
    error = refusal(Unauthenticated, made(token=token, patience=600))
    assert "nonsense" not in f"{error.detail} {error.hint}"


def test_a_token_that_was_revoked_lets_in_no_more_also_on_a_kept_connection(made: Made, tcp: Tcp) -> None:
    client = made(token=tcp.token("gone"))
    assert client.ask("pools")
    tcp.daemon.client().revoke_token("gone")
    refusal(Unauthenticated, client)


def test_a_token_that_expired_lets_in_no_more(made: Made, tcp: Tcp) -> None:
    client = made(token=tcp.token("short", lifetime=1.0))

    def refused() -> bool:
        try:
            client.ask("pools")
        except Unauthenticated:
            return True
        return False

    wait_until(refused, "the token expires")
    refusal(Unauthenticated, client)
    tcp.daemon.client().revoke_token("short")


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_port_where_nobody_listens_is_unavailable(kind: str, tcp: Tcp) -> None:
    client = Either(kind, "https://localhost:1", ca_file=tcp.ca)
    error = refusal(Unavailable, client)
    client.close()
    assert "https://localhost:1" in error.detail
    assert "TCP" in error.hint


def test_many_tasks_and_cancelled_ones_share_a_client_over_tls(tcp: Tcp) -> None:
    async def main(token: str) -> None:
        async with AsyncClient(f"https://localhost:{tcp.port}", token=token, ca_file=tcp.ca) as client:
            asked = [asyncio.ensure_future(client.pools()) for _ in range(40)]
            for task in asked[::4]:
                await asyncio.sleep(0.001)
                task.cancel()
            found = await asyncio.gather(*asked, return_exceptions=True)
            assert sum(isinstance(each, list) for each in found) >= 30
            assert all(isinstance(each, (list, asyncio.CancelledError)) for each in found)
            assert await client.pools()

    asyncio.run(asyncio.wait_for(main(tcp.token("many")), PATIENCE))
    tcp.daemon.client().revoke_token("many")


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_kept_connection_that_ended_with_a_restart_is_replaced_unnoticed(kind: str, daemon: RealDaemon) -> None:
    tcp = Tcp(daemon)
    daemon.start()
    client = Either(kind, f"https://localhost:{tcp.port}", ca_file=tcp.ca, token=tcp.token("t"))
    assert client.ask("pools") == []
    daemon.stop()
    daemon.start()
    assert client.ask("pools") == []
    client.close()
