"""Both clients over the daemon's end: by patience a call goes on, a stream is taken up again where it ended."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from holdfast.client.wire import Event
from holdfast.model.errors import Unavailable
from holdfast.model.operations import OperationView
from tests.daemon import PATIENCE, RealDaemon
from tests.unit.client.fake import Either, Stream

Made = Callable[..., Either]


@pytest.fixture(params=["sync", "async"])
def made(request: pytest.FixtureRequest, daemon: RealDaemon) -> Iterator[Made]:
    """Clients of one kind for a daemon with a pool `p`."""
    daemon.with_pool()
    with ExitStack() as stack:

        def make(**options: Any) -> Either:
            client = Either(str(request.param), daemon.address, **options)
            stack.callback(client.close)
            return client

        yield make


class Asked(threading.Thread):
    """A call in a thread; `answer` waits for its answer."""

    def __init__(self, ask: Callable[[], OperationView]) -> None:
        super().__init__()
        self._ask = ask
        self._found: OperationView | Exception | None = None
        self.start()

    def run(self) -> None:
        try:
            self._found = self._ask()
        except Exception as error:  # noqa: BLE001  # `answer` raises it
            self._found = error

    def answer(self) -> OperationView:
        self.join(PATIENCE)
        assert self._found is not None, "it does not end"
        if isinstance(self._found, Exception):
            raise self._found
        return self._found


def _parked(daemon: RealDaemon, client: Either) -> str:
    """An operation that waits until the pool is back."""
    daemon.pool.rename(daemon.root / "away")
    view = client.ask("create_volume", "p", "v", "1MiB")
    assert view.state == "parked"
    return str(view.id)


def _back(daemon: RealDaemon) -> None:
    (daemon.root / "away").rename(daemon.pool)


def test_a_wait_goes_on_over_a_kill_and_a_restart(daemon: RealDaemon, made: Made) -> None:
    client = made(patience=PATIENCE)
    op = _parked(daemon, client)
    asked = Asked(lambda: client.ask("wait", op, PATIENCE))
    daemon.kill()
    _back(daemon)
    daemon.start()
    assert asked.answer().state == "done"


def test_a_wait_goes_on_over_a_stop_and_a_restart(daemon: RealDaemon, made: Made) -> None:
    client = made(patience=PATIENCE)
    op = _parked(daemon, client)
    asked = Asked(lambda: client.ask("wait", op, PATIENCE))
    assert daemon.stop() == 0
    _back(daemon)
    daemon.start()
    assert asked.answer().state == "done"


def test_without_patience_a_wait_ends_with_its_daemon(daemon: RealDaemon, made: Made) -> None:
    client = made()
    op = _parked(daemon, client)
    asked = Asked(lambda: client.ask("wait", op, PATIENCE))
    daemon.kill()
    with pytest.raises(Unavailable):
        asked.answer()


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_change_whose_daemon_dies_is_done_once(daemon: RealDaemon, made: Made, moment: str) -> None:
    client = made(patience=PATIENCE)
    daemon.arm(f"journal.submit.{moment}:kill")
    asked = Asked(lambda: client.ask("create_volume", "p", "v", "1MiB"))
    assert daemon.ended() != 0
    daemon.disarm()
    daemon.start()
    view = asked.answer()
    assert view.state == "done"
    assert [op.id for op in client.ask("operations", resource=view.resource.uid)] == [view.id]


def _until(stream: Stream, op: str) -> list[Event]:
    found = []
    for event in stream:
        found.append(event)
        if event.operation is not None and event.operation.id == op and event.operation.ended:
            return found
    raise AssertionError(f"the stream ended before {op} did")


def test_a_stream_is_taken_up_where_it_ended_over_a_kill(daemon: RealDaemon, made: Made) -> None:
    client, changing = made(), made()
    stream = client.events()
    ready = stream.next()
    assert ready is not None
    assert (ready.kind, ready.operation) == ("ready", None)
    first = changing.ask("create_volume", "p", "v", "1MiB")
    last = _until(stream, first.id)[-1]
    daemon.kill()
    with pytest.raises(Unavailable):
        stream.next()
    second = daemon.start().client().create_volume("p", "w", "1MiB")
    kind, *events = _until(client.events(last.id), second.id)
    assert kind.kind == "ready"
    assert {event.operation.id for event in events if event.operation} == {second.id}
    assert all(int(event.id) > int(last.id) for event in events)


def test_a_stream_ends_when_its_daemon_stops(daemon: RealDaemon, made: Made) -> None:
    stream = made().events()
    assert stream.next() is not None
    assert daemon.stop() == 0
    assert stream.next() is None


def test_a_stream_after_an_event_that_is_not_known_is_reset(made: Made) -> None:
    client = made()
    stream = client.events("999999999")
    first = stream.next()
    assert first is not None
    assert first.kind == "reset"
    stream.close()


def test_with_patience_a_stream_begins_once_there_is_a_daemon(daemon: RealDaemon, made: Made) -> None:
    client = made(patience=PATIENCE)
    daemon.kill()
    found: list[Event | None] = []
    thread = threading.Thread(target=lambda: found.append(client.events().next()))
    thread.start()
    daemon.start()
    thread.join(PATIENCE)
    assert [event.kind for event in found if event] == ["ready"]
