"""What was told, the records, and what lies on the disk: where they disagree."""

import json
import os
from collections.abc import Iterator

from holdfast.client import Client
from holdfast.model.views import VolumeView
from tests.daemon import RealDaemon, mounts_below, run, temporary_below
from tests.lingering import loops_below
from tests.power.fs_asker import SIZES, Asker, Facts
from tests.power.fs_world import World


def disagreements(world: World, askers: list[Asker]) -> list[str]:
    """One line for each; what is in doubt may be either way."""
    with Client(world.daemon.address) as client:
        volumes = {volume.name: volume for volume in client.volumes("p")}
        found = [*_told(volumes, askers), *_pools(client, askers)]
        if client.status().suspended:
            found.append(f"the daemon is suspended: {client.status().suspended}")
        found += [f"the audit finds {finding.subject}: {finding.evidence}" for finding in client.audit()]
    return [*found, *_on_disk(world.daemon, list(volumes.values())), *_left(world)]


def _told(volumes: dict[str, VolumeView], askers: list[Asker]) -> Iterator[str]:
    """Each asker's volumes are recorded as he was told, and no others."""
    doubtful = {name for asker in askers for name in asker.doubtful}
    expected = {name: facts for asker in askers for name, facts in asker.there.items()}
    for name in volumes.keys() - expected.keys() - doubtful:
        yield f"{name} is recorded, though it was deleted, renamed or never made"
    for name in expected.keys() - doubtful:
        facts, volume = expected[name], volumes.get(name)
        if volume is None:
            yield f"{name} is not recorded"
        elif Facts(volume.uid, volume.content, volume.labels.get("by", "")) != facts or not volume.ready:
            yield f"{name} is recorded as {volume}, not as {facts}"


def _pools(client: Client, askers: list[Asker]) -> Iterator[str]:
    """Likewise further pools; where one is no more, nothing is."""
    doubtful = {name for asker in askers for name in asker.doubtful}
    expected = {name: place for asker in askers for name, place in asker.pools.items()}
    recorded = {pool.name: pool for pool in client.pools() if pool.name != "p"}
    for name in (recorded.keys() ^ expected.keys()) - doubtful:
        yield f"the pool {name} is {'' if name in recorded else 'not '}recorded"
    for pool in recorded.values():
        if not pool.ready:
            yield f"the pool {pool.name} is not ready: {pool.reason}"
    for asker in askers:
        for name, place in asker.pools_gone.items():
            if list(place.iterdir()):
                yield f"the pool {name} was deleted and is still there"


def _on_disk(daemon: RealDaemon, volumes: list[VolumeView]) -> Iterator[str]:
    """`volumes/` holds the recorded ones, each whole and with its mark."""
    there = set(os.listdir(daemon.pool / "volumes"))
    for uid in there ^ {volume.uid for volume in volumes}:
        yield f"{uid} is {'not recorded' if uid in there else 'not in the pool'}"
    for volume in volumes:
        if volume.uid not in there:
            continue
        where = daemon.pool / "volumes" / volume.uid
        mark = json.loads((where / "object.json").read_text())
        if (mark["uid"], mark["name"], mark["content"]) != (volume.uid, volume.name, volume.content):
            yield f"{volume.name} is marked as {mark}"
        if volume.content == "directory":
            if not (where / "data").is_dir():
                yield f"{volume.name} has no directory"
        elif (where / "disk.raw").stat().st_size != SIZES[volume.content]:
            yield f"{volume.name} has another size"
        if volume.content == "filesystem" and run("e2fsck", "-fn", where / "disk.raw", ok=False).returncode:
            yield f"the file system of {volume.name} is damaged"


def _left(world: World) -> Iterator[str]:
    """No temporary names, and no mounts or loop devices but the disks' own."""
    for name in temporary_below(world.daemon.pool):
        yield f"{name} was left"
    own = {str(disk.where) for disk in world.disks}
    for point in set(mounts_below(world.daemon.root)) - own:
        yield f"{point} is still mounted"
    for device in loops_below(world.daemon.pool):
        yield f"{device} is still attached"
