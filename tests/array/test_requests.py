"""How often the array is asked: few times, and as docs/drivers/flasharray.md says; and of many volumes by pages."""

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from holdfast.client import Client
from holdfast.control.daemon import Daemon
from holdfast.drivers.contract import VolumeRef
from holdfast.drivers.flasharray import names, tags
from holdfast.engine.submit import Caller
from holdfast.model.operations import OperationView
from holdfast.model.resources import Finding, Pool, Volume, VolumeSpec, VolumeStatus
from holdfast.operations.pool.create import PoolCreate
from holdfast.operations.refs import pool_ref
from holdfast.records import resources
from holdfast.records.contract import Tx
from holdfast.testing.flasharray.local import config
from holdfast.testing.flasharray.model import Sent
from holdfast.testing.flasharray.model import Volume as OnArray
from holdfast.testing.flasharray.universe import ArrayUniverse
from tests.array.world import ArrayWorld

DOCUMENT = Path("docs/drivers/flasharray.md")
# More than a page.
MANY = 1200
Deed = Callable[[Client], OperationView]


def documented() -> dict[str, int]:
    """The table's rows."""
    section = DOCUMENT.read_text().partition("## Requests")[2].partition("\n## ")[0]
    return {what: int(count) for what, count in re.findall(r"^\| (.+?) \| (\d+) \|", section, re.MULTILINE)}


def counted(world: ArrayWorld, client: Client, deed: Deed) -> list[Sent]:
    """What the array is asked for it, once nothing else is under way."""
    world.array.log.clear()
    world.ends(client, deed(client), "done")
    return [sent for sent in world.array.log if not _is_own(sent)]


def _is_own(sent: Sent) -> bool:
    """The collector's, which comes by itself."""
    return sent.path == "hosts" and (sent.method == "DELETE" or sent.query.get("filter", "").endswith("-*'"))


@pytest.mark.root
def test_operations_ask_as_seldom_as_is_documented(world: ArrayWorld) -> None:
    client = world.start(settle="0")
    # Else the entry of the host comes and goes meanwhile, as the collector finds it.
    world.ends(client, client.create_volume("p", "kept", "1MiB", "block", wait=None), "done")
    world.ends(client, client.mount("p", "kept", world.path("kept", file=True), wait=None), "done")
    world.ends(client, client.create_volume("p", "used", "16MiB", "filesystem", "ext4", wait=None), "done")
    world.ends(client, client.mount("p", "used", world.path("used"), wait=None), "done")
    block, tree = world.path("block", file=True), world.path("tree")
    deeds: dict[str, Deed] = {
        "create a block volume": lambda c: c.create_volume("p", "b", "16MiB", "block"),
        "create a file system": lambda c: c.create_volume("p", "f", "16MiB", "filesystem", "ext4"),
        "mount": lambda c: c.mount("p", "f", tree),
        "mount a block volume": lambda c: c.mount("p", "b", block),
        "resize a mounted block volume": lambda c: c.resize_volume("p", "b", "32MiB"),
        "unmount": lambda c: c.unmount(c.mounts(tree)[0]),
        "unmount a block volume": lambda c: c.unmount(c.mounts(block)[0]),
        "rename": lambda c: c.rename_volume("p", "f", "g"),
        "delete": lambda c: c.delete_volume("p", "g"),
        "take a snapshot of a device": lambda c: c.create_snapshot("p", "b", "s"),
        "take a snapshot of a mounted file system": lambda c: c.create_snapshot("p", "used", "s"),
        "clone a file system": lambda c: c.clone_volume("p", "used", "h", snapshot="s"),
        "restore a device": lambda c: c.restore_snapshot("p", "b", "s"),
    }
    found = {what: len(counted(world, client, deed)) for what, deed in deeds.items()}
    assert found == documented()


def _many(universe: ArrayUniverse, daemon: Daemon) -> list[Volume]:
    """Volumes that are recorded, and on the array, as if they had been made one by one."""
    (pool,) = daemon.records.read(lambda tx: resources.page(tx, Pool))
    ref, state, made = pool_ref(pool, daemon.member.uid), universe.array.state, []
    for number in range(MANY):
        uid = daemon.runtime.new_id()
        name = names.volume("pod1", ref.owner, uid)
        entry = state.volumes[name] = OnArray(state.ids(), name, state.serial(), 1 << 20, 0.0, "pod1")
        said = tags.of(ref, VolumeRef(uid, f"v{number}", 1 << 20, "block"), "made-before", {"id": entry.id})
        entry.tags = {(tags.NAMESPACE, key): (value, False) for key, value in msgspec.to_builtins(said).items()}
        identity = {"id": entry.id, "serial": entry.serial}
        spec, status = VolumeSpec(size=1 << 20, content="block"), VolumeStatus(ready=True, identity=identity)
        made.append(Volume(uid=uid, name=f"v{number}", created=0.0, parent=pool.uid, spec=spec, status=status))

    def insert(tx: Tx) -> None:
        for volume in made:
            resources.insert(tx, volume)

    daemon.records.write(insert)
    return made


def test_many_volumes_are_compared_in_few_requests(tmp_path: Path) -> None:
    universe = ArrayUniverse(str(tmp_path), 1)
    universe.start()
    try:
        daemon = universe.daemon
        assert daemon is not None

        def compare() -> list[Finding]:
            request = PoolCreate(name="p", driver="flasharray", config=config(universe.fabric)).checked(daemon.desk)
            asked = daemon.engine.submit(request, Caller("test"))
            assert daemon.engine.watch.wait(asked.id, 100.0, parked=False).state == "done"
            made = _many(universe, daemon)
            del universe.array.state.volumes[names.volume("pod1", daemon.member.uid, made[7].uid)]
            universe.array.log.clear()
            return daemon.repair.run(repair=False)

        found = universe.run(compare)
        asked = Counter(sent.path for sent in universe.array.log)
    finally:
        universe.bury()
    assert [(each.kind, each.subject) for each in found] == [("ghost", "p/v7")]
    # Two pages of volumes and eleven of tags, each twice; the mark three times; one list each of the rest.
    assert asked == {"volumes": 7, "volumes/tags": 22, "pods": 1, "connections": 1, "hosts": 1}
