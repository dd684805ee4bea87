"""Controls of the comparison: a short story, ways to break the simulated kernel and to tamper with the real world."""

import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterator

import pytest

from holdfast.model.resources import Content
from holdfast.operations.attachment.mount import VolumeMount
from holdfast.operations.attachment.unmount import VolumeUnmount
from holdfast.operations.base import Asked
from holdfast.operations.pool.create import PoolCreate
from holdfast.operations.volume.create import VolumeCreate
from holdfast.operations.volume.delete import VolumeDelete
from holdfast.operations.volume.rename import VolumeRename
from holdfast.testing.simulation import filesystems
from holdfast.testing.simulation.devices import Devices
from holdfast.testing.simulation.machine import Machine
from holdfast.testing.simulation.mounts import Mounts
from holdfast.testing.simulation.nodes import Node
from holdfast.testing.simulation.script_hands import PLACE
from holdfast.testing.simulation.script_play import Play
from tests.daemon import RealDaemon, run

_CONTENTS: tuple[tuple[str, Content], ...] = (("tree", "directory"), ("disk", "block"), ("left", "directory"))


class Short(Play):
    """A fixed story: of each content one volume, mounted or not, renamed or not."""

    def requests(self) -> Iterator[Asked]:
        yield PoolCreate(name="p0", config={"source": "/srv/p0"})
        for name, content in _CONTENTS:
            yield VolumeCreate(pool="p0", name=name, size="1MiB", content=content)
        yield VolumeCreate(pool="p0", name="system", size="1MiB", content="filesystem", fs="ext4")
        yield VolumeRename(pool="p0", name="left", new_name="kept")
        yield VolumeMount(pool="p0", name="tree", path="/mnt/d0", read_only=True)
        yield VolumeMount(pool="p0", name="disk", path="/mnt/f0")
        yield VolumeMount(pool="p0", name="system", path="/mnt/d1")
        yield VolumeMount(pool="p0", name="system", path="/mnt/d2")
        yield VolumeUnmount(path="/mnt/d2")
        yield VolumeCreate(pool="p0", name="gone", size="1MiB")
        yield VolumeDelete(pool="p0", name="gone")


def _rename_keeps_the_old_name(monkeypatch: pytest.MonkeyPatch) -> None:
    right = filesystems.rename

    def wrong(source: Node, old: str, target: Node, new: str) -> None:
        node = source.children[old]
        right(source, old, target, new)
        source.children[old] = node

    monkeypatch.setattr(filesystems, "rename", wrong)


def _umount_does_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Mounts, "umount", lambda self, path: None)


def _devices_forget_to_go_with_their_last_user(monkeypatch: pytest.MonkeyPatch) -> None:
    right = Devices.loop_configure

    def wrong(self: Devices, fd: int, image: int, *, autoclear: bool, read_only: bool) -> None:
        right(self, fd, image, autoclear=False, read_only=read_only)

    monkeypatch.setattr(Devices, "loop_configure", wrong)


def _read_only_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Mounts, "set_mount", lambda self, mount, *, read_only, flags=(): None)


def _writes_to_devices_are_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    right = Machine.write

    def wrong(self: Machine, node: Node, offset: int, data: bytes) -> int:
        return len(data) if node.kind == "block" else right(self, node, offset, data)

    monkeypatch.setattr(Machine, "write", wrong)


# With what is told of each.
BROKEN: dict[Callable[[pytest.MonkeyPatch], None], str] = {
    _rename_keeps_the_old_name: "VolumeDelete(pool='p0', name='gone', if_match='') does not end",
    _umount_does_nothing: "VolumeUnmount(path='/mnt/d2', attachment='') does not end",
    _devices_forget_to_go_with_their_last_user: "+device 1 of /srv/p0/volumes/<uid 4>/disk.raw: autoclear True",
    _read_only_is_ignored: "path='/mnt/d0', read_only=True, use='mount', flags=(), alone=False): undone exists",
    _writes_to_devices_are_lost: "-/srv/p0/volumes/<uid 2>/disk.raw: 1048576 bytes, Blank()",
}


def _record(daemon: RealDaemon) -> None:
    with contextlib.closing(sqlite3.connect(daemon.state / "holdfast.db")) as database:
        database.execute("UPDATE operations SET state='undone' WHERE kind='volume.rename'")
        database.commit()


def _mark(daemon: RealDaemon) -> None:
    for mark in daemon.root.glob("srv/p0/volumes/*/object.json"):
        mark.write_text(mark.read_text().replace('"kept"', '"left"'))


def _bytes(daemon: RealDaemon) -> None:
    device = os.open(daemon.mnt / "f0", os.O_RDWR)
    os.pwrite(device, b"spoiled", PLACE)
    os.fsync(device)
    os.close(device)


TAMPERED: dict[Callable[[RealDaemon], object], str] = {
    _record: "operation 5",
    _mark: "/srv/p0/volumes/<uid 3>/object.json",
    _bytes: "/srv/p0/volumes/<uid 2>/disk.raw",
    lambda daemon: (daemon.mnt / "d1" / "top").write_text("spoiled"): "/mnt/d1/top",
    lambda daemon: (daemon.root / "srv" / "p0" / "stray").touch(): "/srv/p0/stray",
    lambda daemon: run("umount", daemon.mnt / "d0"): "mount 1 at /mnt/d0",
    lambda daemon: run("losetup", "-f", next(daemon.root.glob("srv/p0/volumes/*/disk.raw"))): "device 2 of",
}
