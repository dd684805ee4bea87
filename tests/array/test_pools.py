"""Pools on an array, at their end: nothing of theirs stays, here or there."""

import os

import pytest

from holdfast.testing.flasharray.model import Entry
from holdfast.testing.flasharray.shelf import VOLUMES
from tests.array.world import ArrayWorld
from tests.daemon import run, wait_until


@pytest.mark.root
def test_a_pool_is_not_forgotten_while_a_device_of_it_is_here(world: ArrayWorld) -> None:
    client = world.start()
    world.ends(client, world.make(client), "done")
    (serial,) = [each.serial for name, each in world.array.state.volumes.items() if "::hf-" in name]
    device = run("losetup", "--find", "--show", os.path.join(world.server.root, VOLUMES, serial)).stdout.strip()
    world.array.weather.away = True  # only this machine is asked
    refused = world.ends(client, client.delete_pool("p", wait=None, forget=True), "undone")
    assert refused.error is not None
    assert refused.error.code == "in-use"
    assert device in refused.error.detail
    run("losetup", "-d", device)
    wait_until(lambda: not world.devices(), "the device is gone")
    world.ends(client, client.delete_pool("p", wait=None, forget=True), "done")
    assert list(client.pools()) == []


@pytest.mark.root
def test_the_last_pool_takes_the_entry_of_the_host_with_it(world: ArrayWorld) -> None:
    client = world.start()
    world.ends(client, world.make(client), "done")
    at = world.path("at", file=True)
    world.ends(client, client.mount("p", "v", at, wait=None), "done")
    (host,) = world.array.state.hosts
    world.ends(client, client.unmount(client.mounts()[0], wait=None), "done")
    world.ends(client, client.delete_volume("p", "v", wait=None), "done")
    # As if the collector had not come by: it cannot any more, once nobody knows the array.
    world.array.state.hosts.setdefault(host, Entry("id", host, ["iqn.2026-01.net.holdfast:loop"]))
    world.ends(client, client.delete_pool("p", wait=None), "done")
    assert world.array.state.hosts == {}
    assert world.array.state.pods == {}
