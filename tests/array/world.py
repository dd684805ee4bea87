"""A real daemon, a simulated array behind HTTPS, and what both must agree on, asked behind the daemon's back."""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

from holdfast.client import Client
from holdfast.model.errors import WrongState
from holdfast.model.operations import OperationView
from holdfast.testing.flasharray.array import TOKEN, Array
from holdfast.testing.flasharray.judging import judge
from holdfast.testing.flasharray.model import Entry
from holdfast.testing.flasharray.server import ArrayServer, serving
from tests.daemon import RealDaemon, mounts_below, real_daemon, run, wait_until
from tests.lingering import loops_below

# Seconds: how long a device may take, and how long the array may take to show a change.
DEVICE, SETTLE = 1.0, 0.5
ENDED = ("done", "undone", "abandoned")


class ArrayWorld:
    """Pool `p` is the pod `pod1`."""

    def __init__(self, daemon: RealDaemon, server: ArrayServer) -> None:
        self.daemon = daemon
        self.server = server
        self.token = daemon.root / "token"
        self.token.write_text(TOKEN)

    @property
    def array(self) -> Array:
        """As it is."""
        return self.server.array

    def config(self, **more: str) -> dict[str, str]:
        """Of the pool."""
        return {
            "gateway": self.server.address, "pod": "pod1", "token": f"file:{self.token}", "ca_file": self.server.ca,
            "transport": "loop", "fabric": self.server.root, "eradicate": "after_delete",
            "device_timeout": f"{DEVICE:g}", "settle": f"{SETTLE:g}", **more,
        }  # fmt: skip

    def start(self, **more: str) -> Client:
        """With the pool."""
        client = self.daemon.start().client()
        self.ends(client, client.create_pool("p", self.config(**more), driver="flasharray"), "done")
        return client

    def path(self, name: str, *, file: bool = False) -> str:
        """An empty directory, or file, to mount at."""
        path = self.daemon.mnt / name
        path.touch() if file else path.mkdir()
        return str(path)

    # -- operations --------------------------------------------------------------------------------

    def ends(self, client: Client, op: OperationView, state: str, seconds: float = 30.0) -> OperationView:
        """Wait for its end, also while it is parked."""
        end = time.monotonic() + seconds
        while op.state not in ENDED:
            assert time.monotonic() < end, f"{op.kind} is {op.state}: {op.reason}\n{self.daemon.log_tail()}"
            time.sleep(0.02)
            op = client.operation(op.id)
        assert op.state == state, f"{op.kind} is {op.state}: {op.error}"
        return op

    def waits(self, client: Client, op: OperationView, reason: str, seconds: float = 20.0) -> OperationView:
        """Wait until it is parked for that reason."""
        end = time.monotonic() + seconds
        while True:
            op = client.operation(op.id)
            if op.state == "parked" and reason in op.reason:
                return op
            assert op.state not in ENDED, f"{op.kind} is {op.state}: {op.error}"
            assert time.monotonic() < end, f"{op.kind} is {op.state}: {op.reason}, not {reason}"
            time.sleep(0.02)

    def abandon(self, client: Client, op: OperationView, reason: str) -> None:
        """Once it is parked for that reason; between two tries, for one that runs right now is not abandoned."""
        end = time.monotonic() + 20.0
        while True:
            self.waits(client, op, reason)
            try:
                client.exit(op.id, "abandon", "a test")
            except WrongState:
                assert time.monotonic() < end, f"{op.kind} is never at rest"
            else:
                return

    def make(self, client: Client, name: str = "v", content: str = "block") -> OperationView:
        """Ask for a volume, and wait for nothing."""
        fs = "ext4" if content == "filesystem" else None
        return client.create_volume("p", name, "16MiB", content=content, fs=fs, wait=None)  # type: ignore[arg-type]

    def unmounted(self, client: Client, path: str) -> None:
        """What is mounted there goes."""
        self.ends(client, client.unmount(client.mounts(path)[0], wait=None), "done")

    # -- the world ---------------------------------------------------------------------------------

    def volumes(self) -> list[str]:
        """Living ones, but for marks."""
        return [
            name
            for name, volume in self.array.state.volumes.items()
            if "::hfp-" not in name and volume.destroyed_at is None
        ]

    def destroyed(self) -> list[str]:
        """Those that wait to be erased."""
        return [name for name, volume in self.array.state.volumes.items() if volume.destroyed_at is not None]

    def connections(self) -> list[tuple[str, str]]:
        """All."""
        return sorted(self.array.state.connections)

    def devices(self) -> list[str]:
        """Loop devices on this machine."""
        return loops_below(Path(self.server.root))

    def nothing_is_left(self, client: Client, volumes: int = 0) -> None:
        """Of a volume that was taken back: neither volume nor connection nor device, and in a while no host."""
        assert len(self.volumes()) == volumes
        assert self.connections() == []
        assert self.devices() == []
        assert mounts_below(self.daemon.mnt) == []
        wait_until(lambda: not self.array.state.hosts, "the entry of the host is collected")
        assert client.audit() == []

    def connect_stranger(self, volume: str, host: str = "esx-17") -> str:
        """Somebody else connects it."""
        self.array.state.hosts.setdefault(host, Entry(self.array.state.ids(), host, [f"iqn.{host}"]))
        self.array.state.connections[host, volume] = 9
        return host

    def obeyed(self) -> None:
        """No destroy and no erasing of a volume that the last look, after the last disconnect, did not show as free."""
        judge(self.array.log)


@contextlib.contextmanager
def array_world() -> Iterator[ArrayWorld]:
    """Not started yet; what it did is judged at the end."""
    with serving() as server, real_daemon() as daemon:
        world = ArrayWorld(daemon, server)
        try:
            yield world
            world.obeyed()
        finally:
            daemon.kill()
            for device in world.devices():
                run("umount", device, ok=False)
                run("losetup", "-d", device, ok=False)
