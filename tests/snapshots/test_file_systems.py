"""A volume of each file system, on a pool of each: taken while it is written, shown, cloned and restored."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.model.errors import HoldfastError, InUse, WrongState
from holdfast.model.resources import FileSystem
from tests.daemon import checksums, fill, run
from tests.needs import need, need_root
from tests.snapshots.place import Place, done, place

SIZES: dict[FileSystem, str] = {"ext4": "8MiB", "xfs": "300MiB", "btrfs": "120MiB"}
# What fits: an xfs has a log of 64 MiB, which a pool on an ext4 would have to copy.
ON: dict[str, tuple[FileSystem, ...]] = {
    "ext4": ("ext4",),
    "xfs": ("ext4", "xfs", "btrfs"),
    "btrfs": ("ext4", "xfs", "btrfs"),
}
EACH = [(pool, fs) for pool, found in ON.items() for fs in found]

pytestmark = pytest.mark.root


@pytest.fixture
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Place, FileSystem]]:
    need_root()
    pool, fs = request.param
    for tool in (f"mkfs.{pool}", f"mkfs.{fs}"):
        need(tool)
    with place(pool, tmp_path) as found:
        yield found, fs


@pytest.mark.parametrize("world", EACH, indirect=True, ids="-".join)
def test_what_was_written_is_in_the_snapshot_and_the_clone_and_comes_back(world: tuple[Place, FileSystem]) -> None:
    place, fs = world
    client, at, shown, other = place.client, place.path("at"), place.path("shown"), place.path("other")
    done(client.create_volume("p", "v", SIZES[fs], "filesystem", fs))
    done(client.mount("p", "v", str(at)))
    first = fill(at, "a")
    done(client.create_snapshot("p", "v", "first"))
    with (at / "b").open("w") as file:
        file.write("not synced")
        file.flush()
        done(client.create_snapshot("p", "v", "second"))
    second = checksums(at)
    done(client.clone_volume("p", "v", "twin"))
    assert [(each.name, each.taken) for each in client.snapshots("p", "v")] == [
        ("first", "frozen"), ("second", "frozen"),
    ]  # fmt: skip
    for name, held in (("first", first), ("second", second)):
        done(client.mount_snapshot("p", "v", name, str(shown)))
        assert checksums(shown) == held
        with pytest.raises(OSError):
            (shown / "new").touch()
        done(client.unmount(client.mounts(str(shown))[0]))
    done(client.mount("p", "twin", str(other)))
    assert checksums(other) == second
    (other / "mine").write_text("of the twin")
    assert checksums(at) == second
    done(client.unmount(client.mounts(str(at))[0]))
    done(client.restore_snapshot("p", "v", "first"))
    done(client.mount("p", "v", str(at)))
    assert checksums(at) == first
    assert (other / "mine").exists()
    assert client.audit() == []
    for path in (at, other):
        done(client.unmount(client.mounts(str(path))[0]))
    for volume in client.volumes("p"):
        done(client.check_volume("p", volume.name))
        assert next(each.status for each in client.volume("p", volume.name).conditions if each.type == "Checked")


@pytest.mark.parametrize("world", [("xfs", "ext4")], indirect=True, ids="-".join)
def test_what_stands_in_the_way_is_said(world: tuple[Place, FileSystem]) -> None:
    place, fs = world
    client, at, shown = place.client, place.path("at"), place.path("shown")
    done(client.create_volume("p", "v", SIZES[fs], "filesystem", fs))
    done(client.create_snapshot("p", "v", "s", protected=True))
    done(client.mount("p", "v", str(at)))
    done(client.clone_volume("p", "v", "w"))
    done(client.create_snapshot("p", "w", "s"))
    with pytest.raises(HoldfastError, match="has snapshots"):
        client.delete_volume("p", "w")
    with pytest.raises(HoldfastError, match="is protected"):
        client.delete_snapshot("p", "v", "s")
    with pytest.raises(HoldfastError, match="is mounted at"):
        client.restore_snapshot("p", "v", "s")
    with pytest.raises(HoldfastError, match="already"):
        client.create_snapshot("p", "v", "s")
    with pytest.raises(HoldfastError, match="There is no snapshot"):
        client.restore_snapshot("p", "v", "t")
    with pytest.raises(HoldfastError, match="not allowed"):
        client.create_snapshot("p", "v", "-")
    done(client.change_snapshot("p", "v", "s", {"protected": False}))
    done(client.mount_snapshot("p", "v", "s", str(shown)))
    with pytest.raises(InUse):
        client.delete_snapshot("p", "v", "s")
    done(client.unmount(client.mounts(str(shown))[0]))
    done(client.delete_snapshot("p", "v", "s"))


@pytest.mark.parametrize("world", [("ext4", "ext4")], indirect=True, ids="-".join)
def test_a_copy_into_a_full_pool_leaves_nothing(world: tuple[Place, FileSystem]) -> None:
    place, _fs = world
    client = place.client
    done(client.create_volume("p", "v", "8MiB", "block"))
    (volume,) = client.volumes("p")
    with place.image(volume.uid).open("r+b") as disk:
        disk.write(os.urandom(8 << 20))
        os.fsync(disk.fileno())
    with (place.pool.parent / "ballast").open("wb") as ballast:
        free = os.statvfs(place.pool).f_bavail * os.statvfs(place.pool).f_frsize
        os.posix_fallocate(ballast.fileno(), 0, free - (4 << 20))
    view = client.create_snapshot("p", "v", "s")
    assert view.state == "undone"
    assert view.error is not None
    assert list(client.snapshots("p", "v")) == []
    assert os.listdir(place.pool / "volumes") == [volume.uid]
    (place.pool.parent / "ballast").unlink()
    done(client.create_snapshot("p", "v", "s"))
    assert client.audit() == []


@pytest.mark.parametrize("world", [("btrfs", "ext4"), ("btrfs", "xfs")], indirect=True, ids="-".join)
def test_of_a_file_system_that_broke_on_a_full_disk_none_is_taken_and_nothing_waits(
    world: tuple[Place, FileSystem],
) -> None:
    """It writes nothing any more until it is mounted anew."""
    place, fs = world
    client, at = place.client, place.path("at")
    done(client.create_volume("p", "v", SIZES[fs], "filesystem", fs))
    done(client.mount("p", "v", str(at)))
    with (place.pool.parent / "ballast").open("wb") as ballast, contextlib.suppress(OSError):
        while ballast.write(bytes(1 << 20)):
            ballast.flush()
            os.fsync(ballast.fileno())
    with (at / "file").open("wb") as file, contextlib.suppress(OSError):
        for _ in range(200):
            file.write(os.urandom(1 << 20))
            file.flush()
            os.fsync(file.fileno())
    os.sync()
    view = client.create_snapshot("p", "v", "s")
    assert view.ended, f"it waits: {view.reason}"
    (place.pool.parent / "ballast").unlink()
    if view.state == "done":
        done(client.delete_snapshot("p", "v", "s"))
    done(client.unmount(client.mounts(str(at))[0]))
    done(client.delete_volume("p", "v"))
    assert client.audit() == []


@pytest.mark.parametrize("world", [("xfs", "ext4")], indirect=True, ids="-".join)
def test_a_snapshot_that_was_removed_by_hand_is_found_and_its_record_can_go(world: tuple[Place, FileSystem]) -> None:
    place, fs = world
    client = place.client
    done(client.create_volume("p", "v", SIZES[fs], "filesystem", fs))
    done(client.create_snapshot("p", "v", "s"))
    snapshot = client.snapshot("p", "v", "s")
    run("rm", "-r", place.image(snapshot.uid).parent)
    (finding,) = client.audit()
    assert (finding.kind, finding.subject) == ("ghost", "p/v@s")
    assert client.restore_snapshot("p", "v", "s").state == "undone"
    done(client.delete_snapshot("p", "v", "s"))
    assert client.audit() == []


def test_a_volume_that_is_not_ready_has_no_snapshot(tmp_path: Path) -> None:
    need_root()
    with place("xfs", tmp_path) as found:
        done(found.client.create_volume("p", "v", "1MiB"))
        with pytest.raises((WrongState, HoldfastError)):
            found.client.create_snapshot("p", "w", "s")
