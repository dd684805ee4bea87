"""lxd-15210: the device of a connected volume never appears, and the undo deletes before it disconnects.

Each test breaks one thing of that undo. In the end the world is as before, or the operation waits with the true reason,
and ends right once the cause is gone. What the array was sent is judged at the end of every test, see `world.judge`.
"""

import os
from collections.abc import Callable

import pytest

from holdfast.client import Client
from holdfast.model.operations import OperationView
from holdfast.testing.flasharray.weather import on
from tests.array.world import DEVICE, SETTLE, ArrayWorld
from tests.daemon import wait_until

CONNECT, CUT = on("POST", "connections"), on("DELETE", "connections")
DESTROY, ERASE = on("PATCH", "volumes"), on("DELETE", "volumes")


def creating(world: ArrayWorld, client: Client) -> Callable[[], OperationView]:
    """A file system is made on the device."""
    return lambda: world.make(client, content="filesystem")


def mounting(world: ArrayWorld, client: Client) -> Callable[[], OperationView]:
    """A volume that is there already is mounted."""
    world.ends(client, world.make(client, content="filesystem"), "done")
    wait_until(lambda: not world.array.state.hosts, "the entry of the host is collected")
    path = world.path("at")
    return lambda: client.mount("p", "v", path, wait=None)


Begun = Callable[[ArrayWorld, Client], Callable[[], OperationView]]
BOTH = pytest.mark.parametrize(("begun", "left"), [(creating, 0), (mounting, 1)], ids=["create", "mount"])


@BOTH
def test_a_device_that_never_appears_is_given_up_and_all_is_taken_back(
    world: ArrayWorld, begun: Begun, left: int
) -> None:
    client = world.start()
    ask = begun(world, client)
    world.array.weather.device_after = None
    op = world.ends(client, ask(), "undone")
    assert op.error is not None
    assert f"did not appear within {DEVICE:g} s" in op.error.detail
    world.nothing_is_left(client, left)
    assert world.array.weather.met["device-never"]


@BOTH
@pytest.mark.parametrize("after", [0.4, DEVICE + 0.1, DEVICE + 0.4])
def test_a_device_that_comes_late_is_used_or_taken_back(
    world: ArrayWorld, begun: Begun, left: int, after: float
) -> None:
    client = world.start()
    ask = begun(world, client)
    world.array.weather.device_after = after
    op = world.ends(client, ask(), "done" if after < DEVICE else "undone")
    if op.state == "undone":
        world.nothing_is_left(client, left)
    elif op.kind == "attachment.mount":
        world.ends(client, client.unmount(client.mounts()[0]), "done")
        world.nothing_is_left(client, 1)


@BOTH
def test_a_lost_reply_to_connect_is_looked_at(world: ArrayWorld, begun: Begun, left: int) -> None:
    client = world.start()
    ask = begun(world, client)
    world.array.weather.device_after = None
    world.array.weather.lose_reply(CONNECT)
    world.ends(client, ask(), "undone")
    assert world.array.weather.met["reply-lost"] == 1
    world.nothing_is_left(client, left)


@BOTH
def test_a_lost_reply_to_disconnect_is_looked_at(world: ArrayWorld, begun: Begun, left: int) -> None:
    client = world.start()
    ask = begun(world, client)
    world.array.weather.device_after = None
    world.array.weather.lose_reply(CUT)
    world.ends(client, ask(), "undone")
    assert world.array.weather.met["reply-lost"] == 1
    world.nothing_is_left(client, left)


@BOTH
def test_a_connect_that_takes_effect_after_the_undo_looked_is_cut(world: ArrayWorld, begun: Begun, left: int) -> None:
    client = world.start()
    ask = begun(world, client)
    world.array.weather.late(CONNECT, SETTLE - 0.2)
    op = ask()
    client.exit(op.id, "cancel")
    op = world.ends(client, op, "undone")
    assert op.error is not None
    assert op.error.code == "cancelled"
    if world.array.weather.met.get("late"):  # else the cancel came before it was sent
        assert any(sent.method == "POST" and sent.path == "connections" for sent in world.array.log)
    world.nothing_is_left(client, left)


@BOTH
def test_an_array_that_is_away_for_the_whole_undo_is_waited_for(world: ArrayWorld, begun: Begun, left: int) -> None:
    client = world.start()
    ask = begun(world, client)
    world.array.weather.device_after = None
    op = ask()
    world.waits(client, op, "has not appeared")
    world.array.weather.away = True
    wait_until(lambda: client.operation(op.id).direction == "undo", "it is on its way back")
    parked = world.waits(client, op, "did not answer")
    assert parked.state == "parked"
    assert client.volume("p", "v").size == 16 << 20, "the record stays"
    world.daemon.kill()
    client = world.daemon.start().client()
    world.waits(client, op, "did not answer")
    world.array.weather.away = False
    client.exit(op.id, "retry")
    world.ends(client, op, "undone")
    world.nothing_is_left(client, left)


STEPS = (
    "journal.undoing.after", "array.disconnect.before", "array.disconnect.after", "journal.undone.before",
    "array.destroy.before", "array.destroy.after", "array.eradicate.before", "array.eradicate.after",
    "journal.end.before", "journal.end.after",
)  # fmt: skip


@pytest.mark.parametrize("where", STEPS)
def test_a_daemon_killed_at_a_step_of_the_undo_goes_on_from_what_it_sees(world: ArrayWorld, where: str) -> None:
    client = world.start()
    ask = creating(world, client)
    world.array.weather.device_after = None
    world.daemon.arm(f"{where}:kill")
    op = ask()
    world.daemon.ended()
    world.daemon.disarm()
    client = world.daemon.start().client()
    world.ends(client, client.operation(op.id), "undone")
    world.nothing_is_left(client)


