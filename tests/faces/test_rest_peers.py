"""The unix socket: the kernel says who is there; root and one group may come in, and nobody else."""

import contextlib
import grp
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.daemon import RealDaemon, real_daemon
from tests.faces.wire import Answer, Wire, ask, unix
from tests.needs import need_root

NOBODY = 65534
MEMBERS = grp.getgrgid(1).gr_name
MEMBER, OTHER = 1, 4


@contextlib.contextmanager
def nobody(gid: int, *more: int) -> Iterator[None]:
    """Without root's rights until the end, in that group and in more."""
    groups, group = os.getgroups(), os.getegid()
    os.setgroups(more)
    os.setegid(gid)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(group)
        os.setgroups(groups)


def connected(daemon: RealDaemon, gid: int, *more: int) -> Wire:
    """A connection made by nobody in those groups."""
    with nobody(gid, *more):
        return unix(daemon)


def asked(daemon: RealDaemon, method: str, path: str, gid: int, *more: int) -> Answer:
    """One request of nobody's in those groups."""
    with connected(daemon, gid, *more) as wire:
        return wire.ask(method, path)


@pytest.fixture(scope="module")
def served() -> Iterator[RealDaemon]:
    """One for root and a group."""
    need_root()
    with real_daemon() as daemon:
        daemon.root.chmod(0o755)
        daemon.config = f'[listen]\ngroup = "{MEMBERS}"\n'
        yield daemon.start()


def test_a_member_of_the_group_comes_in_as_operator(served: RealDaemon) -> None:
    assert asked(served, "GET", "/v1/status", MEMBER).status == 200
    asked(served, "POST", "/v1/resume", MEMBER).problem(403, "forbidden")
    asked(served, "DELETE", "/v1/pools/p/volumes/v", MEMBER).problem(404, "not-found")


def test_so_does_who_is_in_the_group_besides_his_own(served: RealDaemon) -> None:
    assert asked(served, "GET", "/v1/status", NOBODY, OTHER, MEMBER).status == 200


def test_who_is_in_too_many_groups_is_known_by_his_own(served: RealDaemon) -> None:
    many = range(1000, 2000)
    assert asked(served, "GET", "/v1/status", MEMBER, *many).status == 200
    asked(served, "GET", "/v1/status", NOBODY, MEMBER, *many).problem(403, "forbidden")


def test_others_cannot_even_connect(served: RealDaemon) -> None:
    for groups in ((OTHER,), (NOBODY, OTHER)):
        with pytest.raises(PermissionError):
            connected(served, *groups)


def test_who_gets_a_connection_all_the_same_is_nobody(served: RealDaemon) -> None:
    path = Path(served.address.removeprefix("unix:"))
    path.chmod(0o666)
    try:
        for groups in ((OTHER,), (NOBODY, OTHER)):
            asked(served, "GET", "/v1/status", *groups).problem(403, "forbidden")
            assert asked(served, "GET", "/healthz", *groups).status == 200
    finally:
        path.chmod(0o660)


def test_root_is_admin_whatever_his_groups(served: RealDaemon) -> None:
    assert ask(served, "GET", "/v1/tokens").status == 200


def test_a_member_is_known_by_his_uid_in_the_trail(served: RealDaemon) -> None:
    asked(served, "DELETE", "/v1/pools/of-a-member", MEMBER).problem(403, "forbidden")
    lines = [line for line in (served.state / "refused.log").read_text().splitlines() if "of-a-member" in line]
    assert len(lines) == 1
    assert f'"actor": "uid:{NOBODY}", "peer": "unix"' in lines[0]


def test_without_a_group_the_socket_is_roots_alone(daemon: RealDaemon) -> None:
    daemon.root.chmod(0o755)
    daemon.start()
    with pytest.raises(PermissionError):
        connected(daemon, MEMBER)
    Path(daemon.address.removeprefix("unix:")).chmod(0o666)
    asked(daemon, "GET", "/v1/status", MEMBER).problem(403, "forbidden")
