"""Mount paths that cannot be one, and volumes that somebody uses when they are to be deleted."""

import os
from pathlib import Path

import pytest

from holdfast.client import Client
from holdfast.model.errors import HoldfastError, Invalid
from holdfast.model.operations import OperationView
from holdfast.model.resources import Content
from tests.daemon import RealDaemon, checksums, fill, mounts_below, run
from tests.needs import need


@pytest.fixture
def client(daemon: RealDaemon) -> Client:
    """With a directory volume `v` that has files."""
    client = daemon.with_pool()
    client.create_volume("p", "v", "1MiB")
    fill(_data(daemon))
    return client


def _data(daemon: RealDaemon) -> Path:
    return daemon.pool / "volumes" / daemon.uid("v") / "data"


def _refusal(client: Client, path: str | Path, volume: str = "v") -> str:
    """What a mount there is answered; nothing may be mounted or wanted afterwards."""
    before = client.mounts()
    try:
        view = client.mount("p", volume, str(path))
    except HoldfastError as error:
        said = f"{error.code}: {error.detail} {error.hint}"
    else:
        said = _failure(view)
    assert client.mounts() == before
    assert client.audit() == []
    return said


def _failure(view: OperationView) -> str:
    assert view.state == "undone", view
    assert view.error is not None
    return f"{view.error.code}: {view.error.detail} {view.error.hint}"


def test_a_missing_path_is_refused_and_the_hint_makes_it(daemon: RealDaemon, client: Client) -> None:
    said = _refusal(client, daemon.mnt / "missing")
    assert f"mkdir -p {daemon.mnt}/missing" in said
    assert mounts_below(daemon.root) == []


def test_a_relative_path_is_refused(client: Client) -> None:
    assert "absolute" in _refusal(client, "mnt")


def test_a_path_with_control_characters_is_refused(daemon: RealDaemon, client: Client) -> None:
    assert "control characters" in _refusal(client, f"{daemon.mnt}/a\nb")


def test_a_file_is_refused_for_a_directory_volume(daemon: RealDaemon, client: Client) -> None:
    (daemon.mnt / "file").write_text("precious")
    assert "not a directory" in _refusal(client, daemon.mnt / "file")
    assert (daemon.mnt / "file").read_text() == "precious"


def test_a_directory_or_a_file_with_content_is_refused_for_a_block_volume(daemon: RealDaemon, client: Client) -> None:
    client.create_volume("p", "b", "1MiB", "block")
    (daemon.mnt / "file").write_text("precious")
    assert "empty file" in _refusal(client, daemon.mnt / "file", "b")
    assert "empty file" in _refusal(client, daemon.mnt, "b")
    assert f"touch {daemon.mnt}/missing" in _refusal(client, daemon.mnt / "missing", "b")


def test_a_directory_that_is_not_empty_is_refused(daemon: RealDaemon, client: Client) -> None:
    (daemon.mnt / "file").write_text("precious")
    assert "would hide" in _refusal(client, daemon.mnt)
    assert mounts_below(daemon.root) == []


def test_a_mount_of_somebody_else_is_refused_and_left(daemon: RealDaemon, client: Client) -> None:
    run("mount", "-t", "tmpfs", "none", daemon.mnt)
    assert "mounted at" in _refusal(client, daemon.mnt)
    assert mounts_below(daemon.root) == [str(daemon.mnt)]


def test_a_path_where_another_volume_is_wanted_is_refused(daemon: RealDaemon, client: Client) -> None:
    client.create_volume("p", "w", "1MiB")
    assert client.mount("p", "v", str(daemon.mnt)).state == "done"
    assert "exists" in _refusal(client, daemon.mnt, "w")
    assert "exists" in _refusal(client, daemon.mnt, "v")


def test_a_path_inside_a_mounted_volume_is_refused(daemon: RealDaemon, client: Client) -> None:
    client.create_volume("p", "w", "1MiB")
    client.mount("p", "v", str(daemon.mnt))
    (daemon.mnt / "inner").mkdir()
    assert "inside the volume" in _refusal(client, daemon.mnt / "inner", "w")


def test_a_path_inside_a_pool_is_refused_also_through_a_symlink(daemon: RealDaemon, client: Client) -> None:
    inner = _data(daemon) / "inner"
    inner.mkdir()
    (daemon.mnt / "link").symlink_to(inner)
    for path in (daemon.pool, inner, daemon.mnt / "link"):
        assert "inside the pool" in _refusal(client, path)


