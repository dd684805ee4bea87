"""The records are lost: everything is back from the pod alone, with its data, whoever owned it before."""

import shutil
from pathlib import Path

import pytest

from holdfast.client import Client
from holdfast.model.errors import Refused
from holdfast.testing.flasharray.weather import on
from tests.array.world import ArrayWorld
from tests.daemon import run

pytestmark = pytest.mark.root
# More than a round of them is taken over.
VOLUMES = 20
ACTS = ("take-over-tags", "take-over-volume", "take-over-mark", "tag-mark")


def furnish(world: ArrayWorld, client: Client) -> str:
    """A file system `v` with a file, a snapshot `s` of it, and then another file; where it is to be mounted."""
    at = world.path("at")
    world.ends(client, world.make(client, content="filesystem"), "done")
    world.ends(client, client.mount("p", "v", at, wait=None), "done")
    (Path(at) / "early").write_text("kept")
    world.ends(client, client.create_snapshot("p", "v", "s", wait=None), "done")
    (Path(at) / "late").write_text("kept too")
    return at


def lost(world: ArrayWorld) -> Client:
    """The daemon starts without its records, as another installation."""
    world.daemon.kill()
    shutil.rmtree(world.daemon.state)
    return world.daemon.start().client()


def imported(world: ArrayWorld, client: Client, **more: str) -> None:
    op = client.import_pool("p", world.config(**more), "flasharray", wait=None, take_over=True)
    world.ends(client, op, "done")


def is_whole(world: ArrayWorld, client: Client, at: str) -> None:
    """Volume and snapshot hold what they did."""
    world.ends(client, client.mount("p", "v", at, wait=None), "done")
    assert (Path(at) / "early").read_text() == "kept"
    assert (Path(at) / "late").read_text() == "kept too"
    world.unmounted(client, at)
    world.ends(client, client.mount_snapshot("p", "v", "s", at, wait=None), "done")
    assert (Path(at) / "early").read_text() == "kept"
    assert not (Path(at) / "late").exists()
    world.unmounted(client, at)


def test_what_was_lost_with_the_records_comes_back_from_the_pod(world: ArrayWorld) -> None:
    client = world.start()
    at = furnish(world, client)
    world.unmounted(client, at)
    for number in range(VOLUMES):
        world.ends(client, world.make(client, f"b{number}"), "done")
    before = {each.name: (each.uid, each.size, each.content, each.fs) for each in client.volumes("p")}
    client = lost(world)
    with pytest.raises(Refused, match="another installation's"):
        client.import_pool("p", world.config(), "flasharray")
    imported(world, client)
    assert {each.name: (each.uid, each.size, each.content, each.fs) for each in client.volumes("p")} == before
    assert client.audit() == []
    is_whole(world, client, at)
    world.ends(client, client.restore_snapshot("p", "v", "s", wait=None), "done")
    world.ends(client, client.delete_snapshot("p", "v", "s", wait=None), "done")
    for volume in client.volumes("p"):
        world.ends(client, client.delete_volume("p", volume.name, wait=None), "done")
    world.ends(client, client.delete_pool("p", wait=None), "done")
    assert not world.array.state.pods


@pytest.mark.parametrize("where", [f"array.{act}.{when}" for act in ACTS for when in ("before", "after")])
def test_a_daemon_killed_amid_it_ends_it(world: ArrayWorld, where: str) -> None:
    client = world.start()
    at = furnish(world, client)
    world.unmounted(client, at)
    client = lost(world)
    world.daemon.arm(f"{where}:kill")
    op = client.import_pool("p", world.config(), "flasharray", wait=None, take_over=True)
    world.daemon.ended()
    world.daemon.disarm()
    client = world.daemon.start().client()
    world.ends(client, client.operation(op.id), "done")
    assert client.audit() == []
    is_whole(world, client, at)


def test_answers_that_are_lost_only_take_time(world: ArrayWorld) -> None:
    client = world.start()
    at = furnish(world, client)
    world.unmounted(client, at)
    client = lost(world)
    world.array.weather.lose_reply(on("PUT", "volumes/tags/batch"))
    world.array.weather.lose_reply(on("PATCH", "volumes"))
    imported(world, client)
    is_whole(world, client, at)


def test_what_the_lost_installation_left_connected_here_goes_when_it_is_asked_for(world: ArrayWorld) -> None:
    client = world.start()
    at = furnish(world, client)
    ((host, _name),) = world.connections()
    client = lost(world)
    imported(world, client)
    assert [there for there, _ in world.connections()] == [host]
    found = {each.kind: each for each in client.audit()}
    assert found.keys() == {"leaked-connection", "leaked-device"}
    assert host in found["leaked-connection"].evidence
    run("umount", at)
    client.audit(repair=True)
    assert (world.devices(), world.connections()) == ([], []), "by its initiator the host was this machine"
    assert client.audit() == []
    is_whole(world, client, at)


def test_a_pool_that_was_forgotten_comes_back_with_what_was_deleted_in_it(world: ArrayWorld) -> None:
    client = world.start(eradicate="never")
    at = furnish(world, client)
    world.unmounted(client, at)
    world.ends(client, world.make(client, "w"), "done")
    world.ends(client, client.delete_volume("p", "w", wait=None), "done")
    world.ends(client, client.delete_pool("p", forget=True, wait=None), "done")
    world.ends(client, client.import_pool("p", world.config(eradicate="never"), "flasharray", wait=None), "done")
    (deleted,) = client.deleted("p")
    world.ends(client, client.recover("p", deleted.uid, wait=None), "done")
    assert {each.name for each in client.volumes("p")} == {"v", "w"}
    assert client.audit() == []
    is_whole(world, client, at)


def test_what_another_installation_deleted_hinders_only_the_erasing_of_the_pod(world: ArrayWorld) -> None:
    client = world.start(eradicate="never")
    world.ends(client, world.make(client), "done")
    world.ends(client, client.delete_volume("p", "v", wait=None), "done")
    client = lost(world)
    imported(world, client, eradicate="after_delete")
    assert [each.subject for each in client.audit()] == world.destroyed()
    ended = world.ends(client, client.delete_pool("p", wait=None), "undone")
    assert ended.error is not None
    assert ended.error.code == "in-use"


def test_what_another_installation_deleted_is_nobodys_finding(world: ArrayWorld) -> None:
    client = world.start(eradicate="never")
    world.ends(client, world.make(client), "done")
    world.ends(client, client.delete_volume("p", "v", wait=None), "done")
    client = lost(world)
    imported(world, client, eradicate="never")
    assert client.audit() == []
    assert client.deleted("p") == []
    world.ends(client, client.delete_pool("p", wait=None), "done")


def test_a_pod_that_does_not_tell_whose_it_is_is_refused(world: ArrayWorld) -> None:
    client = world.start()
    world.ends(client, client.delete_pool("p", forget=True, wait=None), "done")
    (mark,) = world.array.state.volumes.values()
    mark.tags = {}
    with pytest.raises(Refused, match="Nothing in the pod pod1 tells whose it is"):
        client.import_pool("p", world.config(), "flasharray")


def test_an_empty_pod_tells_whose_it_is(world: ArrayWorld) -> None:
    world.start()
    client = lost(world)
    imported(world, client)
    assert list(client.volumes("p")) == []
    assert client.audit() == []
