"""A pool's directory that cannot be one, that goes away, or that turns out to be another."""

import json
import os
import shutil
from pathlib import Path

import pytest

from holdfast.model.errors import HoldfastError, Invalid, Waiting
from holdfast.model.operations import OperationView
from tests.daemon import Disk, RealDaemon, fill, run, wait_until
from tests.needs import need


def _unmade(daemon: RealDaemon) -> None:
    client = daemon.client()
    assert client.pools() == []
    assert client.status().unfinished == 0
    assert client.audit() == []


def _refusal(daemon: RealDaemon, source: str | Path) -> str:
    """What a create of a pool there is answered, as an early error or as an undone operation."""
    try:
        view = daemon.client().create_pool("p", {"source": str(source)})
    except HoldfastError as error:
        return f"{error.code}: {error.detail} {error.hint}"
    assert view.state == "undone", view
    assert view.error is not None
    return f"{view.error.code}: {view.error.detail} {view.error.hint}"


def test_a_missing_directory_is_refused_and_the_hint_makes_it(daemon: RealDaemon) -> None:
    daemon.start()
    said = _refusal(daemon, daemon.root / "missing")
    assert "No such file" in said
    assert f"mkdir -p {daemon.root}/missing" in said
    _unmade(daemon)


def test_a_relative_path_is_refused(daemon: RealDaemon) -> None:
    daemon.start()
    assert "absolute" in _refusal(daemon, "pool")
    _unmade(daemon)


def test_a_file_is_refused(daemon: RealDaemon) -> None:
    daemon.start()
    file = daemon.root / "file"
    file.write_text("precious")
    assert "not a directory" in _refusal(daemon, file)
    assert file.read_text() == "precious"
    _unmade(daemon)


def test_a_directory_that_is_not_empty_is_refused_and_left_as_it_is(daemon: RealDaemon) -> None:
    daemon.start()
    (daemon.pool / "precious").write_text("precious")
    assert "not empty" in _refusal(daemon, daemon.pool)
    assert os.listdir(daemon.pool) == ["precious"]
    _unmade(daemon)


def test_a_directory_of_volumes_without_a_mark_is_refused_and_left_as_it_is(daemon: RealDaemon) -> None:
    daemon.start()
    (daemon.pool / "volumes" / "precious").mkdir(parents=True)
    assert "not empty" in _refusal(daemon, daemon.pool)
    assert os.listdir(daemon.pool / "volumes") == ["precious"]
    _unmade(daemon)


def test_an_empty_directory_named_volumes_beside_other_files_is_left_as_it_is(daemon: RealDaemon) -> None:
    daemon.start()
    (daemon.pool / "volumes").mkdir()
    (daemon.pool / "precious").write_text("precious")
    assert "not empty" in _refusal(daemon, daemon.pool)
    assert sorted(os.listdir(daemon.pool)) == ["precious", "volumes"]
    _unmade(daemon)


def test_a_read_only_file_system_is_refused(daemon: RealDaemon) -> None:
    run("mount", "--bind", daemon.pool, daemon.pool)
    run("mount", "-o", "remount,bind,ro", daemon.pool)
    daemon.start()
    said = _refusal(daemon, daemon.pool)
    assert "refused" in said
    assert "Read-only" in said
    assert os.listdir(daemon.pool) == []
    _unmade(daemon)


@pytest.mark.parametrize("own", ["state", "run"])
def test_the_daemons_own_directories_are_refused_from_inside_and_outside(daemon: RealDaemon, own: str) -> None:
    daemon.start()
    inside = daemon.root / own / "inside"
    inside.mkdir()
    for source in (daemon.root / own, inside, daemon.root):
        assert "the daemon's own directory" in _refusal(daemon, source)
    link = daemon.root / "link"
    link.symlink_to(inside)
    assert "the daemon's own directory" in _refusal(daemon, link)
    assert os.listdir(inside) == []
    _unmade(daemon)


def test_pools_never_lie_inside_each_other(daemon: RealDaemon) -> None:
    client = daemon.start().client()
    (daemon.pool / "outer/middle/inner").mkdir(parents=True)
    client.create_pool("middle", {"source": str(daemon.pool / "outer/middle/inner")})
    for other in ("outer", "outer/middle/inner"):
        with pytest.raises(Invalid, match="inside each other"):
            client.create_pool("q", {"source": str(daemon.pool / other)})
    inside = daemon.pool / "outer/middle/inner/volumes"
    with pytest.raises(Invalid, match="lies inside of the pool at"):
        client.create_pool("q", {"source": str(inside)})
    client.delete_pool("middle", forget=True)
    with pytest.raises(Invalid, match="lies inside of the pool at"):
        client.create_pool("q", {"source": str(inside)})
    client.import_pool("middle", {"source": str(inside.parent)})
    assert [pool.name for pool in client.pools()] == ["middle"]
    assert client.audit() == []


def test_an_unknown_option_is_named(daemon: RealDaemon) -> None:
    client = daemon.start().client()
    with pytest.raises(Invalid, match="sauce"):
        client.create_pool("p", {"source": str(daemon.pool), "sauce": "x"})
    _unmade(daemon)


# -- places that go away, and places that are not the same any more ---------------------------------


def _disk_pool(daemon: RealDaemon) -> Disk:
    """A pool `p` on a disk of its own, with a volume that has files."""
    need("mkfs.ext4")
    disk = Disk(daemon.root, "disk", 32, daemon.pool).mount()
    client = daemon.with_pool()
    client.create_volume("p", "v", "1MiB")
    fill(daemon.pool / "volumes" / daemon.uid("v") / "data")
    return disk


