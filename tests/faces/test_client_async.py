"""One AsyncClient for many tasks: each gets its own answer; one that is cancelled leaves nothing behind."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from holdfast.client import ended_well
from holdfast.client.aio import AsyncClient
from holdfast.model.errors import Unavailable
from tests.daemon import PATIENCE, RealDaemon, wait_until

MANY = 50


def descriptors(pid: int | str = "self") -> int:
    """How many a process has open."""
    return len(os.listdir(f"/proc/{pid}/fd"))


async def within(work: Awaitable[Any]) -> Any:
    async with asyncio.timeout(PATIENCE):
        return await work


async def follow(client: AsyncClient) -> None:
    async for _ in client.events():
        pass


def run(daemon: RealDaemon, work: Callable[[AsyncClient], Coroutine[Any, Any, None]]) -> None:
    """With a client; after it, no connection is left here."""

    async def main() -> None:
        async with AsyncClient(daemon.address) as client:
            await within(client.status())
            await within(work(client))

    before = descriptors()
    asyncio.run(main())
    assert descriptors() == before


def test_many_tasks_share_a_client_and_each_gets_its_own_answer(daemon: RealDaemon) -> None:
    async def one(client: AsyncClient, number: int) -> None:
        name = f"v{number}"
        begun = await client.create_volume("p", name, "1MiB", wait=None, labels={"number": str(number)})
        ended_well(await client.wait(begun.id, PATIENCE))
        assert (await client.volume("p", name)).labels == {"number": str(number)}
        ended_well(await client.delete_volume("p", name))

    async def work(client: AsyncClient) -> None:
        await asyncio.gather(*(one(client, number) for number in range(MANY)))
        assert [volume async for volume in client.volumes("p")] == []

    daemon.with_pool()
    run(daemon, work)


def test_more_volumes_than_a_page_has_are_listed_whole(daemon: RealDaemon) -> None:
    names = {f"v{number}" for number in range(520)}

    async def work(client: AsyncClient) -> None:
        for operation in await asyncio.gather(*(client.create_volume("p", name, 1) for name in names)):
            ended_well(operation)
        found = [volume.name async for volume in client.volumes("p")]
        assert sorted(found) == sorted(names)

    daemon.with_pool()
    run(daemon, work)


def test_a_cancelled_task_leaks_no_connection_and_the_client_stays_usable(daemon: RealDaemon) -> None:
    async def work(client: AsyncClient) -> None:
        parked = await client.create_volume("p", "v", "1MiB")
        await asyncio.gather(*(client.health() for _ in range(MANY)))
        before = descriptors()
        waiting = [asyncio.ensure_future(client.wait(parked.id, PATIENCE)) for _ in range(MANY)]
        for turns in range(MANY):  # so each is cancelled at another moment of its call
            await asyncio.sleep(0)
            waiting[turns].cancel()
        ended = await asyncio.gather(*waiting, return_exceptions=True)
        assert all(isinstance(each, asyncio.CancelledError) for each in ended)
        assert (await client.operation(parked.id)).state == "parked"
        await asyncio.sleep(0)
        assert descriptors() <= before
        (daemon.root / "away").rename(daemon.pool)
        assert (await client.wait(parked.id, PATIENCE)).state == "done"

    daemon.with_pool()
    daemon.pool.rename(daemon.root / "away")
    run(daemon, work)


def test_a_client_that_is_closed_ends_what_is_under_way(daemon: RealDaemon) -> None:
    async def work(client: AsyncClient) -> None:
        parked = await client.create_volume("p", "v", "1MiB")
        under_way = [
            *(asyncio.ensure_future(client.wait(parked.id, PATIENCE)) for _ in range(10)),
            asyncio.ensure_future(follow(client)),
        ]
        await asyncio.sleep(0.05)  # some wait, some only begin: either is right
        await client.close()
        for error in await asyncio.gather(*under_way, return_exceptions=True):
            assert isinstance(error, Unavailable)
        assert (await client.exit(parked.id, "cancel")).id == parked.id

    daemon.with_pool()
    daemon.pool.rename(daemon.root / "away")
    run(daemon, work)


def test_the_daemon_keeps_no_connection_of_a_client_that_is_gone(daemon: RealDaemon) -> None:
    async def work(client: AsyncClient) -> None:
        await asyncio.gather(*(client.status() for _ in range(MANY)))
        stream = client.events()
        await anext(stream)

    daemon.with_pool()
    assert daemon.process is not None
    pid = daemon.process.pid
    before = descriptors(pid)
    run(daemon, work)
    wait_until(lambda: descriptors(pid) <= before, "the daemon closes the connections")
