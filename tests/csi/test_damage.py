"""A staged volume with a tenant's data whose device goes wrong: its bytes never change, and what was seen is told."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.csi.plugin import Plugin, mounted
from tests.csi.test_nodes import Node
from tests.daemon import RealDaemon, run, wait_until

ORDER = ("FAILED_PRECONDITION", "ABORTED")


class Tenant:
    """A volume with data, unstaged, and its image."""

    def __init__(self, daemon: RealDaemon, plugin: Plugin) -> None:
        self.node = Node(daemon, plugin, mounted("ext4"), 8 << 20)
        self.node.stage()
        self.node.publish()
        (self.node.target / "file").write_bytes(b"the tenant's" * 1000)
        self.node.unpublish()
        self.node.unstage()
        self.image = daemon.pool / "volumes" / self.node.uid / "disk.raw"
        self.bytes = self.image.read_bytes()
        self.daemon, self.plugin = daemon, plugin

    def refused(self, said: str) -> None:
        """It is not staged, nothing is mounted, and why is told: by the call, and by the audit."""
        for _ in range(2):
            status, why = self.plugin.refusal("NodeStageVolume", seconds=5.0, **self.node.fields())
            assert status in ORDER, why
            assert said in why
        assert self.node.mounts() == []

    def whole(self) -> None:
        """It is staged and published, with its data."""
        wait_until(lambda: not self.plugin.refused("NodeStageVolume", **self.node.fields()), "it is staged")
        self.node.publish()
        assert (self.node.target / "file").read_bytes() == b"the tenant's" * 1000
        self.node.unpublish()
        self.node.unstage()

    @contextlib.contextmanager
    def instead(self, other: bytes | None) -> Iterator[None]:
        """Another content, or none, meanwhile; nobody may write to it, and ours comes back as it was."""
        away = self.image.with_name("away")
        self.image.rename(away)
        if other is not None:
            self.image.write_bytes(other)
        try:
            yield
            assert other is None or self.image.read_bytes() == other
        finally:
            self.image.unlink(missing_ok=True)
            away.rename(self.image)
        assert self.image.read_bytes() == self.bytes


@pytest.fixture
def tenant(daemon: RealDaemon, plugin: Plugin) -> Tenant:
    return Tenant(daemon, plugin)


def test_zeros_are_damage_and_a_finding_until_it_is_whole_again(tenant: Tenant) -> None:
    """longhorn-13668."""
    with tenant.instead(bytes(len(tenant.bytes))):
        tenant.refused("does not show the ext4")
        (found,) = tenant.daemon.client().audit()
        assert (found.kind, "damaged" in found.evidence) == ("drift", True)
        (found,) = tenant.daemon.client().audit(repair=True)
        assert not found.repaired
    (found,) = tenant.daemon.client().audit(repair=True)
    assert found.repaired
    assert tenant.daemon.client().audit() == []
    tenant.whole()


def test_what_is_whole_again_with_a_journal_to_replay_is_no_damage(tenant: Tenant) -> None:
    """After a power cut nothing mounts it before somebody wants it: the finding need not wait for that."""
    run("debugfs", "-w", "-R", "feature needs_recovery", str(tenant.image))
    tenant.bytes = tenant.image.read_bytes()
    with tenant.instead(bytes(len(tenant.bytes))):
        tenant.refused("does not show the ext4")
    (found,) = tenant.daemon.client().audit(repair=True)
    assert found.repaired
    assert tenant.daemon.client().audit() == []
    tenant.whole()


def test_a_zeroed_superblock_is_damage(tenant: Tenant) -> None:
    with tenant.instead(bytes(4096) + tenant.bytes[4096:]):
        tenant.refused("does not show the ext4")
    tenant.whole()
    assert tenant.daemon.client().audit() == []


def test_another_volumes_content_under_its_name_is_damage(tenant: Tenant) -> None:
    other = Node.__new__(Node)
    other.__dict__.update(tenant.node.__dict__)
    made = tenant.plugin(
        "CreateVolume", name="other", capacity_range={"required_bytes": 8 << 20}, volume_capabilities=[mounted("ext4")]
    ).volume
    image = tenant.daemon.pool / "volumes" / made.volume_id / "disk.raw"
    with tenant.instead(image.read_bytes()):
        tenant.refused("does not show the ext4")
    tenant.whole()


def test_an_image_that_is_gone_is_waited_for(tenant: Tenant) -> None:
    """longhorn-10416."""
    with tenant.instead(None):
        tenant.refused("disk.raw")
    tenant.whole()


@pytest.mark.parametrize("at", ["child.mount-image.before", "child.mount-image.after", "journal.intent.after"])
def test_its_server_is_killed_and_started_in_the_middle_of_a_staging(tenant: Tenant, at: str) -> None:
    tenant.daemon.arm(f"{at}:kill")
    assert tenant.plugin.refused("NodeStageVolume", **tenant.node.fields())
    tenant.daemon.ended()
    tenant.daemon.disarm()
    with tenant.instead(bytes(len(tenant.bytes))) if at != "child.mount-image.after" else contextlib.nullcontext():
        tenant.daemon.start()
        tenant.plugin.refused("NodeStageVolume", seconds=3.0, **tenant.node.fields())
        assert set(tenant.node.mounts()) <= {str(tenant.node.staging)}
    tenant.whole()


def test_a_copy_mounted_by_hand_at_the_staging_path_is_not_it(tenant: Tenant, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy.write_bytes(tenant.bytes)
    run("mount", "-o", "loop", copy, tenant.node.staging)
    assert tenant.plugin.refusal("NodeStageVolume", **tenant.node.fields())[0] in ORDER
    run("umount", tenant.node.staging)
    tenant.whole()
