"""Many connections at once: those that do nothing keep nobody out, and one too many is told so."""

import contextlib
import resource
import socket
from collections.abc import Iterator

import pytest

from tests.daemon import RealDaemon, wait_until
from tests.faces.tcp import Tcp, tcp_daemon
from tests.faces.wire import Wire, ask, unix

MOST = 20


@pytest.fixture
def descriptors() -> Iterator[None]:
    """Enough of them for this process."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < 4096:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture(scope="module")
def few() -> Iterator[Tcp]:
    """A daemon with room for a few, and little patience."""
    with tcp_daemon(limits=f"connections = {MOST}\nrequest_seconds = 1\nidle_seconds = 60") as tcp:
        tcp.daemon.start()
        yield tcp


def test_a_thousand_idle_connections_keep_nobody_out(daemon: RealDaemon, descriptors: None) -> None:
    daemon.start()
    with contextlib.ExitStack() as stack:
        idle = [stack.enter_context(unix(daemon)) for _ in range(1000)]
        for wire in idle[::2]:
            wire.send(b"GET /v1/sta")  # and half of them have begun
        for _ in range(50):
            assert ask(daemon, "GET", "/v1/status").status == 200
        assert idle[1].ask("GET", "/v1/status").status == 200
        assert idle[-1].ask("GET", "/v1/status").status == 200
    assert "level=error" not in daemon.log_tail()


def all_places(daemon: RealDaemon, stack: contextlib.ExitStack) -> list[Wire]:
    """As many connections as there may be, once those of before are gone."""
    wires: list[Wire] = []

    def taken() -> bool:
        wire = unix(daemon)
        if wire.ask("GET", "/healthz").status == 200:
            wires.append(stack.enter_context(wire))
        else:
            wire.close()
        return len(wires) == MOST

    wait_until(taken, "all places are taken")
    return wires


def test_a_connection_too_many_is_told_so_and_the_next_one_after_an_end_is_served(few: Tcp) -> None:
    with contextlib.ExitStack() as stack:
        wires = all_places(few.daemon, stack)
        with unix(few.daemon) as one_more:
            one_more.receive().problem(503, "unavailable")
            assert one_more.closed()
        assert wires[0].ask("GET", "/healthz").status == 200
        wires[0].close()
        wait_until(lambda: _served(few.daemon), "its place is free")


def _served(daemon: RealDaemon) -> bool:
    with unix(daemon) as wire:
        wire.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        return wire.receive().status == 200


def test_a_flood_of_them_is_cut_off_and_leaves_the_daemon_well(few: Tcp) -> None:
    with contextlib.ExitStack() as stack:
        held = all_places(few.daemon, stack)
        flood = [stack.enter_context(unix(few.daemon)) for _ in range(10 * MOST)]
        for wire in flood:
            with contextlib.suppress(ConnectionError):
                assert wire.file.readline() in (b"HTTP/1.1 503 Service Unavailable\r\n", b"")
        assert held[0].ask("GET", "/healthz").status == 200
    wait_until(lambda: _served(few.daemon), "there is room again")
    assert "level=error" not in few.daemon.log_tail()


def test_the_listeners_count_for_themselves(few: Tcp) -> None:
    token = few.token("remote")
    with contextlib.ExitStack() as stack:
        all_places(few.daemon, stack)
        assert few.ask(token, "GET", "/v1/status").status == 200


@pytest.mark.parametrize("said", [b"", b"\x16\x03\x01"], ids=["silence", "half a hello"])
def test_a_handshake_that_does_not_end_is_cut_off(few: Tcp, said: bytes) -> None:
    with socket.create_connection(("127.0.0.1", few.port), timeout=30) as plain:
        plain.sendall(said)
        with contextlib.suppress(ConnectionError):
            assert plain.recv(100) == b""
    assert "Traceback" not in few.daemon.log_tail()


def test_many_handshakes_that_do_not_end_keep_nobody_out(few: Tcp, descriptors: None) -> None:
    token = few.token("handshaker")
    with contextlib.ExitStack() as stack:
        for _ in range(300):
            stack.enter_context(socket.create_connection(("127.0.0.1", few.port), timeout=30))
        assert few.ask(token, "GET", "/v1/status").status == 200