@pytest.mark.parametrize("own", ["state", "run"])
def test_a_path_inside_the_daemons_own_directories_is_refused(daemon: RealDaemon, client: Client, own: str) -> None:
    inside = daemon.root / own / "inside"
    inside.mkdir()
    assert "the daemon's own directory" in _refusal(client, inside)
    assert mounts_below(daemon.root) == []


# -- in use on delete --------------------------------------------------------------------------------


def _not_deleted(client: Client, volume: str) -> str:
    """What the delete is answered; the volume is still there."""
    try:
        said = _failure(client.delete_volume("p", volume))
    except HoldfastError as error:
        said = f"{error.code}: {error.detail} {error.hint}"
    assert client.volume("p", volume).ready
    assert client.status().unfinished == 0
    return said


def test_a_volume_that_we_mounted_is_not_deleted(daemon: RealDaemon, client: Client) -> None:
    client.mount("p", "v", str(daemon.mnt))
    before = checksums(daemon.mnt)
    said = _not_deleted(client, "v")
    assert "in-use" in said
    assert f"holdfast volume unmount {daemon.mnt}" in said
    assert checksums(daemon.mnt) == before


def test_a_volume_that_somebody_bound_elsewhere_is_not_deleted(daemon: RealDaemon, client: Client) -> None:
    before = checksums(_data(daemon))
    run("mount", "--bind", _data(daemon) / "a1", daemon.mnt)
    assert str(daemon.mnt) in _not_deleted(client, "v")
    run("umount", daemon.mnt)
    assert checksums(_data(daemon)) == before
    assert client.delete_volume("p", "v").state == "done"


def test_a_volume_with_somebodys_mount_inside_is_not_deleted(daemon: RealDaemon, client: Client) -> None:
    inside = _data(daemon) / "a1"
    run("mount", "-t", "tmpfs", "none", inside)
    (inside / "theirs").write_text("precious")
    assert str(inside) in _not_deleted(client, "v")
    assert (inside / "theirs").read_text() == "precious"


@pytest.mark.parametrize("content", ["filesystem", "block"])
def test_a_volume_that_somebody_attached_to_a_loop_device_is_not_deleted(
    daemon: RealDaemon, client: Client, content: Content
) -> None:
    need("mkfs.ext4")
    client.create_volume("p", "disk", "2MiB", content)
    image = daemon.pool / "volumes" / daemon.uid("disk") / "disk.raw"
    device = run("losetup", "-f", "--show", image).stdout.strip()
    try:
        assert device in _not_deleted(client, "disk")
        assert image.exists()
    finally:
        run("losetup", "-d", device)
    assert client.delete_volume("p", "disk").state == "done"


def test_a_busy_mount_is_not_unmounted_and_never_lazily(daemon: RealDaemon, client: Client) -> None:
    client.mount("p", "v", str(daemon.mnt))
    fd = os.open(daemon.mnt, os.O_RDONLY | os.O_DIRECTORY)
    try:
        view = client.unmount(client.mounts()[0], wait=5)
        assert view.state in ("parked", "undone"), view
        assert "busy" in f"{view.reason} {view.error}".lower()
        assert mounts_below(daemon.root) == [str(daemon.mnt)]
    finally:
        os.close(fd)
    assert {op.state for op in daemon.settle()} <= {"done", "undone"}
    assert client.audit() == []


def test_a_pool_with_volumes_or_with_unknown_files_is_not_deleted(daemon: RealDaemon, client: Client) -> None:
    try:
        said = _failure(client.delete_pool("p"))
    except HoldfastError as error:
        said = error.detail
    assert "has volumes" in said
    assert client.delete_volume("p", "v").state == "done"
    (daemon.pool / "precious").write_text("precious")
    assert "precious" in _failure(client.delete_pool("p"))
    (daemon.pool / "precious").unlink()
    (daemon.pool / "volumes" / "precious").mkdir()
    assert "precious" in _failure(client.delete_pool("p"))
    (daemon.pool / "volumes" / "precious").rmdir()
    assert client.delete_pool("p").state == "done"
    assert os.listdir(daemon.pool) == []


def test_unmounting_what_is_not_mounted_tells_so(daemon: RealDaemon, client: Client) -> None:
    del client
    done = daemon.cli("volume", "unmount", daemon.mnt)
    assert done.returncode == 3
    assert "No volume is mounted" in done.stderr
    assert Invalid.exit != done.returncode
