"""A simulated array for drills: behind HTTPS on loopback, with a pool of its own, and what must be left of both."""

import contextlib
import os
import shutil
from collections.abc import Iterator

from holdfast.drills.report import Failed, Scene
from holdfast.drills.stage import SIZE, Stage
from holdfast.host import loops
from holdfast.operations.pool.create import PoolCreate
from holdfast.operations.pool.delete import PoolDelete
from holdfast.operations.volume.create import VolumeCreate
from holdfast.testing.flasharray.array import TOKEN
from holdfast.testing.flasharray.judging import Disobeyed, judge
from holdfast.testing.flasharray.server import ArrayServer

ARRAY = "array"
# Seconds that a device may take, and that the array may take to show a change.
_DEVICE, _SETTLE = 1.0, 0.5
_TOOL = "openssl"


class Theatre:
    """The array, and looks behind Holdfast's back."""

    def __init__(self, stage: Stage, server: ArrayServer) -> None:
        self._stage = stage
        self.server = server
        self.weather = server.array.weather

    def create(self, name: str) -> VolumeCreate:
        """A volume whose ext4 is made on its device."""
        return VolumeCreate(pool=ARRAY, name=name, size=SIZE, content="filesystem", fs="ext4")

    def volumes(self) -> list[str]:
        """Those that are not destroyed, but for the pool's mark."""
        known = self.server.array.state.volumes
        return [name for name, volume in known.items() if "::hfp-" not in name and volume.destroyed_at is None]

    def connections(self) -> list[tuple[str, str]]:
        """All of them."""
        return sorted(self.server.array.state.connections)

    def devices(self) -> list[str]:
        """Of the array, on this machine."""
        place = os.path.join(self.server.root, "volumes") + "/"
        return [loop.path for loop in loops.attached() if loop.file.startswith(place)]

    def nothing_left(self, scene: Scene) -> None:
        """Neither device nor connection nor volume; and the entry of the host goes, once nobody needs it."""
        scene.found(not self.devices(), "no device", f"the device {', '.join(self.devices())} is left")
        scene.found(not self.connections(), "no connection", f"connected is {self.connections()}")
        scene.found(not self.volumes(), "no volume", f"left is {', '.join(self.volumes())}")
        end = self._stage.runtime.monotonic() + 20.0
        while self.server.array.state.hosts and self._stage.runtime.monotonic() < end:
            self._stage.runtime.sleep(0.05)
        scene.found(not self.server.array.state.hosts, "no host", "the entry of the host is left")
        self.obeyed()

    def obeyed(self) -> None:
        """Nothing was destroyed that was not known to be free."""
        try:
            judge(self.server.array.log)
        except Disobeyed as error:
            raise Failed(f"the array was sent a {error}") from error


@contextlib.contextmanager
def arrayed(stage: Stage) -> Iterator[Theatre]:
    """With the pool `array`; both go at the end. Raise Failed where the array cannot be simulated."""
    if shutil.which(_TOOL) is None:
        raise Failed(f"{_TOOL}, which makes the simulated array's certificate, is not installed")
    root = stage.path(ARRAY)
    os.mkdir(root)
    server = stage.until_cleared.enter_context(ArrayServer(root))
    try:
        token = os.path.join(root, "token")
        with open(token, "w") as file:
            file.write(TOKEN)
        config = {
            "gateway": server.address, "pod": "drill", "token": f"file:{token}", "ca_file": server.ca,
            "transport": "loop", "fabric": root, "eradicate": "after_delete", "device_timeout": f"{_DEVICE:g}",
            "settle": f"{_SETTLE:g}",
        }  # fmt: skip
        stage.do(PoolCreate(name=ARRAY, driver="flasharray", config=config))
        yield Theatre(stage, server)
        stage.do(PoolDelete(name=ARRAY))
    finally:
        server.array.weather.__init__()  # type: ignore[misc]  # all is well again
