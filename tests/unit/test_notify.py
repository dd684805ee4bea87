"""The service manager hears what sd_notify(3) lets it hear, and a daemon without one misses nothing."""

import contextlib
import os
import secrets
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from holdfast import notify
from holdfast.notify import Notifier


@contextlib.contextmanager
def manager(address: str) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(address)
        listening.setblocking(False)
        yield listening


@pytest.fixture
def listening(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    path = str(tmp_path / "notify")
    monkeypatch.setenv("NOTIFY_SOCKET", path)
    with manager(path) as found:
        yield found


def heard(listening: socket.socket) -> list[bytes]:
    found = []
    with contextlib.suppress(BlockingIOError):
        while True:
            found.append(listening.recv(4096))
    return found


def test_a_daemon_that_serves_says_so_with_a_line_for_people(listening: socket.socket) -> None:
    Notifier.from_environment().ready("3 pools")
    assert heard(listening) == [b"READY=1\nSTATUS=3 pools"]


def test_stopping_and_being_alive_and_a_status_are_one_message_each(listening: socket.socket) -> None:
    notifier = Notifier.from_environment()
    notifier.alive()
    notifier.status("2 unfinished")
    notifier.stopping()
    assert heard(listening) == [b"WATCHDOG=1", b"STATUS=2 unfinished", b"STOPPING=1"]


def test_an_abstract_socket_is_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"holdfast-test-{secrets.token_hex(8)}"
    monkeypatch.setenv("NOTIFY_SOCKET", f"@{name}")
    with manager(f"\0{name}") as listening:
        Notifier.from_environment().ready()
        assert heard(listening) == [b"READY=1"]


def test_a_status_with_newlines_assigns_nothing_else(listening: socket.socket) -> None:
    Notifier.from_environment().status("a\nMAINPID=1\n\udcff")
    assert heard(listening) == [b"STATUS=a MAINPID=1 \\udcff"]


def test_without_a_manager_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    monkeypatch.setenv("WATCHDOG_USEC", "1000000")
    notifier = Notifier.from_environment()
    with capture_logs() as logs:
        notifier.ready("up")
    assert logs == []
    assert notifier.watchdog_interval is None


def test_an_address_that_is_neither_path_nor_abstract_is_left_alone_and_logged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", "vsock:2:1234")
    with capture_logs() as logs:
        notifier = Notifier.from_environment()
        notifier.ready()
    assert [line["log_level"] for line in logs] == ["warning"]


def test_a_manager_that_is_gone_is_logged_and_stops_nothing(listening: socket.socket) -> None:
    notifier = Notifier.from_environment()
    listening.close()
    with capture_logs() as logs:
        notifier.ready()
    assert [(line["log_level"], line["state"]) for line in logs] == [("warning", "READY=1")]


def test_a_manager_that_does_not_listen_holds_the_daemon_no_longer_than_its_patience(
    listening: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notify, "_PATIENCE", 0.05)
    notifier = Notifier.from_environment()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as others, contextlib.suppress(BlockingIOError):
        others.setblocking(False)
        others.connect(listening.getsockname())
        while True:
            others.send(b"x")
    with capture_logs() as logs:
        notifier.alive()
    assert [line["state"] for line in logs] == ["WATCHDOG=1"]
    assert b"WATCHDOG=1" not in heard(listening)


def test_children_do_not_see_the_manager(listening: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "1000000")
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()))
    Notifier.from_environment()
    child = "import os; print([name for name in os.environ if name.startswith(('NOTIFY_', 'WATCHDOG_'))])"
    done = subprocess.run([sys.executable, "-c", child], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
    assert heard(listening) == []


@pytest.mark.parametrize(
    ("usec", "pid", "seconds"),
    [
        ("60000000", "ours", 30.0), ("1000000", "", 0.5), ("60000000", "1", None), ("", "", None),
        ("0", "", None), ("soon", "", None), ("-5", "", None), ("²", "", None),
    ],
)  # fmt: skip
def test_the_watchdog_is_fed_at_half_its_time_if_it_watches_us(
    listening: socket.socket, monkeypatch: pytest.MonkeyPatch, usec: str, pid: str, seconds: float | None
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", usec)
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()) if pid == "ours" else pid)
    assert Notifier.from_environment().watchdog_interval == seconds
    assert heard(listening) == []
