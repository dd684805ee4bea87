"""Snapshots, clones and restores of what is on an array, with real file systems on its devices."""

import os
from pathlib import Path

import pytest

from holdfast.client import Client
from holdfast.model.errors import Invalid
from holdfast.model.resources import FileSystem
from holdfast.testing.flasharray.weather import on
from tests.array.world import ArrayWorld
from tests.daemon import run
from tests.needs import need

MIB = 1 << 20
SIZES: dict[FileSystem, int] = {"ext4": 16, "xfs": 304, "btrfs": 128}


def made(world: ArrayWorld, client: Client, fs: FileSystem = "ext4") -> str:
    """The volume `v`, mounted; where."""
    need(f"mkfs.{fs}")
    asked = client.create_volume("p", "v", f"{SIZES[fs]}MiB", "filesystem", fs, wait=None)
    world.ends(client, asked, "done", 60)
    at = world.path("at")
    world.ends(client, client.mount("p", "v", at, wait=None), "done")
    return at


@pytest.mark.parametrize("fs", SIZES)
def test_what_was_written_before_is_in_a_snapshot_in_its_clone_and_back_in_the_volume(
    world: ArrayWorld, fs: FileSystem
) -> None:
    client = world.start()
    at = Path(made(world, client, fs))
    (at / "file").write_text("kept")  # and not synced by whoever writes
    world.ends(client, client.create_snapshot("p", "v", "s", wait=None), "done", 60)
    taken = client.snapshot("p", "v", "s")
    assert (taken.ready, taken.taken) == (True, "synced")
    (at / "file").write_text("changed")
    shown = Path(world.path("shown"))
    world.ends(client, client.mount_snapshot("p", "v", "s", str(shown), wait=None), "done")
    assert (shown / "file").read_text() == "kept"
    with pytest.raises(OSError, match="Read-only"):
        (shown / "file").write_text("spoiled")
    size = f"{2 * SIZES[fs]}MiB" if fs != "ext4" else None  # that needs a capability
    world.ends(client, client.clone_volume("p", "v", "w", snapshot="s", size=size, wait=None), "done", 60)
    beside = Path(world.path("beside"))
    world.ends(client, client.mount("p", "w", str(beside), wait=None), "done")
    assert (beside / "file").read_text() == "kept"
    assert fs == "ext4" or int(run("df", "-m", "--output=size", str(beside)).stdout.split()[-1]) > 1.2 * SIZES[fs]
    assert len(world.connections()) == len(world.devices()) == 3
    for path in (at, shown, beside):
        world.unmounted(client, str(path))
    world.ends(client, client.restore_snapshot("p", "v", "s", wait=None), "done")
    world.ends(client, client.mount("p", "v", str(at), wait=None), "done")
    assert (at / "file").read_text() == "kept"
    world.unmounted(client, str(at))
    assert client.audit() == []
    for op in (
        client.delete_snapshot("p", "v", "s"), client.delete_volume("p", "v"), client.delete_volume("p", "w"),
    ):  # fmt: skip
        assert op.state == "done"
    world.nothing_is_left(client)


def test_a_device_has_snapshots_that_nobody_is_given_the_device_of(world: ArrayWorld) -> None:
    client = world.start()
    world.ends(client, world.make(client), "done")
    node = world.path("node", file=True)
    world.ends(client, client.mount("p", "v", node, wait=None), "done")
    fd = os.open(node, os.O_RDWR)
    os.write(fd, b"kept")  # in the page cache of the device
    world.ends(client, client.create_snapshot("p", "v", "s", wait=None), "done")
    os.pwrite(fd, b"gone", 0)
    os.close(fd)
    assert client.snapshot("p", "v", "s").taken == "synced"
    with pytest.raises(Invalid, match="could write to it"):
        client.mount_snapshot("p", "v", "s", world.path("other", file=True))
    world.unmounted(client, node)
    world.ends(client, client.restore_snapshot("p", "v", "s", wait=None), "done")
    world.ends(client, client.mount("p", "v", node, wait=None), "done")
    with open(node, "rb") as file:
        assert file.read(4) == b"kept"


