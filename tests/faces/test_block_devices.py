"""A block volume's device: who uses it keeps it, and it has one access mode."""

import os
from pathlib import Path

import pytest

from holdfast.client.client import Client
from holdfast.model.errors import InUse
from tests.daemon import RealDaemon, mounts_below, run
from tests.lingering import loops_below


def block_at(client: Client, path: Path, read_only: bool = False) -> str:
    path.touch()
    return client.mount("p", "b", str(path), read_only=read_only).state


@pytest.fixture
def client(daemon: RealDaemon) -> Client:
    client = daemon.with_pool()
    assert client.create_volume("p", "b", "8MiB", "block").state == "done"
    return client


def test_a_device_that_is_mounted_is_not_taken_away(daemon: RealDaemon, client: Client) -> None:
    node, inner = daemon.mnt / "node", daemon.mnt / "inner"
    assert block_at(client, node) == "done"
    run("mkfs.ext4", "-q", "-F", node)
    inner.mkdir()
    run("mount", loops_below(daemon.pool)[0], inner)
    view = client.unmount(client.mounts(str(node))[0])
    assert view.state == "undone"
    assert view.error is not None
    assert view.error.code == "in-use"
    assert sorted(mounts_below(daemon.mnt)) == sorted([str(inner), str(node)])
    assert client.audit() == [], "what people mount of their own device is no finding"
    run("umount", inner)
    assert client.unmount(client.mounts(str(node))[0]).state == "done"
    assert loops_below(daemon.pool) == []


def test_a_detach_that_waits_for_a_reader_is_taken_back(daemon: RealDaemon, client: Client) -> None:
    """Else the kernel would free the device's number with its last reader, and another volume could get it."""
    node = daemon.mnt / "node"
    assert block_at(client, node) == "done"
    device = loops_below(daemon.pool)[0]
    reader = os.open(node, os.O_RDONLY)
    try:
        assert client.unmount(client.mounts(str(node))[0]).state == "undone"
    finally:
        os.close(reader)
    assert loops_below(daemon.pool) == [device]
    assert mounts_below(daemon.mnt) == [str(node)]
    assert client.audit() == []


def test_a_device_has_one_access_mode(daemon: RealDaemon, client: Client) -> None:
    assert block_at(client, daemon.mnt / "a") == "done"
    with pytest.raises(InUse, match="one mode"):
        block_at(client, daemon.mnt / "b", read_only=True)
    assert block_at(client, daemon.mnt / "c") == "done"


def test_a_read_only_block_mount_cannot_be_written(daemon: RealDaemon, client: Client) -> None:
    node = daemon.mnt / "node"
    assert block_at(client, node, read_only=True) == "done"
    writer = os.open(node, os.O_WRONLY)  # the kernel lets root open it, and refuses the write
    try:
        with pytest.raises(PermissionError):
            os.pwrite(writer, b"x" * 512, 0)
    finally:
        os.close(writer)
