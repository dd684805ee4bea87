"""Clients over the socket while the daemon is killed again and again; they ask again, as kubelets do."""

import os
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.csi.plugin import Plugin, block, kubelet, mounted, room, with_csi
from tests.daemon import RealDaemon, mounts_below, real_daemon
from tests.lingering import loops_below
from tests.needs import need_root

KILLS = 50 if os.environ.get("HOLDFAST_PROOF") else 8
CLIENTS = 4
MIB = 1 << 20
# Seconds that a client goes on asking for one thing: of one life of the daemon there are a few.
PATIENCE = 60.0
WAYS = (mounted(), mounted("ext4"), block())


class Kubelet:
    """One client with a volume at a time; it counts what it was answered."""

    def __init__(self, daemon: RealDaemon, number: int, over: threading.Event) -> None:
        self._socket = f"{daemon.run}/csi.sock"
        self._plugin = Plugin(self._socket)
        self._random = random.Random(number)
        self._over = over
        self._name = f"pvc-{number}"
        self._staging, self._target = kubelet(daemon) / f"s{number}", kubelet(daemon) / f"t{number}"
        self._staging.mkdir()
        self.cycles = self.asked_again = 0

    def live(self) -> None:
        """Until it is over; what was begun is taken back."""
        while not self._over.is_set():
            self._cycle()
            self.cycles += 1
        self._plugin.close()

    def _cycle(self) -> None:
        way = self._random.choice(WAYS)
        asked = {"name": self._name, "capacity_range": room(2 * MIB), "volume_capabilities": [way]}
        uid = self._ask("CreateVolume", **asked).volume.volume_id
        one: dict[str, Any] = {"volume_id": uid}
        staging, target = {"staging_target_path": str(self._staging)}, {"target_path": str(self._target)}
        for _ in range(self._random.choice((1, 2))):
            self._ask("NodeStageVolume", **one, **staging, volume_capability=way)
            for _ in range(self._random.choice((1, 2))):
                self._ask("NodePublishVolume", **one, **staging, **target, volume_capability=way)
                self._write(way.HasField("block"))
                self._ask("NodeUnpublishVolume", **one, **target)
            self._ask("NodeUnstageVolume", **one, **staging)
        self._ask("DeleteVolume", **one)

    def _write(self, is_device: bool) -> None:
        """What was written is read, at the path that was said to be the volume's."""
        path = self._target if is_device else self._target / "file"
        with path.open("r+b" if is_device else "wb") as file:
            file.write(self._name.encode())
        with path.open("rb") as file:
            assert file.read(len(self._name)) == self._name.encode()

    def _ask(self, call: str, **fields: Any) -> Any:
        end = time.monotonic() + PATIENCE
        while True:
            status, answer = self._plugin.status(call, seconds=10.0, **fields)
            if status == "OK":
                return answer
            assert status in ("UNAVAILABLE", "ABORTED", "DEADLINE_EXCEEDED"), f"{call}: {status} {answer}"
            assert time.monotonic() < end, f"{call} is not answered: {status} {answer}"
            self.asked_again += 1
            time.sleep(0.05)


def test_a_storm_over_the_socket_leaks_nothing_and_every_start_succeeds() -> None:
    need_root()
    with real_daemon() as daemon:
        with_csi(daemon).with_pool()
        over, chance = threading.Event(), random.Random(KILLS)
        clients = [Kubelet(daemon, number, over) for number in range(CLIENTS)]
        with ThreadPoolExecutor(CLIENTS) as pool:
            lives = [pool.submit(client.live) for client in clients]
            try:
                for _ in range(KILLS):
                    time.sleep(chance.uniform(0.05, 0.6))
                    daemon.kill()
                    daemon.start()
                    if any(life.done() for life in lives):
                        break
            finally:
                over.set()
            for life in lives:
                life.result(2 * PATIENCE)
        assert sum(client.cycles for client in clients) >= KILLS / 4
        assert mounts_below(kubelet(daemon)) == [str(kubelet(daemon))]
        assert sorted(os.listdir(kubelet(daemon))) == [f"s{number}" for number in range(CLIENTS)]
        assert not list(daemon.client().volumes("p"))
        assert [each for each in os.listdir(Path(daemon.pool) / "volumes") if each != ".holdfast"] == []
        daemon.settle()
        assert loops_below(daemon.pool) == []
        assert daemon.client().audit() == []
