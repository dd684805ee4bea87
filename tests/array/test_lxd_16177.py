"""lxd-16177: a volume stays connected after a resize. Here each keeps the connection that it had, and no other."""

import os

import pytest

from holdfast.client import Client
from holdfast.model.errors import InUse, Invalid
from holdfast.testing.flasharray.weather import on
from tests.array.world import ArrayWorld
from tests.daemon import run, wait_until

MIB = 1 << 20


@pytest.fixture
def client(world: ArrayWorld) -> Client:
    """With an xfs of 304 MiB, `x`, and a block volume of 16 MiB, `b`."""
    found = world.start()
    asked = found.create_volume("p", "x", "304MiB", content="filesystem", fs="xfs", wait=None)
    world.ends(found, asked, "done", 60)
    world.ends(found, world.make(found, "b"), "done")
    return found


def room(path: str) -> int:
    """Mebibytes of the file system there."""
    return int(run("df", "-m", "--output=size", path).stdout.split()[-1])


def test_a_volume_that_is_not_mounted_grows_and_is_connected_to_nobody_afterwards(
    world: ArrayWorld, client: Client
) -> None:
    world.ends(client, client.resize_volume("p", "x", "400MiB", wait=None), "done")
    world.ends(client, client.resize_volume("p", "b", "32MiB", wait=None), "done")
    assert world.connections() == []
    assert world.devices() == []
    assert [(each.name, each.size) for each in client.volumes("p")] == [("b", 32 * MIB), ("x", 400 * MIB)]
    at = world.path("at")
    world.ends(client, client.mount("p", "x", at, wait=None), "done")
    assert room(at) > 320
    world.ends(client, client.unmount(client.mounts()[0], wait=None), "done")
    assert client.audit() == []


def test_a_mounted_volume_grows_under_its_user_and_keeps_the_connection_that_it_had(
    world: ArrayWorld, client: Client
) -> None:
    at, node = world.path("at"), world.path("node", file=True)
    world.ends(client, client.mount("p", "x", at, wait=None), "done")
    world.ends(client, client.mount("p", "b", node, wait=None), "done")
    before = world.connections()
    with open(f"{at}/file", "w") as file:
        file.write("a tenant's")
        world.ends(client, client.resize_volume("p", "x", "400MiB", wait=None), "done")
    world.ends(client, client.resize_volume("p", "b", "32MiB", wait=None), "done")
    assert world.connections() == before
    assert room(at) > 320
    fd = os.open(node, os.O_RDONLY)
    assert os.lseek(fd, 0, os.SEEK_END) == 32 * MIB
    os.close(fd)
    with open(f"{at}/file") as file:
        assert file.read() == "a tenant's"
    assert client.audit() == []


WHERE = (
    "array.connect.after", "child.loop-attach.after", "array.resize.before", "array.resize.after",
    "child.loop-resize.before", "child.grow.before", "child.grow.after", "child.loop-detach.before",
    "array.disconnect.before", "array.disconnect.after", "journal.end.before",
)  # fmt: skip


@pytest.mark.parametrize("where", WHERE)
def test_a_daemon_killed_anywhere_in_a_resize_ends_it_and_leaves_no_connection(
    world: ArrayWorld, client: Client, where: str
) -> None:
    world.daemon.arm(f"{where}:kill")
    op = client.resize_volume("p", "x", "400MiB", wait=None)
    world.daemon.ended()
    world.daemon.disarm()
    client = world.daemon.start().client()
    world.ends(client, client.operation(op.id), "done")
    assert world.connections() == []
    assert world.devices() == []
    assert client.volume("p", "x").size == 400 * MIB


def test_a_resize_whose_device_never_appears_is_undone_before_anything_grew(world: ArrayWorld, client: Client) -> None:
    world.array.weather.device_after = None
    world.ends(client, client.resize_volume("p", "x", "400MiB", wait=None), "undone")
    assert client.volume("p", "x").size == 304 * MIB
    assert {each.size for each in world.array.state.volumes.values()} == {MIB, 16 * MIB, 304 * MIB}
    assert world.connections() == []
    wait_until(lambda: not world.array.state.hosts, "the entry of the host is collected")


def test_a_volume_grows_behind_a_mount_that_was_abandoned_before_it_was_connected(
    world: ArrayWorld, client: Client
) -> None:
    """There is no device here that could grow; it waited for one for ever."""
    world.array.weather.answer(503, on("POST", "connections"), times=1000)
    op = client.mount("p", "b", world.path("node", file=True), wait=None)
    world.abandon(client, op, "The array")
    world.array.weather.troubles.clear()
    world.ends(client, client.resize_volume("p", "b", "32MiB", wait=None), "done")
    assert client.volume("p", "b").size == 32 * MIB


def test_an_array_that_is_away_behind_the_point_of_no_return_is_waited_for(world: ArrayWorld, client: Client) -> None:
    world.array.weather.answer(503, on("DELETE", "connections"), times=1000)
    op = client.resize_volume("p", "x", "400MiB", wait=None)
    world.waits(client, op, "The array")
    world.array.weather.troubles.clear()
    world.ends(client, op, "done")
    assert world.connections() == []


def test_no_volume_shrinks_and_none_grows_below_who_reads_it_only(world: ArrayWorld, client: Client) -> None:
    with pytest.raises(Invalid, match="cannot shrink"):
        client.resize_volume("p", "x", "100MiB")
    with pytest.raises(Invalid, match="multiple of 512"):
        client.resize_volume("p", "x", 400 * MIB + 1)
    world.ends(client, client.mount("p", "x", world.path("at"), read_only=True, wait=None), "done")
    with pytest.raises(InUse, match="read-only"):
        client.resize_volume("p", "x", "400MiB")
    assert client.volume("p", "x").size == 304 * MIB
