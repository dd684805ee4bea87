"""Every change can be told to somebody: the audit trail has who asked for what, from where, and how it was answered."""

import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from holdfast.faces.rest import trail as rest_trail
from holdfast.faces.rest.trail import Trail
from holdfast.runtime.threads import ThreadRuntime
from tests.daemon import RealDaemon
from tests.faces.tcp import Tcp, tcp_daemon
from tests.faces.wire import ask

VOLUMES = "/v1/pools/p/volumes"


def trail(daemon: RealDaemon) -> list[dict[str, Any]]:
    """All lines."""
    return lines_of(daemon, "audit.log")


def refused(daemon: RealDaemon) -> list[dict[str, Any]]:
    """Of those who were turned away."""
    return lines_of(daemon, "refused.log")


def lines_of(daemon: RealDaemon, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (daemon.state / name).read_text().splitlines()]


@pytest.fixture(scope="module")
def tcp() -> Iterator[Tcp]:
    """One daemon with a pool, over TLS too."""
    with tcp_daemon() as found:
        found.daemon.with_pool()
        yield found


def test_a_change_has_one_line_with_its_operation(tcp: Tcp) -> None:
    before = len(trail(tcp.daemon))
    answer = tcp.ask(tcp.token("deploy", "operator"), "POST", f"{VOLUMES}?wait=30", b'{"name":"v","size":"1MiB"}')
    op = answer.said
    line = trail(tcp.daemon)[-1]
    assert line.pop("time") == pytest.approx(op["created_at"], abs=30)
    assert line == {
        "actor": "token:deploy", "peer": "127.0.0.1", "method": "POST", "path": VOLUMES, "status": 200,
        "operation": op["id"],
    }  # fmt: skip
    assert op["actor"] == "token:deploy"
    assert len(trail(tcp.daemon)) == before + 2  # the token, the volume


def test_over_the_socket_the_actor_is_a_user(tcp: Tcp) -> None:
    op = ask(tcp.daemon, "DELETE", f"{VOLUMES}/v?wait=30").said
    line = trail(tcp.daemon)[-1]
    assert (line["actor"], line["peer"], line["operation"]) == ("uid:0", "unix", op["id"])
    assert op["actor"] == "uid:0"


def test_what_is_no_operation_is_there_too(tcp: Tcp) -> None:
    ask(tcp.daemon, "POST", "/v1/resume")
    line = trail(tcp.daemon)[-1]
    assert (line["path"], line["status"], line["operation"]) == ("/v1/resume", 200, "")


def test_a_change_that_was_refused_is_there_with_who_wanted_it(tcp: Tcp) -> None:
    viewer = tcp.token("curious")
    for token, body, status, actor in (
        (viewer, b"{}", 403, "token:curious"),
        ("hf_0_0", b"{}", 401, ""),
        ("", b"{}", 401, ""),
        (tcp.token("clumsy", "operator"), b"{", 400, "token:clumsy"),
    ):
        tcp.ask(token, "POST", VOLUMES, body).problem(status)
        line = (trail if status == 400 else refused)(tcp.daemon)[-1]
        assert (line["status"], line["actor"], line["peer"]) == (status, actor, "127.0.0.1")
        assert (line["method"], line["path"], line["operation"]) == ("POST", VOLUMES, "")


def test_a_look_is_only_there_if_it_was_refused(tcp: Tcp) -> None:
    viewer = tcp.token("looker")
    changes, before = len(trail(tcp.daemon)), len(refused(tcp.daemon))
    assert tcp.ask(viewer, "GET", "/v1/pools").status == 200
    assert tcp.ask(viewer, "GET", "/v1/nothing").status == 404
    assert len(refused(tcp.daemon)) == before
    assert tcp.ask(viewer, "GET", "/v1/tokens").status == 403
    assert tcp.ask("", "GET", "/v1/pools").status == 401
    assert [line["status"] for line in refused(tcp.daemon)[before:]] == [403, 401]
    assert len(trail(tcp.daemon)) == changes


