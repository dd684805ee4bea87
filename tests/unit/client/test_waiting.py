"""`wait` asks the daemon to tell the end, leg by leg, until the time is over."""

import contextlib

import pytest

from holdfast.client import aio
from holdfast.client import client as sync
from holdfast.client.tries import PAUSE
from tests.unit.client.conftest import Connect
from tests.unit.client.fake import OPERATION, Fake, Peer, answering, said

RUNNING = said({**OPERATION, "state": "running", "ended_at": None})
PARKED = said({**OPERATION, "state": "parked", "ended_at": None})
DONE = said(OPERATION)


def waits(fake: Fake) -> list[float]:
    assert {request.target.partition("?")[0] for request in fake.requests} == {"/v1/operations/x"}
    return [float(request.target.partition("?wait=")[2]) for request in fake.requests]


@pytest.mark.parametrize("seconds", [0, -5])
@pytest.mark.parametrize("state", ["running", "done"])
def test_a_wait_of_no_time_is_one_look(connect: Connect, seconds: float, state: str) -> None:
    fake, client = connect(answering(RUNNING if state == "running" else DONE))
    assert client.ask("wait", "x", seconds).state == state
    assert waits(fake) == [0.0]


def test_an_ended_operation_is_answered_at_once(connect: Connect) -> None:
    fake, client = connect(answering(DONE))
    assert client.ask("wait", "x", 50).state == "done"
    assert waits(fake) == [pytest.approx(50, abs=1)]


def test_a_daemon_that_answers_early_is_asked_again_after_a_pause(connect: Connect) -> None:
    fake, client = connect(answering(RUNNING, PARKED, DONE))
    assert client.ask("wait", "x", 50).state == "done"
    first, second, third = waits(fake)
    assert first > second > third
    assert first - third >= 1.9 * PAUSE


def test_when_the_time_is_over_the_operation_is_as_it_is(connect: Connect) -> None:
    def script(peer: Peer) -> None:
        with contextlib.suppress(EOFError):
            while peer.request():
                peer.send(RUNNING)

    fake, client = connect(script)
    assert client.ask("wait", "x", 0.25).state == "running"
    asked = waits(fake)
    assert asked == sorted(asked, reverse=True)
    assert len(asked) <= 4


def test_a_long_wait_goes_in_legs(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (sync, aio):
        monkeypatch.setattr(module, "LEG", 0.05)
    fake, client = connect(answering(*[RUNNING] * 3, DONE))
    assert client.ask("wait", "x", 7200).state == "done"
    assert waits(fake) == [0.05] * 4


def test_a_wait_goes_on_over_a_daemon_that_goes_away(connect: Connect) -> None:
    def goes_away(peer: Peer) -> None:
        peer.request()

    fake, client = connect(goes_away, lambda _: None, answering(DONE), patience=30)
    assert client.ask("wait", "x", 50).state == "done"
    assert len(waits(fake)) == 2
