"""Before anything is destroyed: what will be touched is listed, and only a yes is a yes."""

from collections.abc import Iterator

import pytest

from holdfast.model.operations import OperationView
from tests.daemon import RealDaemon, real_daemon
from tests.faces.terminal import terminal
from tests.needs import need_root


@pytest.fixture(scope="module")
def served() -> Iterator[RealDaemon]:
    """A daemon with a pool, a volume, a token, and a parked operation; no test changes it."""
    need_root()
    with real_daemon() as daemon:
        client = daemon.with_pool()
        client.create_volume("p", "v", "1MiB", labels={"app": "shop"})
        client.create_token("ci", "operator")
        away = daemon.root / "away"
        away.mkdir()
        client.create_pool("away", {"source": str(away)})
        away.rename(daemon.root / "elsewhere")
        client.create_volume("away", "late", "1GiB", wait=10)
        yield daemon


def parked(daemon: RealDaemon) -> OperationView:
    (found,) = daemon.client().operations("parked")
    return found


# What is asked for, and what the question lists; ID is the parked operation's.
DESTRUCTIVE = [
    (("volume", "delete", "p/v"), ("directory volume p/v (1 MiB)", "takes", "labels   app=shop", "made", "mounted")),
    (("pool", "delete", "p"), ("the pool's record, and its mark in", "stays", "room")),
    (("pool", "forget", "p"), ("1 volume", "p/v  directory, 1 MiB")),
    (("op", "cancel", "ID"), ("undo what the operation", "make the directory volume late", "waits:")),
    (("op", "abandon", "ID", "--reason", "y"), ("give up the operation", "make the directory volume late", "waits:")),
    (("token", "revoke", "ci"), ("revoke the token ci", "role     operator", "expires  never")),
    (("resume",), ("It is not suspended", "volume.create away/late", "recorded: 2 volumes")),
]  # fmt: skip
NAMES = [" ".join(args) for args, _ in DESTRUCTIVE]


def meant(daemon: RealDaemon, args: tuple[str, ...]) -> list[str]:
    return [parked(daemon).id if arg == "ID" else arg for arg in args]


def world(daemon: RealDaemon) -> tuple[object, ...]:
    client = daemon.client()
    states = sorted((op.id, op.state) for op in client.operations())
    return states, [pool.name for pool in client.pools()], [token.name for token in client.tokens()]


@pytest.mark.parametrize(("args", "listed"), DESTRUCTIVE, ids=NAMES)
@pytest.mark.parametrize("stdin", ["", "y\n"])
def test_without_a_terminal_and_without_yes_a_destructive_verb_says_what_it_would_do_and_refuses(
    served: RealDaemon, args: tuple[str, ...], listed: tuple[str, ...], stdin: str
) -> None:
    del listed
    before = world(served)
    done = served.cli(*meant(served, args), stdin=stdin)
    assert done.returncode == 2
    assert "This will" in done.stderr
    assert "--yes" in done.stderr
    assert world(served) == before


@pytest.mark.parametrize(("args", "listed"), DESTRUCTIVE, ids=NAMES)
@pytest.mark.parametrize("answer", ["n\n", "\n", "yess\n"])
def test_on_a_terminal_it_lists_what_it_touches_and_anything_but_yes_is_no(
    served: RealDaemon, args: tuple[str, ...], listed: tuple[str, ...], answer: str
) -> None:
    before = world(served)
    with terminal(served.address, *meant(served, args), columns=200) as seen:
        said = seen.until("Go on? [y/N]")
        seen.type(answer)
        assert seen.ended() == 2
    assert "Nothing was done." in seen.text
    for words in listed:
        assert words in said
    assert world(served) == before


def test_ctrl_c_at_the_question_is_no(served: RealDaemon) -> None:
    before = world(served)
    with terminal(served.address, "volume", "delete", "p/v") as seen:
        seen.until("Go on?")
        seen.interrupt()
        assert seen.ended() == 130
    assert world(served) == before


@pytest.mark.parametrize("answer", ["y\n", "Yes\n"])
def test_a_yes_is_a_yes(daemon: RealDaemon, answer: str) -> None:
    client = daemon.with_pool()
    client.create_volume("p", "v", "1MiB")
    with terminal(daemon.address, "volume", "delete", "p/v") as seen:
        seen.until("Go on?")
        seen.type(answer)
        assert seen.ended() == 0
    assert "volume.delete p/v: done" in seen.text
    assert not list(client.volumes("p"))


def test_a_volume_that_was_mounted_is_told_with_its_last_place(daemon: RealDaemon) -> None:
    client = daemon.with_pool()
    client.create_volume("p", "v", "1MiB")
    client.mount("p", "v", str(daemon.mnt))
    client.unmount(client.mounts(str(daemon.mnt))[0])
    with terminal(daemon.address, "volume", "delete", "p/v", columns=200) as seen:
        assert f"no; last at {daemon.mnt}" in seen.until("Go on?")


def test_rm_lists_what_is_there_before_it_asks(daemon: RealDaemon) -> None:
    (daemon.pool / "precious").write_text("x")
    with terminal(daemon.address, "rm", str(daemon.pool)) as seen:
        said = seen.until("Go on?")
        seen.type("n\n")
        assert seen.ended() == 2
    assert "contains  precious" in said
    assert (daemon.pool / "precious").exists()
