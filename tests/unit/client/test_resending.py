"""A call is sent again under the same key, where that is safe; nothing without a key is sent twice."""

import re
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from holdfast.model.errors import Invalid, Suspended, Unavailable
from holdfast.model.views import MountView
from tests.unit.client.conftest import Connect
from tests.unit.client.fake import (
    HEALTH,
    OPERATION,
    TOKEN,
    Either,
    Fake,
    Peer,
    Script,
    answering,
    chunks,
    problem,
    said,
)

DONE = said(OPERATION)


def sending(*parts: bytes) -> Script:
    """A request, these bytes, the end."""

    def script(peer: Peer) -> None:
        peer.request()
        peer.send(*parts)

    return script


# The points at which a daemon may go away, in a call's own order.
BREAKS: dict[str, Callable[[Peer], object]] = {
    "after the request": Peer.request,
    "in the head": sending(DONE[:30]),
    "before the body": sending(DONE.partition(b"{")[0]),
    "in the body": sending(DONE[:-10]),
    "between two chunks": sending(chunks(b"{", b"}")[:-14]),
    "after an interim answer": sending(b"HTTP/1.1 102 Processing\r\n\r\n"),
}
MOUNT = MountView(id="m", pool="p", volume="v", path="/mnt", read_only=False, mounted=True, reason="")
KEYED: dict[str, tuple[Any, ...]] = {
    "create_pool": ("p", {"source": "/srv"}),
    "change_pool": ("p", {"limit": None}),
    "delete_pool": ("p",),
    "create_volume": ("p", "v", "1GiB"),
    "rename_volume": ("p", "v", "w"),
    "label_volume": ("p", "v", {"a": None}),
    "delete_volume": ("p", "v"),
    "check_volume": ("p", "v"),
    "trim_volume": ("p", "v"),
    "mount": ("p", "v", "/mnt"),
    "unmount": (MOUNT,),
}
UNKEYED: dict[str, tuple[tuple[Any, ...], dict[str, Any]]] = {
    "create_token": (("t",), {}),
    "revoke_token": (("t",), {}),
    "exit": (("x", "cancel"), {}),
    "resume": ((), {}),
    "backup": (("/var/backups/x",), {}),
    "audit": ((), {"repair": True}),
}


def then(first: Callable[[Peer], object], second: Callable[[Peer], object]) -> Script:
    return lambda peer: (first(peer), second(peer))


answered = sending(said(HEALTH))


@pytest.mark.parametrize("point", BREAKS.values(), ids=BREAKS.keys())
def test_a_kept_connection_that_breaks_is_replaced_and_the_key_stays(connect: Connect, point: Script) -> None:
    fake, client = connect(then(answered, point), answering(DONE))
    client.ask("health")
    assert client.ask("delete_volume", "p", "v").state == "done"
    _, first, second = fake.requests
    assert first.key == second.key
    assert re.fullmatch("[0-9a-f]{32}", first.key)
    assert (first.method, first.headers, first.body) == (second.method, second.headers, second.body)


def test_a_kept_connection_that_was_closed_meanwhile_is_replaced_before_anything_is_sent(connect: Connect) -> None:
    fake, client = connect(answered, answering(DONE))
    client.ask("health")
    assert client.ask("delete_volume", "p", "v").state == "done"
    assert [request.method for request in fake.requests] == ["GET", "DELETE"]


@pytest.mark.parametrize("point", BREAKS.values(), ids=BREAKS.keys())
def test_without_patience_a_new_connection_that_breaks_is_told(connect: Connect, point: Script) -> None:
    fake, client = connect(point)
    with pytest.raises(Unavailable) as caught:
        client.ask("delete_volume", "p", "v")
    assert "may have been done" in caught.value.hint
    assert fake.address.removeprefix("unix:") in caught.value.detail
    assert len(fake.requests) == 1


def test_with_patience_it_is_sent_again_until_it_is_answered_always_under_one_key(connect: Connect) -> None:
    scripts: list[Script] = [*BREAKS.values(), lambda _: None, answering(DONE, DONE)]
    fake, client = connect(*scripts, patience=30)
    assert client.ask("delete_volume", "p", "v").state == "done"
    assert len({request.key for request in fake.requests}) == 1
    assert len(fake.requests) == len(BREAKS) + 1
    client.ask("delete_volume", "p", "v")
    assert len({request.key for request in fake.requests}) == 2


def test_the_callers_own_key_is_used_on_every_try(connect: Connect) -> None:
    fake, client = connect(*BREAKS.values(), answering(DONE), patience=30)
    client.ask("delete_volume", "p", "v", key="order 4711/b")
    assert {request.key for request in fake.requests} == {"order 4711/b"}
    assert len(fake.requests) == len(BREAKS) + 1


