"""A stream with nothing to say still shows that it lives, and notices then that it may not go on."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest
from litestar.response.sse import ServerSentEventMessage

from holdfast.control.daemon import Daemon
from holdfast.engine.watch import Watch
from holdfast.faces.rest import events
from holdfast.faces.rest.calls import Calls
from holdfast.runtime.threads import ThreadRuntime


class Quiet:
    """An engine where nothing happens."""

    def __init__(self) -> None:
        self.watch = Watch(ThreadRuntime(), cast("Any", None))
        self.asked = 0

    def since(self, change: int, most: int) -> list[Any]:
        """Nothing."""
        self.asked += 1
        return []


class Daemonlike:
    """As much of a daemon as a stream asks for."""

    def __init__(self) -> None:
        self.engine = Quiet()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Signs of life without the wait."""
    monkeypatch.setattr(events, "HEARTBEAT", 0.01)


async def _some(stream: AsyncIterator[ServerSentEventMessage], count: int) -> list[ServerSentEventMessage]:
    return [await anext(stream) for _ in range(count)]


def _run(allowed: list[bool], count: int) -> tuple[list[ServerSentEventMessage], bool]:
    """So many messages of a stream that may go on as long as it is allowed; and whether it then ended by itself."""

    async def run() -> tuple[list[ServerSentEventMessage], bool]:
        calls = Calls(cast("Daemon", cast("Any", Daemonlike())), threads=1)
        answers = iter(allowed)
        stream = cast("Any", events.stream(calls, 7, lambda: next(answers), reset=False))
        found = await _some(stream, count)
        calls.stop()
        rest = [message async for message in stream]
        return found, not rest

    return asyncio.run(run())


def test_after_a_while_without_news_it_shows_that_it_lives() -> None:
    found, _ = _run([True] * 10, 4)
    assert (found[0].event, found[0].id) == ("ready", "7")
    assert [message.comment for message in found[1:]] == ["still here"] * 3
    assert all(message.event is None and message.data is None for message in found[1:])


def test_it_ends_with_the_next_sign_of_life_once_it_may_not_go_on() -> None:
    with pytest.raises(StopAsyncIteration):
        _run([True, True, False], 4)


def test_it_leaves_no_listener_behind() -> None:
    async def run() -> None:
        daemon = Daemonlike()
        stream = cast(
            "Any", events.stream(Calls(cast("Daemon", cast("Any", daemon)), threads=1), 7, lambda: True, reset=True)
        )
        assert (await _some(stream, 2))[0].event == "reset"
        assert len(daemon.engine.watch._all) == 1
        await stream.aclose()
        assert not daemon.engine.watch._all

    asyncio.run(run())