def test_a_volume_that_a_stranger_is_connected_to_is_not_restored(world: ArrayWorld) -> None:
    client = world.start()
    world.ends(client, world.make(client), "done")
    world.ends(client, client.create_snapshot("p", "v", "s", wait=None), "done")
    (name,) = [name for name in world.volumes() if world.array.state.volumes[name].source == ""]
    host = world.connect_stranger(name)
    op = world.ends(client, client.restore_snapshot("p", "v", "s", wait=None), "undone")
    assert op.error is not None
    assert host in op.error.detail
    assert not [sent for sent in world.array.log if sent.query.get("overwrite")]


WHERE = (
    "array.make-volume.after", "array.tag-volume.after", "array.connect.after", "child.loop-attach.after",
    "child.settle-image.before", "child.identify-ext4.after", "array.tag-whole.before",
    "child.loop-detach.before", "array.disconnect.after",
)  # fmt: skip


@pytest.mark.parametrize("where", WHERE)
def test_a_daemon_killed_anywhere_in_a_clone_ends_it_and_leaves_no_connection(world: ArrayWorld, where: str) -> None:
    client = world.start()
    at = made(world, client)
    (Path(at) / "file").write_text("kept")
    world.unmounted(client, at)
    world.daemon.arm(f"{where}:kill")
    op = client.clone_volume("p", "v", "w", wait=None)
    world.daemon.ended()
    world.daemon.disarm()
    client = world.daemon.start().client()
    world.ends(client, client.operation(op.id), "done")
    assert world.connections() == []
    assert world.devices() == []
    world.ends(client, client.mount("p", "w", at, wait=None), "done")
    assert (Path(at) / "file").read_text() == "kept"
    world.unmounted(client, at)
    assert client.audit() == []


@pytest.mark.parametrize("where", ["array.restore.before", "array.restore.after", "array.tag-restored.after"])
def test_a_daemon_killed_amid_a_restore_ends_it(world: ArrayWorld, where: str) -> None:
    client = world.start()
    at = made(world, client)
    (Path(at) / "file").write_text("kept")
    world.ends(client, client.create_snapshot("p", "v", "s", wait=None), "done")
    (Path(at) / "file").unlink()
    world.unmounted(client, at)
    world.daemon.arm(f"{where}:kill")
    op = client.restore_snapshot("p", "v", "s", wait=None)
    world.daemon.ended()
    world.daemon.disarm()
    client = world.daemon.start().client()
    world.ends(client, client.operation(op.id), "done")
    world.ends(client, client.mount("p", "v", at, wait=None), "done")
    assert (Path(at) / "file").read_text() == "kept"


def test_a_restore_that_was_not_answered_changes_nothing_that_was_written_after_it(world: ArrayWorld) -> None:
    """The array does it late: so the operation ends late."""
    client = world.start()
    at = made(world, client)
    world.ends(client, client.create_snapshot("p", "v", "s", wait=None), "done")
    world.unmounted(client, at)
    world.array.weather.late(on("POST", "volumes"), 0.3)
    world.ends(client, client.restore_snapshot("p", "v", "s", wait=None), "done", 60)
    world.ends(client, client.mount("p", "v", at, wait=None), "done")
    (Path(at) / "file").write_text("new")
    os.sync()
    world.unmounted(client, at)
    world.ends(client, client.mount("p", "v", at, wait=None), "done")
    assert (Path(at) / "file").read_text() == "new"


def test_what_a_database_does_not_know_of_is_adopted_with_its_snapshots(world: ArrayWorld) -> None:
    """As behind a database that was restored."""
    client = world.start()
    at = made(world, client)
    (Path(at) / "file").write_text("kept")
    backup = world.daemon.root / "older.db"
    world.unmounted(client, at)
    client.backup(str(backup))
    world.ends(client, client.clone_volume("p", "v", "w", wait=None), "done")
    world.ends(client, client.create_snapshot("p", "w", "s", wait=None), "done")
    world.daemon.stop()
    for name in ("holdfast.db-wal", "holdfast.db-shm"):
        (world.daemon.state / name).unlink(missing_ok=True)
    (world.daemon.state / "holdfast.db").write_bytes(backup.read_bytes())
    client = world.daemon.start().client()
    client.resume()
    assert {found.kind for found in client.audit()} == {"orphan"}
    world.ends(client, client.adopt("p", wait=None), "done")
    assert client.audit() == []
    world.ends(client, client.mount_snapshot("p", "w", "s", at, wait=None), "done")
    assert (Path(at) / "file").read_text() == "kept"
