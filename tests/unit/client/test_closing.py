"""Closing an AsyncClient ends what is under way, at once and visibly; it can be used again."""

import asyncio
import contextlib
from pathlib import Path

import pytest

from holdfast.client.aio import AsyncClient
from holdfast.client.tries import PAUSE
from holdfast.model.errors import Unavailable
from tests.unit.client.fake import HEALTH, Fake, Peer, answering, chunks, problem, said
from tests.unit.client.test_events import READY, streaming


def silent(peer: Peer) -> None:
    peer.request()
    peer.ended()


async def until(fake: Fake, requests: int) -> None:
    while len(fake.requests) < requests:  # noqa: ASYNC110  # a thread tells it
        await asyncio.sleep(0.001)


@pytest.mark.parametrize("patience", [0, 30])
def test_calls_under_way_end_with_unavailable_and_are_not_sent_again(tmp_path: Path, patience: float) -> None:
    async def main() -> None:
        client = AsyncClient(fake.address, patience=patience)
        asked = [asyncio.ensure_future(client.delete_volume("p", "v")) for _ in range(5)]
        await until(fake, 5)
        await client.close()
        for error in await asyncio.gather(*asked, return_exceptions=True):
            assert isinstance(error, Unavailable)
            assert "client was closed" in error.detail
            assert "may have been done" in error.hint
        assert (await client.health()).ready
        await client.close()

    fake = Fake(tmp_path / "s", *[silent] * 5, answering(said(HEALTH)))
    with contextlib.closing(fake):
        asyncio.run(main())
    assert len(fake.requests) == 6


def test_a_call_that_waits_for_a_daemon_ends_too(tmp_path: Path) -> None:
    async def main() -> None:
        client = AsyncClient(f"unix:{tmp_path / 's'}", patience=600)
        asked = asyncio.ensure_future(client.status())
        await asyncio.sleep(0)
        await client.close()
        with pytest.raises(Unavailable, match="client was closed"):
            await asked

    asyncio.run(main())


def test_a_call_that_is_to_be_sent_again_is_not_once_its_client_was_closed(tmp_path: Path) -> None:
    async def main() -> None:
        async with AsyncClient(fake.address, patience=30) as client:
            asked = asyncio.ensure_future(client.delete_volume("p", "v"))
            await until(fake, 1)
            await asyncio.sleep(PAUSE / 2)
            await client.close()
            assert (await client.health()).ready
            with pytest.raises(Unavailable, match="client was closed"):
                await asked

    stopping = problem("unavailable", 503, "The daemon is stopping.")
    with contextlib.closing(Fake(tmp_path / "s", answering(stopping), answering(said(HEALTH)))) as fake:
        asyncio.run(main())
    assert len(fake.requests) == 2


def test_a_stream_under_way_ends_with_unavailable(tmp_path: Path) -> None:
    async def main() -> None:
        client = AsyncClient(fake.address)
        stream = client.events()
        await anext(stream)
        following = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(0)
        await client.close()
        with pytest.raises(Unavailable, match="client was closed"):
            await following

    fake = Fake(tmp_path / "s", streaming(READY))
    with contextlib.closing(fake):
        asyncio.run(main())


def test_a_stream_whose_task_is_cancelled_lets_its_connection_go(tmp_path: Path) -> None:
    async def follow(client: AsyncClient, ready: asyncio.Event) -> None:
        async for _ in client.events():
            ready.set()

    async def main() -> None:
        async with AsyncClient(fake.address) as client:
            ready = asyncio.Event()
            task = asyncio.ensure_future(follow(client, ready))
            await ready.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert (await client.health()).ready

    fake = Fake(tmp_path / "s", streaming(READY), answering(said(HEALTH)))
    with contextlib.closing(fake):
        asyncio.run(main())


def test_no_connection_outlives_its_client(tmp_path: Path) -> None:
    async def main() -> None:
        async with AsyncClient(fake.address) as client:
            await asyncio.gather(*(client.health() for _ in range(10)))
            stream = client.events()
            await anext(stream)
        fake.left()

    with contextlib.closing(Fake(tmp_path / "s", *[either] * 11)) as fake:
        asyncio.run(main())


def either(peer: Peer) -> None:
    """A stream, or as many answers as are asked for."""
    with contextlib.suppress(EOFError):
        while request := peer.request():
            peer.send(chunks(READY)[:-5] if request.target == "/v1/events" else said(HEALTH))
