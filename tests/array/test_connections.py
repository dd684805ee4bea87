"""Connections where several are made at once, and how they are shown."""

import re
import time

import pytest

from holdfast.testing.flasharray.local import config
from holdfast.testing.flasharray.model import Entry
from tests.array.world import SETTLE, ArrayWorld
from tests.faces.wire import ask

METRIC = re.compile(r'^holdfast_connection(?:s|_oldest_seconds)\{pool="p",state="(\w+)"\} (\S+)$', re.MULTILINE)


@pytest.mark.root
def test_two_that_need_the_entry_of_this_machine_at_once_both_get_it(world: ArrayWorld) -> None:
    client = world.start()
    for name in ("v", "w"):
        world.ends(client, world.make(client, name), "done")
    # A look that sees none is older than what another operation made.
    world.array.go_stale(stale=True)
    mounts = [client.mount("p", name, world.path(name, file=True), wait=None) for name in ("v", "w")]
    waiting = time.monotonic() + 5
    while sum(sent.path == "hosts" and sent.method == "POST" for sent in world.array.log) < 2:
        assert time.monotonic() < waiting
        time.sleep(0.01)
    time.sleep(SETTLE)
    world.array.go_stale(stale=False)
    for op in mounts:
        world.ends(client, op, "done")
    (host,) = world.array.state.hosts
    assert [entry for entry, _ in world.connections()] == [host, host]


@pytest.mark.root
def test_who_is_connected_and_for_how_long_is_in_the_metrics_after_an_audit(world: ArrayWorld) -> None:
    client = world.start()
    for name in ("v", "w"):
        world.ends(client, world.make(client, name), "done")
    world.ends(client, client.mount("p", "v", world.path("v", file=True), wait=None), "done")
    (volume,) = [name for name in world.volumes() if (world.connections()[0][1]) != name]
    world.connect_stranger(volume)
    (seen,) = client.connections("p", "w")
    assert (seen.state, seen.ours) == ("foreign", False)
    client.audit()
    shown = METRIC.findall(ask(world.daemon, "GET", "/metrics").body.decode())
    assert dict(shown[:4]) == {"wanted": "1.0", "unwanted": "0.0", "dead": "0.0", "foreign": "1.0"}
    ages = {state: float(age) for state, age in shown[4:]}
    assert sorted(ages) == ["foreign", "wanted"]
    assert 0 <= ages["foreign"] <= time.time() - seen.since
    (again,) = client.connections("p", "w")
    assert again.since == seen.since
    del world.array.state.connections["esx-17", volume]
    client.audit()
    world.connect_stranger(volume)
    assert client.connections("p", "w")[0].since > seen.since, "one that comes back is another one"
    del world.array.state.connections["esx-17", volume]


@pytest.mark.root
def test_an_entry_of_this_machine_that_somebody_else_made_is_this_machines_and_stays(world: ArrayWorld) -> None:
    client = world.start()
    state = world.array.state
    state.hosts["server1"] = Entry(state.ids(), "server1", [config("")["initiator"]])
    world.ends(client, world.make(client), "done")
    at = world.path("v", file=True)
    world.ends(client, client.mount("p", "v", at, wait=None), "done")
    (volume,) = world.volumes()
    assert world.connections() == [("server1", volume)]
    (seen,) = client.connections("p", "v")
    assert (seen.host, seen.ours, seen.state) == ("server1", True, "wanted")
    assert seen.device
    assert client.audit() == []
    world.unmounted(client, at)
    state.connections["server1", volume] = 1  # as if it had been left
    assert [(each.kind, each.subject) for each in client.audit()] == [("leaked-connection", "p/v")]
    client.audit(repair=True)
    assert world.connections() == []
    assert client.audit() == []
    state.connections["server1", volume] = 1
    world.ends(client, client.delete_volume("p", "v", wait=None), "done")
    assert world.connections() == []
    world.ends(client, client.delete_pool("p", wait=None), "done")
    assert set(state.hosts) == {"server1"}
