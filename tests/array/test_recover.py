"""What was deleted comes back while the array keeps it: with its data, its name, and its snapshots."""

from pathlib import Path

import pytest

from holdfast.client import Client
from holdfast.model.errors import NoSpace, NotFound, Refused
from holdfast.testing.flasharray.model import Sent
from holdfast.testing.flasharray.weather import on
from tests.array.world import ArrayWorld

pytestmark = pytest.mark.root


def kept(world: ArrayWorld, client: Client) -> str:
    """A volume `v` with a file and a snapshot `s`, and both deleted; the mount path."""
    at = world.path("at")
    world.ends(client, world.make(client, content="filesystem"), "done")
    world.ends(client, client.mount("p", "v", at, wait=None), "done")
    (Path(at) / "file").write_text("kept")
    world.ends(client, client.create_snapshot("p", "v", "s", wait=None), "done")
    world.unmounted(client, at)
    world.ends(client, client.delete_snapshot("p", "v", "s", wait=None), "done")
    world.ends(client, client.delete_volume("p", "v", wait=None), "done")
    return at


def uid_of(client: Client, name: str) -> str:
    (found,) = [each for each in client.deleted("p") if each.name == name]
    return found.uid


def recovered(world: ArrayWorld, client: Client, name: str) -> None:
    world.ends(client, client.recover("p", uid_of(client, name), wait=None), "done")


def test_what_was_deleted_comes_back_with_its_data_and_its_snapshots(world: ArrayWorld) -> None:
    client = world.start(eradicate="never")
    at = kept(world, client)
    assert {(each.name, bool(each.of), each.size) for each in client.deleted("p")} == {
        ("v", False, 16 << 20), ("s", True, 16 << 20),
    }  # fmt: skip
    assert all("kept by the array for another" in each.note for each in client.deleted("p"))
    recovered(world, client, "v")
    assert client.volume("p", "v").content == "filesystem"
    recovered(world, client, "s")
    assert client.deleted("p") == []
    assert client.audit() == []
    world.ends(client, client.mount("p", "v", at, wait=None), "done")
    assert (Path(at) / "file").read_text() == "kept"
    world.unmounted(client, at)
    world.ends(client, client.mount_snapshot("p", "v", "s", at, wait=None), "done")
    assert (Path(at) / "file").read_text() == "kept"
    world.unmounted(client, at)


def test_a_name_that_another_has_by_now_stays_his(world: ArrayWorld) -> None:
    client = world.start(eradicate="never")
    kept(world, client)
    world.ends(client, world.make(client), "done")
    uid = uid_of(client, "v")
    recovered(world, client, "v")
    assert {each.name for each in client.volumes("p")} == {"v", f"recovered-{uid}"}
    assert client.volume("p", "v").uid != uid
    assert client.volume("p", f"recovered-{uid}").uid == uid


def test_a_snapshot_comes_back_to_a_volume_that_is_there(world: ArrayWorld) -> None:
    client = world.start(eradicate="never")
    kept(world, client)
    with pytest.raises(Refused, match="is a snapshot of the volume"):
        client.recover("p", uid_of(client, "s"))
    assert len(world.destroyed()) == 2


def test_what_is_erased_or_was_never_deleted_is_not_found(world: ArrayWorld) -> None:
    client = world.start()
    kept(world, client)
    world.ends(client, world.make(client), "done")
    assert client.deleted("p") == []
    for uid in ("0" * 32, client.volume("p", "v").uid, "../x"):
        with pytest.raises(NotFound, match="is kept in the pool p"):
            client.recover("p", uid)


def test_what_safe_mode_keeps_comes_back(world: ArrayWorld) -> None:
    client = world.start()
    world.array.weather.safe_mode = True
    kept(world, client)
    recovered(world, client, "v")
    assert len(world.volumes()) == 1
    assert {found.subject for found in client.audit()} == set(world.destroyed())


def test_what_somebody_destroyed_on_the_array_comes_back_to_its_record(world: ArrayWorld) -> None:
    client = world.start(eradicate="never")
    world.ends(client, world.make(client), "done")
    (name,) = world.volumes()
    world.array.state.volumes[name].destroyed_at = world.array.state.now()
    (found,) = [each for each in client.audit() if each.kind == "ghost"]
    uid = client.volume("p", "v").uid
    assert f"`holdfast pool recover p {uid}`" in found.remedy
    tags, world.array.state.volumes[name].tags = world.array.state.volumes[name].tags, {}
    (found,) = [each for each in client.audit() if each.kind == "ghost"]
    assert "pool recover" not in found.remedy
    world.array.state.volumes[name].tags = tags
    recovered(world, client, "v")
    assert client.audit() == []
    assert client.volume("p", "v").uid == uid


@pytest.mark.parametrize("where", ["array.recover.before", "array.recover.after"])
def test_a_daemon_killed_amid_it_ends_it(world: ArrayWorld, where: str) -> None:
    client = world.start(eradicate="never")
    kept(world, client)
    world.daemon.arm(f"{where}:kill")
    op = client.recover("p", uid_of(client, "v"), wait=None)
    world.daemon.ended()
    world.daemon.disarm()
    client = world.daemon.start().client()
    world.ends(client, client.operation(op.id), "done")
    assert client.audit() == []


def test_an_answer_that_was_lost_is_looked_for(world: ArrayWorld) -> None:
    client = world.start(eradicate="never")
    kept(world, client)
    world.array.weather.lose_reply(on("PATCH", "volumes"))
    recovered(world, client, "v")
    assert client.volume("p", "v").state == "ready"


def test_a_list_that_still_shows_it_as_it_was_is_not_believed(world: ArrayWorld) -> None:
    """Before it was deleted it was there: whoever took that for its recovery would record what is destroyed."""
    client = world.start(eradicate="never", settle="0")
    world.ends(client, world.make(client), "done")
    before = world.array.moment()
    world.ends(client, client.delete_volume("p", "v", wait=None), "done")
    (volume,) = [world.array.state.volumes[name] for name in world.destroyed()]
    uid = uid_of(client, "v")

    def early(sent: Sent) -> None:
        """From the end of the early look on the lists are old."""
        if sent.path == "volumes/tags":
            world.array.show(before)
        if sent.method == "PATCH":
            world.array.go_stale(stale=False)

    world.array.heard = early
    op = client.recover("p", uid, wait=None)
    world.ends(client, op, "done")
    assert volume.destroyed_at is None


def test_what_the_array_erases_before_it_is_asked_is_told_and_blocks_nobody(world: ArrayWorld) -> None:
    client = world.start(eradicate="never")
    world.ends(client, world.make(client), "done")
    world.ends(client, client.delete_volume("p", "v", wait=None), "done")
    world.daemon.arm("array.recover.before:kill")
    op = client.recover("p", uid_of(client, "v"), wait=None)
    world.daemon.ended()
    world.daemon.disarm()
    (volume,) = [world.array.state.volumes[name] for name in world.destroyed()]
    world.array.state.erase(volume)
    client = world.daemon.start().client()
    ended = world.ends(client, client.operation(op.id), "undone")
    assert ended.error is not None
    assert ended.error.code == "not-found"
    assert client.audit() == []


def test_a_limit_of_the_pool_holds(world: ArrayWorld) -> None:
    client = world.start(eradicate="never")
    client.change_pool("p", {"limit": "16MiB"})
    world.ends(client, world.make(client), "done")
    world.ends(client, client.delete_volume("p", "v", wait=None), "done")
    world.ends(client, world.make(client, "w"), "done")
    with pytest.raises(NoSpace):
        client.recover("p", uid_of(client, "v"))
    assert len(world.destroyed()) == 1
