"""The simulated array without a network: in one process with a daemon of the simulation, on the virtual clock."""

import json
import os
import urllib.parse
from typing import Any

from holdfast.drivers.dir.driver import DirDriver
from holdfast.drivers.flasharray.driver import FlashArrayDriver
from holdfast.drivers.flasharray.wire import DEADLINE, Answered
from holdfast.drivers.registry import Drivers
from holdfast.drivers.transports.contract import Transports
from holdfast.host.host import Host
from holdfast.model.errors import Again
from holdfast.runtime.simulated import SimulatedRuntime
from holdfast.testing.flasharray.array import TOKEN, Array
from holdfast.testing.flasharray.fabric import LoopFabric
from holdfast.testing.flasharray.model import Entry

# A bystander's: a volume in a pod of his own, connected to his host.
STRANGER, HOST = "thesis::data", "esx-17"
_VARIABLE = "HOLDFAST_SIMULATED_TOKEN"


class LocalWire:
    """See `holdfast.drivers.flasharray.wire.Wire`. A dead daemon sends nothing."""

    def __init__(self, runtime: SimulatedRuntime, array: Array) -> None:
        self._runtime = runtime
        self._array = array

    def send(self, method: str, target: str, headers: dict[str, str], body: Any) -> Answered:
        """No answer takes the whole deadline."""
        self._runtime.check()
        parts = urllib.parse.urlsplit(target)
        query = dict(urllib.parse.parse_qsl(parts.query, keep_blank_values=True))
        reply = self._array.handle(method, parts.path, query, headers, body)
        if reply is None:
            self._runtime.sleep(DEADLINE)
            raise Again("The array did not answer.")
        if reply.after > DEADLINE:
            self._runtime.sleep(DEADLINE)
            raise Again("The array did not answer in time.")
        if reply.after:
            self._runtime.sleep(reply.after)
        # As over a network, so that nobody holds what is the array's.
        return Answered(reply.status, reply.headers, json.loads(json.dumps(reply.body)))

    def close(self) -> None:
        """Nothing is kept."""


def driver(host: Host, array: Array) -> FlashArrayDriver:
    """Of a simulated daemon, to that array."""
    runtime = host.runtime
    assert isinstance(runtime, SimulatedRuntime)
    return FlashArrayDriver(host, lambda _options: LocalWire(runtime, array), Transports({"loop": LoopFabric(host)}))


def drivers(host: Host, array: Array) -> Drivers:
    """Those of a simulated daemon, with that array."""
    return Drivers({"dir": DirDriver(host), "flasharray": driver(host, array)})


def bystander(array: Array) -> None:
    """He is there."""
    for method, path, query, body in (
        ("POST", "pods", {"names": "thesis"}, {}),
        ("PATCH", "container-default-protections", {"names": "thesis"}, {"default_protections": []}),
        ("POST", "volumes", {"names": STRANGER}, {"provisioned": 1 << 20}),
    ):
        array._act(method, path, query, body)
    state = array.state
    state.hosts[HOST] = Entry(state.ids(), HOST, [f"iqn.{HOST}"])
    state.connections[HOST, STRANGER] = 1


def config(fabric: str, **more: str) -> dict[str, str]:
    """Of a pool on it, in canonical form."""
    os.environ[_VARIABLE] = TOKEN
    return {
        "gateway": "array", "pod": "pod1", "token": f"environment:{_VARIABLE}", "ca_file": "", "transport": "loop",
        "fabric": fabric, "initiator": "iqn.2026-01.net.holdfast:loop", "eradicate": "after_delete",
        "device_timeout": "10", "settle": "5", **more,
    }  # fmt: skip
