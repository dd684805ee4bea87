"""A universe with a simulated array in it, which lives on while daemons come and go; and what must hold of both."""

import copy
import os
from collections.abc import Callable

from holdfast.control.daemon import Daemon
from holdfast.drivers.flasharray import names
from holdfast.drivers.registry import Drivers
from holdfast.host.host import Host
from holdfast.model.resources import Attachment, Pool, Snapshot, Volume
from holdfast.records import resources
from holdfast.testing.flasharray import local
from holdfast.testing.flasharray.array import Array
from holdfast.testing.flasharray.judging import (
    is_claimed,
    is_destruction,
    is_overwriting,
    is_to_stay,
    judge,
    volumes_of,
)
from holdfast.testing.flasharray.local import HOST, STRANGER
from holdfast.testing.flasharray.model import Sent
from holdfast.testing.flasharray.shelf import VOLUMES, FileShelf
from holdfast.testing.universe import Universe


class ArrayUniverse(Universe):
    """See the module."""

    def __init__(self, scratch: str, seed: int) -> None:
        super().__init__(scratch, seed)
        self.fabric = os.path.join(scratch, "array")
        self.array = Array(FileShelf(self.fabric), lambda: self.scheduler.clock, self._later, self.world.new_id)

        self.array.heard = self._heard
        self._wrong = ""

    def _heard(self, sent: Sent) -> None:
        """A volume is destroyed only while its record says so, and overwritten only by a restore of it."""
        daemon = self.daemon
        if daemon is None or not hasattr(daemon, "engine") or self._wrong or sent.status != 200:
            return
        tx = daemon.records.peek()
        kept = [uid for uid in volumes_of(sent) if is_destruction(sent) and is_to_stay(tx, uid)]
        if is_overwriting(sent):
            kept = [uid for uid in volumes_of(sent) if not is_claimed(tx, uid, "snapshot.restore")]
        self._wrong = f"{sent.method} of {kept[0]}, which is to stay" if kept else ""

    def _later(self, seconds: float, act: Callable[[], None]) -> None:
        def wait() -> None:
            self.world.sleep(seconds)
            act()

        self.world.spawn("the array", wait)

    def drivers(self, host: Host) -> Drivers:
        """With the array's."""
        return local.drivers(host, self.array)

    def furnish(self) -> None:
        """The bystander is there."""
        local.bystander(self.array)

    def memory(self) -> object:
        """What the array knows."""
        state = self.array.state
        return copy.deepcopy((state.id, state.pods, state.volumes, state.hosts, state.connections, state._serials))

    def recall(self, memory: object) -> None:
        """As it was then."""
        state = self.array.state
        known = copy.deepcopy(memory)
        state.id, state.pods, state.volumes, state.hosts, state.connections, state._serials = known  # type: ignore[misc]  # what `memory` gave

    def image(self, volume: Volume | Snapshot) -> str:
        """The file behind a volume."""
        return os.path.join(self.fabric, VOLUMES, volume.status.identity["serial"])

    def disagreement(self, daemon: Daemon) -> str:
        """How array and records differ, or an empty text."""
        state = self.array.state
        judge(self.array.log)
        if self._wrong:
            return self._wrong
        pools = {pool.uid: pool for pool in daemon.records.read(lambda tx: resources.page(tx, Pool))}
        volumes = {volume.uid: volume for volume in daemon.records.read(lambda tx: resources.page(tx, Volume))}
        of = {uid: pools[volume.parent] for uid, volume in volumes.items()}
        for snapshot in daemon.records.read(lambda tx: resources.page(tx, Snapshot)):
            of[snapshot.uid] = of[snapshot.parent]
        wanted = {names.volume(pool.spec.config["pod"], daemon.member.uid, uid): uid for uid, pool in of.items()}
        # By policy the array keeps what it destroyed.
        kept = {pool.spec.config["pod"] for pool in pools.values() if pool.spec.config["eradicate"] == "never"}
        there = {
            name for name, volume in state.volumes.items()
            if "::hfp-" not in name and name != STRANGER and (volume.destroyed_at is None or volume.pod not in kept)
        }  # fmt: skip
        if there != set(wanted):
            return f"volumes on the array {sorted(there)}, recorded {sorted(wanted)}"
        mounted = {each.parent for each in daemon.records.read(lambda tx: resources.page(tx, Attachment))}
        host = names.host(daemon.member.uid, daemon.member.uid)
        connected = {(host, name) for name, uid in wanted.items() if uid in mounted} | {(HOST, STRANGER)}
        if set(state.connections) != connected:
            return f"connected {sorted(state.connections)}, wanted {sorted(connected)}"
        pods = {pool.spec.config["pod"] for pool in pools.values()} | {"thesis"}
        if set(state.pods) != pods:
            return f"pods {sorted(state.pods)}, recorded {sorted(pods)}"
        return ""
