"""One connection serves many calls; whatever happened on it, the next call gets its own answer."""

import asyncio
import contextlib
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.client import Client
from holdfast.client.aio import AsyncClient
from tests.unit.client.conftest import Connect
from tests.unit.client.fake import BOUND, HEALTH, Fake, Peer, Script, answering, chunks, problem, said

FIRST, SECOND = (said({**HEALTH, "reason": reason}) for reason in ("first", "second"))


def test_calls_share_one_connection(connect: Connect) -> None:
    fake, client = connect(answering(*[said(HEALTH)] * 5))
    for _ in range(5):
        client.ask("health")
    assert fake.connections == 1


def test_a_refusal_leaves_the_connection_as_it_is(connect: Connect) -> None:
    fake, client = connect(answering(problem("not-found", 404), said(HEALTH)))
    with pytest.raises(Exception, match="What happened"):
        client.ask("health")
    client.ask("health")
    assert fake.connections == 1


@pytest.mark.parametrize("status", ["200 OK", "503 No"])
def test_after_an_answer_that_closes_the_next_call_opens_another_connection(connect: Connect, status: str) -> None:
    fake, client = connect(answering(said(HEALTH, status, "connection: close")), answering(said(HEALTH)))
    with contextlib.suppress(Exception):
        client.ask("health")
    assert client.ask("health").ready
    assert fake.connections == 2


NOT_ASKED_FOR = {
    "after the answer": [FIRST, SECOND],
    "with the answer": [FIRST + SECOND],
    "after its chunks": [chunks(FIRST.partition(b"\r\n\r\n")[2]) + SECOND],
}


@pytest.mark.parametrize("parts", NOT_ASKED_FOR.values(), ids=NOT_ASKED_FOR.keys())
def test_an_answer_that_nobody_asked_for_is_not_taken_for_the_next_ones(connect: Connect, parts: list[bytes]) -> None:
    sent = threading.Event()

    def script(peer: Peer) -> None:
        peer.request()
        peer.send(*parts[:-1])
        peer.sock.sendall(parts[-1])
        sent.set()
        peer.ended()

    _, client = connect(script, answering(said({**HEALTH, "reason": "third"})))
    assert client.ask("health").reason == "first"
    assert sent.wait(BOUND)
    assert client.ask("health").reason == "third"


class Interrupted(BaseException):
    """Neither an error of the connection's nor one of ours, as KeyboardInterrupt."""


@pytest.fixture
def alarm() -> Iterator[None]:
    """An interrupt, soon, and again until the block ends."""

    def interrupt(*_: object) -> None:
        raise Interrupted

    before = signal.signal(signal.SIGALRM, interrupt)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


HALVES = {"before the head": b"", "in the head": FIRST[:20], "in the body": FIRST[:-5]}


def stuck(sent: bytes) -> Script:
    def script(peer: Peer) -> None:
        peer.request()
        peer.send(SECOND)
        peer.request()
        with contextlib.suppress(ConnectionError):  # the client may be gone before
            peer.send(sent)
        peer.ended()

    return script


@pytest.mark.usefixtures("alarm")
@pytest.mark.parametrize("sent", HALVES.values(), ids=HALVES.keys())
def test_an_interrupt_in_the_middle_of_an_answer_ends_its_connection(tmp_path: Path, sent: bytes) -> None:
    fake = Fake(tmp_path / "s", stuck(sent), answering(SECOND))
    with contextlib.closing(fake), Client(fake.address) as client:
        client.health()
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        with pytest.raises(Interrupted):
            client.health()
        assert client.health().reason == "second"


@pytest.mark.parametrize("sent", HALVES.values(), ids=HALVES.keys())
def test_a_cancelled_task_ends_its_connection_and_no_other(tmp_path: Path, sent: bytes) -> None:
    async def main(fake: Fake) -> None:
        async with AsyncClient(fake.address) as client:
            await client.health()
            task = asyncio.ensure_future(client.health())
            while len(fake.requests) < 2:  # noqa: ASYNC110  # a thread tells it
                await asyncio.sleep(0.001)
            other = await client.health()
            assert other.reason == "second"
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert (await client.health()).reason == "second"
            assert await asyncio.to_thread(gone.wait, BOUND)

    gone = threading.Event()

    def script(peer: Peer) -> None:
        stuck(sent)(peer)
        gone.set()

    fake = Fake(tmp_path / "s", script, answering(SECOND, SECOND))
    with contextlib.closing(fake):
        asyncio.run(main(fake))
    assert fake.connections == 2


def test_a_client_that_was_closed_can_be_used_again(connect: Connect) -> None:
    fake, client = connect(answering(said(HEALTH)), answering(said(HEALTH)))
    client.ask("health")
    client.ask("close")
    assert client.ask("health").ready
    assert fake.connections == 2