def _only_unknown(daemon: RealDaemon) -> str:
    """The audit's words: that nothing can be told, and nothing worse."""
    findings = daemon.client().audit()
    assert [finding.kind for finding in findings] == ["unknown"]
    assert [finding.kind for finding in daemon.client().audit(repair=True)] == ["unknown"]
    return findings[0].evidence


def _parked(view: OperationView) -> str:
    assert view.state == "parked", view
    assert view.exits
    return view.reason


def test_operations_on_a_vanished_disk_wait_with_a_reason_and_go_on_by_themselves(daemon: RealDaemon) -> None:
    disk = _disk_pool(daemon)
    client = daemon.client()
    disk.umount()
    assert "is its disk" in _only_unknown(daemon).lower() or "bears no" in _only_unknown(daemon)
    delete = client.delete_volume("p", "v", wait=5)
    create = client.create_volume("p", "w", "1MiB", wait=5)
    for view in (delete, create):
        assert "believed" in _parked(view)
    assert not client.pool("p").ready
    assert os.listdir(daemon.pool) == []
    disk.mount()
    for view in (delete, create):
        assert client.operation(view.id, wait=70).state == "done"
    assert [volume.name for volume in client.volumes("p")] == ["w"]
    assert client.audit() == []


def test_the_command_line_tells_that_an_operation_waits_and_how_to_end_it(daemon: RealDaemon) -> None:
    disk = _disk_pool(daemon)
    disk.umount()
    done = daemon.cli("volume", "create", "p/w", "--size", "1MiB")
    assert done.returncode == Waiting.exit
    assert "parked" in done.stderr
    assert "holdfast op" in done.stderr
    assert "cancel" in done.stderr
    listed = json.loads(daemon.cli("op", "list", "--state", "parked", "-o", "json").stdout)
    assert daemon.cli("op", "cancel", listed[0]["id"]).returncode == Invalid.exit
    daemon.cli("op", "cancel", listed[0]["id"], "--yes")
    disk.mount()
    daemon.cli("op", "retry", listed[0]["id"])
    wait_until(lambda: daemon.client().operation(listed[0]["id"]).state == "undone", "it is undone")
    assert daemon.client().audit() == []


def test_a_disk_that_vanishes_during_the_daemons_absence_stops_nothing(daemon: RealDaemon) -> None:
    disk = _disk_pool(daemon)
    daemon.stop()
    disk.umount()
    daemon.start()
    _only_unknown(daemon)
    assert daemon.client().volume("p", "v").ready
    disk.mount()
    wait_until(lambda: daemon.client().audit() == [], "all is well again")


def test_a_blank_disk_in_its_place_is_believed_nothing(daemon: RealDaemon) -> None:
    _disk_pool(daemon).umount()
    blank = Disk(daemon.root, "blank", 32, daemon.pool).mount()
    client = daemon.client()
    _only_unknown(daemon)
    _parked(client.delete_volume("p", "v", wait=5))
    refused = client.delete_pool("p", wait=5)
    assert refused.state != "done"
    assert os.listdir(daemon.pool) == ["lost+found"]
    assert [volume.name for volume in client.volumes("p")] == ["v"]
    blank.umount()


def test_another_pools_disk_in_its_place_is_foreign_and_untouched(daemon: RealDaemon) -> None:
    _disk_pool(daemon).umount()
    other = Disk(daemon.root, "other", 32, daemon.pool).mount()
    mark = {"format": 1, "pool": "f" * 32, "owner": "e" * 32, "counter": 7}
    (daemon.pool / "holdfast-pool.json").write_text(json.dumps(mark))
    (daemon.pool / "volumes").mkdir()
    shutil.copytree(daemon.pool / "volumes", daemon.root / "before")
    client = daemon.client()
    assert "f" * 32 in _only_unknown(daemon)
    create = client.create_volume("p", "w", "1MiB", wait=5)
    assert create.state in ("undone", "parked")
    delete = client.delete_volume("p", "v", wait=5)
    assert delete.state in ("undone", "parked")
    assert os.listdir(daemon.pool / "volumes") == []
    assert json.loads((daemon.pool / "holdfast-pool.json").read_text()) == mark
    assert "v" in [volume.name for volume in client.volumes("p")]
    other.umount()


def test_a_full_disk_in_the_middle_of_a_create_undoes_it_and_leaves_nothing(daemon: RealDaemon) -> None:
    disk = _disk_pool(daemon)
    client = daemon.client()
    with (daemon.pool / "ballast").open("wb") as file:
        try:
            while file.write(b"x" * 65536):
                file.flush()
        except OSError:
            pass
    view = client.create_volume("p", "big", "24MiB", "filesystem", "ext4")
    assert view.state == "undone", view
    assert view.error is not None
    assert "space" in f"{view.error.detail} {view.error.hint}".lower()
    assert os.listdir(daemon.pool / "volumes") == [daemon.uid("v")]
    (daemon.pool / "ballast").unlink()
    assert client.create_volume("p", "big", "4MiB", "filesystem", "ext4").state == "done"
    assert client.audit() == []
    del disk


@pytest.mark.parametrize("source", ["/proc", "/sys/fs"])
def test_a_pool_in_a_file_system_that_syncs_nothing_ends_undone(daemon: RealDaemon, source: str) -> None:
    daemon.start()
    view = daemon.client().create_pool("p", {"source": source})
    assert view.state == "undone", view.reason
    assert daemon.client().pools() == []
