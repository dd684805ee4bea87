"""Where a daemon is: from the argument, else from the environment; what cannot be an address is refused at once."""

from pathlib import Path

import pytest

from holdfast.client import Client, calls
from holdfast.client.address import DEFAULT, Address, address_of
from holdfast.client.wire import headers_of
from holdfast.model.errors import Invalid
from tests.unit.client.conftest import Connect
from tests.unit.client.fake import HEALTH, answering, said

NAMES = ("HOLDFAST_ADDRESS", "HOLDFAST_TOKEN", "HOLDFAST_TOKEN_FILE", "HOLDFAST_CA_FILE")


@pytest.fixture(autouse=True)
def env(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def test_without_an_address_it_is_the_environments_or_the_local_socket(env: pytest.MonkeyPatch) -> None:
    assert address_of("", "", "") == Address(path=DEFAULT.removeprefix("unix:"))
    env.setenv("HOLDFAST_ADDRESS", "https://box:8443")
    assert str(address_of("", "", "")) == "https://box:8443"
    assert address_of("unix:/s", "", "").path == "/s"


def test_a_token_is_the_argument_else_the_environments_else_a_files(env: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("from-file\n")
    env.setenv("HOLDFAST_TOKEN_FILE", str(file))
    assert address_of("https://box:1", "", "").token.reveal() == "from-file"
    env.setenv("HOLDFAST_TOKEN", "from-environment")
    assert address_of("https://box:1", "", "").token.reveal() == "from-environment"
    assert address_of("https://box:1", "mine", "").token.reveal() == "mine"


def test_a_token_is_not_sent_over_a_socket_that_asks_for_none(connect: Connect, env: pytest.MonkeyPatch) -> None:
    env.setenv("HOLDFAST_TOKEN", "hf_x")
    fake, client = connect(answering(said(HEALTH)))
    client.ask("health")
    assert "authorization" not in fake.requests[0].headers


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_token_file_that_cannot_be_read_is_named(
    env: pytest.MonkeyPatch, tmp_path: Path, content: bytes | None
) -> None:
    file = tmp_path / "token"
    if content is not None:
        file.write_bytes(content)
    env.setenv("HOLDFAST_TOKEN_FILE", str(file))
    with pytest.raises(Invalid) as caught:
        Client("https://box:1")
    assert str(file) in caught.value.detail
    assert "HOLDFAST_TOKEN_FILE" in caught.value.hint


HOSTS = {
    "https://box.example:8443": "box.example:8443",
    "https://10.0.0.7:8443/": "10.0.0.7:8443",
    "https://[::1]:8443": "[::1]:8443",
    "unix:/run/s": "localhost",
}


@pytest.mark.parametrize(("address", "host"), HOSTS.items())
def test_the_host_header_is_the_authority_an_ipv6_address_in_brackets(address: str, host: str) -> None:
    found = address_of(address, "hf_x", "")
    assert headers_of(calls.status(), found)["Host"] == host
    assert not found.host.startswith("[")


@pytest.mark.parametrize(
    "address",
    ["/run/s", "unix:", "http://box:1", "https://", "https://box", "https://box:0", "https://box:port", "https://::1:1",
     "https://box:1/v1", "https://me@box:1", "https://bo x:1", "https://box:1\r\nX: y"],
)  # fmt: skip
def test_what_is_no_address_is_refused_and_says_how_one_is_written(address: str) -> None:
    with pytest.raises(Invalid) as caught:
        Client(address)
    assert "https://HOST:PORT" in caught.value.hint


def test_a_ca_file_that_is_none_is_refused_at_the_first_call(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    for content in (None, "no certificate"):
        if content:
            file.write_text(content)
        with Client("https://localhost:1", ca_file=str(file)) as client, pytest.raises(Invalid, match=str(file)):
            client.status()


def test_proxies_of_the_environment_are_not_used(connect: Connect, env: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        env.setenv(name, "http://localhost:1")
    _, client = connect(answering(said(HEALTH)))
    assert client.ask("health").ready
