"""The Python client of the REST face, over the unix socket or TLS; `holdfast.client.aio` has it for asyncio.

Every method is typed, and returns what REST answers. A change returns its operation: `ended_well` gives it back if it
is done, and raises otherwise.

```python
from holdfast.client import Client, ended_well
from holdfast.model.errors import NotFound

with Client() as client:  # Client("https://box.example:8443", token="hf_…", ca_file="/etc/holdfast/ca.pem") over TLS
    ended_well(client.create_pool("fast", {"source": "/srv/fast"}))
    ended_well(client.create_volume("fast", "site", "10GiB", labels={"app": "shop"}))
    ended_well(client.mount("fast", "site", "/mnt/site"))
    for volume in client.volumes("fast", labels={"app": "shop"}):
        print(volume.name, volume.size, *volume.mounts)
    try:
        client.volume("fast", "nowhere")
    except NotFound as error:  # every error has a class, a detail, and a hint: what to do next
        print(error.detail, error.hint)
```

Without an address a client takes `HOLDFAST_ADDRESS`, else the local socket; without a token `HOLDFAST_TOKEN`, or the
file that `HOLDFAST_TOKEN_FILE` names; without a CA file `HOLDFAST_CA_FILE`, else the system's list. Proxies are never
used.

```python
import asyncio

from holdfast.client import ended_well
from holdfast.client.aio import AsyncClient


async def main() -> None:
    async with AsyncClient(patience=60) as client:
        wanted = [client.create_volume("fast", f"db{n}", "1GiB", key=f"order-4711-{n}") for n in range(3)]
        for operation in await asyncio.gather(*wanted):
            ended_well(operation)
        events = client.events()
        await anext(events)  # `ready`: what changes from now on is told
        begun = await client.delete_volume("fast", "db0", wait=None)
        async for event in events:
            if event.operation and event.operation.id == begun.id and event.operation.ended:
                print(event.operation.kind, event.operation.state)
                break
        await events.aclose()


asyncio.run(main())
```

A change is sent under one idempotency key, again and again under the same one while no daemon answers, for `patience`
seconds; a `key` of your own makes it safe to ask again even after a crash of your program. What the daemon does not
know again by a key is sent once: tokens, `exit`, `resume`, `backup` and a repair.
"""

from holdfast.client.client import Client, ended_well
from holdfast.client.wire import Event

__all__ = ["Client", "Event", "ended_well"]
