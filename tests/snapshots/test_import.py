"""The records are lost, or old: everything is back from the pool alone, with its contents."""

import hashlib
import shutil
from pathlib import Path

import pytest

from holdfast.client import Client
from holdfast.model.errors import HoldfastError, Refused
from holdfast.model.views import PoolPreview, SnapshotView, VolumeView
from tests.daemon import checksums, fill, run
from tests.needs import need, need_root
from tests.snapshots.place import Place, done, place

VOLUMES = 50

pytestmark = pytest.mark.root


def furnish(found: Place, first: int, last: int) -> None:
    """Directories and file systems with data of their own, each with a snapshot of an earlier state."""
    for number in range(first, last):
        name, at = f"v{number}", found.path(f"at{number}")
        if number % 10:
            done(found.client.create_volume("p", name, "1MiB"))
        else:
            done(found.client.create_volume("p", name, "8MiB", "filesystem", "ext4"))
        done(found.client.mount("p", name, str(at)))
        fill(at, "a")
        done(found.client.create_snapshot("p", name, "s", labels={"lost": "with the records"}))
        fill(at, "b")
        done(found.client.unmount(found.client.mounts(str(at))[0]))


def contents(found: Place, client: Client) -> dict[str, tuple[object, ...]]:
    """What a person knows of each, and checksums of what is in it, looked at behind the daemon's back."""
    seen: dict[str, tuple[object, ...]] = {}
    for volume in client.volumes("p"):
        rows: list[tuple[str, VolumeView | SnapshotView]] = [(volume.name, volume)]
        rows += [(f"{volume.name}@{each.name}", each) for each in client.snapshots("p", volume.name)]
        for name, row in rows:
            held = found.pool / "volumes" / row.uid
            tree, disk = held / "data", held / "disk.raw"
            sums = checksums(tree) if tree.exists() else hashlib.sha256(disk.read_bytes()).hexdigest()
            seen[name] = (row.uid, row.size, row.content, row.fs, sums)
    return seen


def test_a_lost_database_comes_back_from_the_pool(tmp_path: Path) -> None:
    need_root()
    need("mkfs.xfs")
    with place("xfs", tmp_path) as found:
        furnish(found, 0, VOLUMES)
        before = contents(found, found.client)
        assert len(before) == 2 * VOLUMES
        found.daemon.kill()
        shutil.rmtree(found.daemon.state)
        client = found.daemon.start().client()
        config = {"source": str(found.pool)}
        with pytest.raises(Refused, match="another installation's"):
            client.import_pool("p", config)
        done(client.import_pool("p", config, take_over=True))
        assert contents(found, client) == before
        assert client.audit() == []
        with pytest.raises(HoldfastError):
            client.import_pool("q", config, take_over=True)
        at = found.path("again")
        done(client.mount("p", "v10", str(at)))
        assert len(checksums(at)) >= 6
        done(client.unmount(client.mounts(str(at))[0]))
        done(client.restore_snapshot("p", "v10", "s"))
        for volume in client.volumes("p"):
            done(client.delete_snapshot("p", volume.name, "s"))
            done(client.delete_volume("p", volume.name))
        done(client.delete_pool("p"))


def test_what_is_newer_than_a_restored_database_is_adopted(tmp_path: Path) -> None:
    need_root()
    need("mkfs.xfs")
    with place("xfs", tmp_path) as found:
        furnish(found, 0, 10)
        backup = found.daemon.root / "backup.db"
        found.client.backup(str(backup))
        furnish(found, 10, 20)
        done(found.client.delete_snapshot("p", "v1", "s"))
        before = contents(found, found.client)
        assert found.daemon.stop() == 0
        for old in found.daemon.state.glob("holdfast.db*"):
            old.unlink()
        shutil.copy(backup, found.daemon.state / "holdfast.db")
        client = found.daemon.start().client()
        assert client.status().suspended
        preview = client.resume_preview()
        newer = [f"v{n}" for n in range(10, 20)]
        assert preview.pools == [PoolPreview("p", sorted([*newer, *(f"{name}@s" for name in newer)]), ["v1@s"])]
        assert preview.operations == []
        said = found.daemon.cli("resume", "--preview").stdout
        assert "not recorded, then `holdfast pool adopt`: v10, v10@s, v11" in said
        assert "recorded, and not there: v1@s" in said
        assert client.status().suspended == preview.suspended != ""
        client.resume()
        findings = client.audit()
        assert {each.kind for each in findings} == {"orphan", "ghost"}
        assert [each.subject for each in findings if each.kind == "ghost"] == ["p/v1@s"]
        done(client.adopt("p"))
        done(client.delete_snapshot("p", "v1", "s"))
        assert contents(found, client) == before
        assert client.audit() == []


def test_what_does_not_prove_to_be_whole_is_not_imported(tmp_path: Path) -> None:
    need_root()
    need("mkfs.xfs")
    with place("xfs", tmp_path) as found:
        client = found.client
        for name in ("good", "forged", "cut", "twin", "lost"):
            done(client.create_volume("p", name, "1MiB"))
        done(client.create_snapshot("p", "lost", "s"))
        uids = {volume.name: volume.uid for volume in client.volumes("p")}
        volumes = found.pool / "volumes"
        found.daemon.kill()
        shutil.rmtree(found.daemon.state)
        mark = volumes / uids["forged"] / "object.json"
        mark.write_text(mark.read_text().replace('"size"', '"sizes"'))
        mark = volumes / uids["cut"] / "object.json"
        mark.write_bytes(mark.read_bytes()[:40])
        shutil.copytree(volumes / uids["twin"], volumes / ("e" * 32))
        run("rm", "-r", volumes / uids["lost"])
        client = found.daemon.start().client()
        done(client.import_pool("p", {"source": str(found.pool)}, take_over=True))
        assert [volume.name for volume in client.volumes("p")] == ["good", "twin"]
        assert {each.kind for each in client.audit()} == {"orphan"}
        assert len(client.audit()) == 4
        with pytest.raises(HoldfastError):
            client.import_pool("q", {"source": str(found.daemon.mnt)})
