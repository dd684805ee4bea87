"""The Python client of the REST face, over the unix socket or TLS. `holdfast.client.aio` has it for asyncio."""

from holdfast.client.client import Client, ended_well

__all__ = ["Client", "ended_well"]