def test_a_strangers_connection_stops_the_undo_which_names_it_and_goes_on_without_it(world: ArrayWorld) -> None:
    client = world.start()
    ask = creating(world, client)
    world.array.weather.device_after = None
    op = ask()
    wait_until(lambda: bool(world.connections()), "it is connected")
    host = world.connect_stranger(world.volumes()[0])
    world.waits(client, op, host)
    assert world.connections() == [(host, world.volumes()[0])], "ours is cut, theirs is not"
    del world.array.state.connections[host, world.volumes()[0]]
    del world.array.state.hosts[host]
    client.exit(op.id, "retry")
    world.ends(client, op, "undone")
    world.nothing_is_left(client)


def test_a_strangers_connection_stays_when_an_attach_is_taken_back(world: ArrayWorld) -> None:
    client = world.start()
    ask = mounting(world, client)
    host = world.connect_stranger(world.volumes()[0])
    world.array.weather.device_after = None
    world.ends(client, ask(), "undone")
    assert world.connections() == [(host, world.volumes()[0])]
    found = client.audit()
    assert [(finding.kind, host in finding.evidence) for finding in found] == [("leaked-connection", True)]
    assert [finding.repaired for finding in client.audit(repair=True)] == [False], "theirs is never cut unasked"
    world.ends(client, client.disconnect("p", "v", host), "done")
    del world.array.state.hosts[host]
    world.nothing_is_left(client, 1)


def test_safe_mode_keeps_the_destroyed_volume_and_the_undo_ends(world: ArrayWorld) -> None:
    client = world.start()
    ask = creating(world, client)
    world.array.weather.device_after = None
    world.array.weather.safe_mode = True
    world.ends(client, ask(), "undone")
    assert len(world.destroyed()) == 1
    assert world.volumes() == []
    assert world.connections() == []
    assert [finding.kind for finding in client.audit()] == ["orphan"], "what it keeps is shown"
    world.array.weather.safe_mode = False
    assert [finding.repaired for finding in client.audit(repair=True)] == [True]
    assert world.destroyed() == []
    world.nothing_is_left(client)


@pytest.mark.parametrize(
    "when", [CONNECT, CUT, DESTROY, ERASE, on("GET", "connections"), on("GET", "volumes")],
    ids=["connect", "disconnect", "destroy", "erase", "list", "look"],
)  # fmt: skip
def test_a_session_that_ends_in_the_middle_is_renewed(world: ArrayWorld, when: Callable[[str, str], bool]) -> None:
    client = world.start()
    ask = creating(world, client)
    world.array.weather.device_after = None
    world.array.weather.answer(401, when)
    world.ends(client, ask(), "undone")
    assert world.array.weather.met["status"] == 1
    world.nothing_is_left(client)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_an_array_that_has_no_time_is_asked_again_later(world: ArrayWorld, status: int) -> None:
    client = world.start()
    ask = creating(world, client)
    world.array.weather.device_after = None
    for when in (CONNECT, CUT, DESTROY, ERASE):
        world.array.weather.answer(status, when, retry_after=0.1)
    world.ends(client, ask(), "undone")
    assert world.array.weather.met["status"] == 4
    world.nothing_is_left(client)


def test_a_busy_device_keeps_its_connection_in_sight_and_says_who_has_it(world: ArrayWorld) -> None:
    client = world.start()
    world.ends(client, world.make(client), "done")
    path = world.path("node", file=True)
    op = client.mount("p", "v", path)
    world.ends(client, op, "done")
    (device,) = world.devices()
    held = os.open(device, os.O_RDONLY | os.O_EXCL)
    try:
        world.daemon.arm("child.bind-device.before:error")
        other = world.path("other", file=True)
        refused = client.unmount(client.mounts()[0])
        assert refused.state == "undone"
        assert refused.error is not None
        assert refused.error.code == "in-use"
        assert world.connections(), "below whoever uses it nothing is cut"
        del other
    finally:
        os.close(held)
        world.daemon.disarm()
    world.ends(client, client.unmount(client.mounts()[0]), "done")
    world.nothing_is_left(client, 1)


def test_an_undo_waits_for_a_busy_device_and_disconnects_when_it_is_gone(world: ArrayWorld) -> None:
    client = world.start()
    ask = creating(world, client)
    world.daemon.arm("child.mkfs-ext4.before:stop")
    op = ask()
    wait_until(world.daemon.paused, "it is about to format")
    (device,) = world.devices()
    held = os.open(device, os.O_RDONLY)
    try:
        world.daemon.disarm()
        world.daemon.kill()
        client = world.daemon.start().client()
        client.exit(op.id, "cancel")
        parked = world.waits(client, op, "device busy")
        assert device in parked.reason
        assert len(world.connections()) == 1, "the connection stays in sight"
    finally:
        os.close(held)
    client.exit(op.id, "retry")
    world.ends(client, op, "undone")
    world.nothing_is_left(client)


def test_a_name_that_waits_to_be_erased_is_no_hindrance(world: ArrayWorld) -> None:
    client = world.start(eradicate="never")
    for number in range(2):
        world.ends(client, world.make(client), "done")
        world.ends(client, client.delete_volume("p", "v"), "done")
        assert len(world.destroyed()) == number + 1
    assert client.audit() == []
    world.ends(client, world.make(client), "done")
    assert len(world.volumes()) == 1


def test_another_volumes_device_under_a_number_that_was_used_before_is_foreign(world: ArrayWorld) -> None:
    client = world.start()
    world.ends(client, world.make(client, "other"), "done")
    ask = creating(world, client)
    world.array.weather.wrong_device = True
    op = world.ends(client, ask(), "undone")
    assert op.error is not None
    assert op.error.code == "foreign"
    world.nothing_is_left(client, 1)