def test_strangers_cannot_push_out_what_was_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rest_trail, "LARGEST", 5000)
    trail = Trail(ThreadRuntime(), str(tmp_path))
    trail.note(SCOPE, 200, "")
    for status in (401, 403, 429) * 20:
        trail.note({**SCOPE, "path": "\x01" * 65536}, status, "")
    assert json.loads((tmp_path / "audit.log").read_text())["status"] == 200
    assert not (tmp_path / "audit.log.1").exists()
    assert (tmp_path / "refused.log.1").stat().st_size < 10_000


def test_what_a_path_says_makes_no_line_of_its_own(tcp: Tcp) -> None:
    before = len(trail(tcp.daemon))
    path = '/v1/pools/x%0a{"actor":"uid:0"}%0d%00%ff'
    ask(tcp.daemon, "DELETE", path)
    lines = trail(tcp.daemon)[before:]
    assert len(lines) == 1
    assert lines[0]["actor"] == "uid:0"
    assert lines[0]["path"].startswith('/v1/pools/x\n{"actor"')


def test_the_trail_is_roots_alone_and_outlives_the_daemon(tcp: Tcp) -> None:
    file = tcp.daemon.state / "audit.log"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    before = trail(tcp.daemon)
    tcp.daemon.kill()
    tcp.daemon.start()
    ask(tcp.daemon, "POST", "/v1/resume")
    assert trail(tcp.daemon)[: len(before)] == before
    assert len(trail(tcp.daemon)) == len(before) + 1


SCOPE: dict[str, Any] = {"method": "POST", "path": "/v1/x", "state": {}, "client": ("unix", 0)}


def test_a_large_trail_is_put_aside_and_begun_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rest_trail, "LARGEST", 1000)
    trail = Trail(ThreadRuntime(), str(tmp_path))
    file, aside = tmp_path / "audit.log", tmp_path / "audit.log.1"
    lines = 0
    while not aside.exists():
        trail.note(SCOPE, 200, "")
        lines += 1
        assert lines < 50
    assert aside.stat().st_size > 1000
    assert len(aside.read_text().splitlines()) == lines
    trail.note(SCOPE, 201, "")
    assert json.loads(file.read_text())["status"] == 201
    again = Trail(ThreadRuntime(), str(tmp_path))
    again.note(SCOPE, 202, "")
    assert [json.loads(line)["status"] for line in file.read_text().splitlines()] == [201, 202]


def test_a_large_trail_of_before_is_put_aside_at_the_next_line(tmp_path: Path) -> None:
    file = tmp_path / "audit.log"
    file.touch()
    with file.open("r+b") as sparse:
        sparse.truncate(rest_trail.LARGEST)
    Trail(ThreadRuntime(), str(tmp_path)).note(SCOPE, 200, "")
    assert (tmp_path / "audit.log.1").stat().st_size > rest_trail.LARGEST
    assert file.stat().st_size == 0


def test_a_link_in_the_trails_place_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "audit.log").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError):
        Trail(ThreadRuntime(), str(tmp_path))
    assert not (tmp_path / "elsewhere").exists()


def test_a_trail_that_cannot_be_written_is_logged_and_stops_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trail = Trail(ThreadRuntime(), str(tmp_path))
    trail.note(SCOPE, 200, "")
    with (tmp_path / "audit.log").open("a") as file, open("/dev/full", "w") as full:
        os.dup2(full.fileno(), trail.audit.fd)
        trail.note(SCOPE, 201, "")
        os.dup2(file.fileno(), trail.audit.fd)
    trail.note(SCOPE, 202, "")
    said = capsys.readouterr().out
    assert "could not be written" in said
    assert "201" in said
    assert [json.loads(line)["status"] for line in (tmp_path / "audit.log").read_text().splitlines()] == [200, 202]