@pytest.mark.parametrize(("method", "arguments"), KEYED.items(), ids=KEYED.keys())
def test_every_change_of_a_resource_has_a_key_and_is_sent_again(
    connect: Connect, method: str, arguments: tuple[Any, ...]
) -> None:
    fake, client = connect(BREAKS["in the body"], answering(DONE, DONE), patience=30)
    client.ask(method, *arguments)
    client.ask(method, *arguments, key="mine")
    keys = [request.key for request in fake.requests]
    assert keys[0] == keys[1] != ""
    assert keys[2] == "mine"


@pytest.mark.parametrize("point", ["after the request", "in the body"])
@pytest.mark.parametrize(("method", "given"), UNKEYED.items(), ids=UNKEYED.keys())
def test_what_has_no_key_is_sent_once_on_a_connection_of_its_own(
    connect: Connect, method: str, given: tuple[tuple[Any, ...], dict[str, Any]], point: str
) -> None:
    fake, client = connect(answering(said(HEALTH)), BREAKS[point], patience=30)
    client.ask("health")
    arguments, options = given
    with pytest.raises(Unavailable) as caught:
        client.ask(method, *arguments, **options)
    assert "may have been done" in caught.value.hint
    assert [request.key for request in fake.requests] == ["", ""]


def test_what_has_no_key_is_sent_once_there_is_a_daemon(kind: str, tmp_path: Path) -> None:
    client = Either(kind, f"unix:{tmp_path / 's'}", patience=30)
    fakes: list[Fake] = []
    starter = threading.Timer(0.3, lambda: fakes.append(Fake(tmp_path / "s", answering(said(TOKEN, "201 Created")))))
    starter.start()
    try:
        assert client.ask("create_token", "t").secret == TOKEN["secret"]
    finally:
        starter.join()
        client.close()
        fakes[0].close()
    assert len(fakes[0].requests) == 1


def test_a_daemon_that_is_not_there_is_unavailable_and_says_how_to_start_one(kind: str, tmp_path: Path) -> None:
    client = Either(kind, f"unix:{tmp_path / 's'}")
    with pytest.raises(Unavailable) as caught:
        client.ask("status")
    client.close()
    assert "No such file" in caught.value.detail
    assert caught.value.hint == "Start one: holdfast serve"


def test_a_daemon_that_says_it_is_stopping_is_asked_again_with_patience(connect: Connect) -> None:
    stopping = problem("unavailable", 503, "The daemon is stopping.")
    fake, client = connect(answering(stopping, DONE), patience=30)
    assert client.ask("delete_volume", "p", "v").state == "done"
    assert len({request.key for request in fake.requests}) == 1


@pytest.mark.parametrize(("method", "patience"), [("delete_volume", 0), ("revoke_token", 30)])
def test_a_daemon_that_says_it_is_stopping_is_believed_without_patience_or_key(
    connect: Connect, method: str, patience: float
) -> None:
    fake, client = connect(answering(problem("unavailable", 503, "The daemon is stopping.")), patience=patience)
    with pytest.raises(Unavailable, match="stopping"):
        client.ask(method, *(["p", "v"] if method == "delete_volume" else ["t"]))
    assert len(fake.requests) == 1


def test_any_other_refusal_is_told_at_once(connect: Connect) -> None:
    fake, client = connect(answering(problem("suspended", 503)), patience=30)
    with pytest.raises(Suspended):
        client.ask("delete_volume", "p", "v")
    assert len(fake.requests) == 1


def test_the_time_that_a_call_waits_runs_on_while_it_is_sent_again(connect: Connect) -> None:
    fake, client = connect(BREAKS["after the request"], BREAKS["in the body"], answering(DONE), patience=30)
    client.ask("delete_volume", "p", "v", wait=20)
    waits = [float(request.target.partition("?wait=")[2]) for request in fake.requests]
    assert waits[0] == 20
    assert waits[0] > waits[1] > waits[2] >= 0


def test_patience_begins_when_the_daemon_goes_away_however_long_it_was_waited_for(connect: Connect) -> None:
    def late(peer: Peer) -> None:
        peer.request()
        time.sleep(0.6)

    _, client = connect(late, answering(DONE), patience=0.5)
    assert client.ask("delete_volume", "p", "v").state == "done"


@pytest.mark.parametrize("patience", [0.0, 0.3])
def test_after_its_patience_a_client_gives_up(kind: str, tmp_path: Path, patience: float) -> None:
    client = Either(kind, f"unix:{tmp_path / 's'}", patience=patience)
    begun = time.monotonic()
    with pytest.raises(Unavailable):
        client.ask("status")
    client.close()
    assert time.monotonic() - begun >= patience


@pytest.mark.parametrize("patience", [-1.0, float("nan")])
def test_a_patience_below_nothing_is_refused(kind: str, patience: float) -> None:
    with pytest.raises(Invalid, match="no patience"):
        Either(kind, "unix:/nowhere", patience=patience)
