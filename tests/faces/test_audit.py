"""The audit sees what covers a wanted mount, and its repair settles what was abandoned, touching nothing else."""

import json

import pytest

from holdfast.client.client import Client
from holdfast.model.errors import Suspended, Unavailable, WrongState
from tests.daemon import Disk, RealDaemon, checksums, fill, run, wait_until


def parked(client: Client) -> str:
    wait_until(lambda: bool(client.operations("parked")), "an operation is parked")
    return client.operations("parked")[0].id


def test_what_covers_a_wanted_mount_is_found(daemon: RealDaemon) -> None:
    client = daemon.with_pool()
    client.create_volume("p", "v", "1MiB")
    at = daemon.mnt / "at"
    at.mkdir()
    assert client.mount("p", "v", str(at)).state == "done"
    run("mount", "-t", "tmpfs", "none", at)
    found = client.audit()
    assert [(f.kind, f.subject) for f in found] == [("drift", str(at))]
    assert "covered" in found[0].evidence
    run("umount", at)
    assert client.audit() == []


def test_a_repair_discards_a_leftover_and_not_the_volume_it_became(daemon: RealDaemon) -> None:
    client = daemon.with_pool()
    op = client.create_volume("p", "v", "1MiB")
    volumes = daemon.pool / "volumes"
    uid = daemon.uid("v")
    kept = fill(volumes / uid / "data")
    owner = json.loads((daemon.pool / "holdfast-pool.json").read_text())["owner"]
    left = volumes / f".making.{owner}.{op.id}.{uid}.1"
    left.mkdir()
    (left / "half").touch()
    found = client.audit(repair=True)
    assert [(f.kind, f.repaired) for f in found] == [("orphan", True)]
    assert not left.exists()
    assert checksums(volumes / uid / "data") == kept
    assert client.audit() == []


def test_a_volume_whose_rename_was_abandoned_is_settled_by_a_repair(daemon: RealDaemon) -> None:
    client = daemon.with_pool()
    client.create_volume("p", "v", "1MiB")
    mark = daemon.pool / "holdfast-pool.json"
    away = daemon.root / "away.json"
    mark.rename(away)
    client.rename_volume("p", "v", "w", wait=1)
    client.exit(parked(client), "abandon", "the disk seemed gone")
    away.rename(mark)
    (daemon.mnt / "at").mkdir()
    with pytest.raises(WrongState, match="abandoned"):
        client.mount("p", "v", str(daemon.mnt / "at"))
    assert [f.repaired for f in client.audit(repair=True)] == [True]
    assert client.audit() == []
    assert client.mount("p", "v", str(daemon.mnt / "at")).state == "done"


def test_a_pool_whose_making_was_abandoned_after_its_mark_is_deleted(daemon: RealDaemon) -> None:
    """Its record does not know which directory it is; its mark tells, and the deletion remembers that."""
    client = daemon.start("pool.publish.after:kill").client()
    with pytest.raises(Unavailable):
        client.create_pool("p", {"source": str(daemon.pool)})
    assert daemon.ended() == -9
    away = daemon.pool.with_name("away")
    daemon.pool.rename(away)
    client = daemon.start().client()
    client.exit(parked(client), "abandon", "the disk seemed gone")
    away.rename(daemon.pool)
    assert client.delete_pool("p", wait=5).state == "done"
    assert list(daemon.pool.iterdir()) == []
    assert client.audit() == []


def test_a_dead_pool_can_be_forgotten_once_nothing_of_it_is_mounted(daemon: RealDaemon) -> None:
    client = daemon.with_pool()
    client.create_volume("p", "v", "1MiB")
    at = daemon.mnt / "at"
    at.mkdir()
    assert client.mount("p", "v", str(at)).state == "done"
    (daemon.pool / "holdfast-pool.json").unlink()
    view = client.delete_pool("p", forget=True)
    assert view.state == "undone"
    assert view.error is not None
    assert view.error.code == "in-use"
    run("umount", at)
    assert client.delete_pool("p", forget=True).state == "done"
    assert list(client.pools()) == []
    assert client.audit() == []


def test_nothing_is_repaired_while_suspended(daemon: RealDaemon) -> None:
    daemon.with_pool()
    daemon.stop()
    mark = daemon.pool / "holdfast-pool.json"
    said = json.loads(mark.read_text())
    mark.write_text(json.dumps({**said, "counter": said["counter"] + 100}))
    daemon.start()
    client = daemon.client()
    assert client.status().suspended
    with pytest.raises(Suspended):
        client.audit(repair=True)


def test_a_pool_that_appears_late_is_checked_before_its_first_use(daemon: RealDaemon) -> None:
    """An old database must not act on a pool that a later one has used, however late its disk is mounted."""
    disk = Disk(daemon.root, "late", 32, daemon.pool).mount()
    client = daemon.with_pool()
    client.create_volume("p", "v", "1MiB")
    daemon.stop()
    mark = daemon.pool / "holdfast-pool.json"
    said = json.loads(mark.read_text())
    mark.write_text(json.dumps({**said, "counter": said["counter"] + 100}))
    disk.umount()
    daemon.start()
    client = daemon.client()
    assert not client.status().suspended
    client.delete_volume("p", "v", wait=1)
    parked(client)
    disk.mount()
    wait_until(lambda: bool(client.status().suspended), "the daemon is suspended")
    assert (daemon.pool / "volumes" / daemon.uid("v")).exists()
