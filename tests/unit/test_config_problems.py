"""Everything that is wrong with a configuration on this machine is found, before a daemon starts with it."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from holdfast.config import problems
from holdfast.model.config import Config, DaemonConfig, LimitsConfig, ListenConfig, parse_tcp
from holdfast.model.errors import Invalid


def listening(**options: Any) -> Config:
    return Config(listen=ListenConfig(**options))


def test_the_defaults_have_no_problem() -> None:
    assert problems(Config()) == []


def test_all_problems_are_found_not_the_first_only() -> None:
    found = problems(
        Config(
            daemon=DaemonConfig(state="relative", threads=1000),
            listen=ListenConfig(socket="/" + "x" * 107, group="no-such-group", tcp="nowhere", cert="/gone"),
            limits=LimitsConfig(body="huge"),
        )
    )
    for option in ("daemon.state", "daemon.threads", "108 bytes", "listen.group", "listen.tcp", "listen.cert",
                   "listen.key", "limits.body"):  # fmt: skip
        assert any(option in problem for problem in found), (option, found)


@pytest.mark.parametrize(
    ("state", "run"), [("/a", "/a"), ("/a", "/a/b"), ("/a/b", "/a"), ("/", "/a"), ("/a/../b", "/b")]
)
def test_neither_directory_lies_in_the_other(state: str, run: str) -> None:
    (found,) = problems(Config(daemon=DaemonConfig(state=state, run=run)))
    assert "daemon.state" in found
    assert "daemon.run" in found


def test_directories_that_only_begin_alike_are_apart() -> None:
    assert problems(Config(daemon=DaemonConfig(state="/a/b", run="/a/bc"))) == []


def test_a_link_does_not_hide_that_one_lies_in_the_other(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "link").symlink_to("state")
    daemon = DaemonConfig(state=str(tmp_path / "state"), run=str(tmp_path / "link" / "run"))
    assert len(problems(Config(daemon=daemon))) == 1


def test_a_file_is_no_state_directory(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    (found,) = problems(Config(daemon=DaemonConfig(state=str(file))))
    assert "is not a directory" in found


def test_a_socket_path_is_as_long_as_the_kernel_takes_it() -> None:
    assert problems(listening(socket="/" + "x" * 106)) == []
    assert "108 bytes" in problems(listening(socket="/" + "x" * 107))[0]
    assert "109 bytes" in problems(listening(socket="/" + "ü" * 54))[0]
    assert "listen.socket" in problems(Config(daemon=DaemonConfig(run="/" + "x" * 100)))[0]


def test_what_is_no_socket_is_not_taken_for_one(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    assert "not a socket" in problems(listening(socket=str(file)))[0]


def test_a_group_must_exist() -> None:
    assert problems(listening(group="root")) == []
    assert "no such group" in problems(listening(group="no-such-group"))[0]


@pytest.mark.parametrize(("every", "count"), [(0, 0), (0.5, 1), (1, 0)])
def test_audits_are_never_or_not_all_the_time(every: float, count: int) -> None:
    assert len(problems(msgspec.convert({"audit": {"every": every}}, Config))) == count


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("127.0.0.1:8443", ("127.0.0.1", 8443)), ("[::1]:1", ("::1", 1)),
        ("[fe80::1%eth0]:65535", ("fe80::1%eth0", 65535)),
        ("box.example:443", ("box.example", 443)), ("localhost:8443", ("localhost", 8443)),
    ],
)  # fmt: skip
def test_an_address_is_host_and_port(text: str, found: tuple[str, int]) -> None:
    assert parse_tcp(text) == found


@pytest.mark.parametrize(
    "text",
    [
        "", "8443", ":8443", "host", "host:", "host:0", "host:65536", "host:-1", "host:http", "::1:8443", "[::1]",
        "[::1]8443", "[127.0.0.1]:1", "[]:1", "256.1.1.1:1", "1.2.3:1", "a b:1", "-a:1", "a-:1", "a..b:1",
        f"{'a' * 64}:1", "http://h:1", "host:١", "hôst:1", "host:1\n", "host:8443 ", "a:b:1",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        parse_tcp(text)
    assert caught.value.hint
