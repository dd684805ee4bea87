"""How the clients are used, as type checkers see it: `make check` checks this file, the test that it is true."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator
from pathlib import Path
from typing import assert_type

from holdfast.client import Client, Event, ended_well
from holdfast.client.aio import AsyncClient
from holdfast.model.operations import OperationView, State
from holdfast.model.resources import Finding
from holdfast.model.views import MountView, NewTokenView, PoolView, StatusView, VolumeView
from tests.unit.client.fake import OPERATION, Fake, answering, chunks, said
from tests.unit.client.test_events import CHANGE, READY


def shown(client: Client) -> State:
    """What each answer is; never run."""
    assert_type(client.pools(), list[PoolView])
    assert_type(client.volumes("p"), Iterator[VolumeView])
    assert_type(client.mounts(), list[MountView])
    assert_type(client.audit(repair=True), list[Finding])
    assert_type(client.create_token("t", "operator", 3600), NewTokenView)
    assert_type(client.events(), Generator[Event, None, None])
    assert_type(ended_well(client.delete_volume("p", "v", wait=None)), OperationView)
    client.create_volume("p", "v", "1GiB", "tape")  # type: ignore[arg-type]  # it is no content
    client.create_token("t", "king")  # type: ignore[arg-type]  # it is no role
    return client.wait("x", 5).state


async def shown_async(client: AsyncClient) -> None:
    """The same, awaited; never run."""
    assert_type(await client.pools(), list[PoolView])
    assert_type(client.volumes("p"), AsyncIterator[VolumeView])
    assert_type(await client.status(), StatusView)
    assert_type(client.events(), AsyncGenerator[Event, None])


async def last_state(client: AsyncClient) -> State | None:
    state: State | None = None
    async for event in client.events():
        if event.operation is not None:
            state = event.operation.state
    return state


async def both(address: str) -> tuple[OperationView, State | None]:
    async with AsyncClient(address) as client:
        return await client.operation("x"), await last_state(client)


def test_what_comes_is_of_the_types_that_are_said(tmp_path: Path) -> None:
    fake = Fake(tmp_path / "s", answering(said(OPERATION)), answering(chunks(READY, CHANGE)))
    operation, state = asyncio.run(both(fake.address))
    fake.close()
    assert type(operation) is OperationView
    assert state == "done"
