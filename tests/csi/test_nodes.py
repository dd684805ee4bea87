"""Volumes on a node: staged and published, each as often as anybody likes; and what is wrong is refused."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from holdfast.host.processes import CAP_SYS_RESOURCE, is_capable
from tests.csi.plugin import Plugin, block, kubelet, make, mounted, room
from tests.daemon import RealDaemon, mounts_below, run, wait_until
from tests.lingering import loops_below

MIB = 1 << 20


class Node:
    """A kubelet and its pod: calls with one volume."""

    def __init__(self, daemon: RealDaemon, plugin: Plugin, capability: Any = None, size: int = 16 * MIB) -> None:
        self.daemon, self.plugin = daemon, plugin
        self.capability = capability or mounted()
        self.uid = make(plugin, size=size, capability=self.capability).volume_id
        self.staging, self.target = kubelet(daemon) / "staging", kubelet(daemon) / "pod" / "target"
        self.staging.mkdir()
        self.target.parent.mkdir()

    def fields(self, **more: Any) -> dict[str, Any]:
        """Of a staging."""
        return {
            "volume_id": self.uid, "staging_target_path": str(self.staging), "volume_capability": self.capability,
            **more,
        }  # fmt: skip

    def stage(self, **more: Any) -> None:
        """On the node."""
        self.plugin("NodeStageVolume", **self.fields(**more))

    def unstage(self) -> None:
        """From the node."""
        self.plugin("NodeUnstageVolume", volume_id=self.uid, staging_target_path=str(self.staging))

    def publish(self, **more: Any) -> None:
        """To the pod."""
        self.plugin("NodePublishVolume", **self.fields(**{"target_path": str(self.target), **more}))

    def unpublish(self, target: Path | None = None) -> None:
        """From the pod."""
        self.plugin("NodeUnpublishVolume", volume_id=self.uid, target_path=str(target or self.target))

    def mounts(self) -> list[str]:
        """What is mounted below the kubelet's directory."""
        return [path for path in mounts_below(kubelet(self.daemon)) if path != str(kubelet(self.daemon))]


WAYS = [mounted(), mounted("ext4"), mounted("xfs"), block()]
SIZES = {"xfs": 320 * MIB}


@pytest.fixture(params=WAYS, ids=["directory", "ext4", "xfs", "block"])
def node(request: pytest.FixtureRequest, daemon: RealDaemon, plugin: Plugin) -> Node:
    return Node(daemon, plugin, request.param, SIZES.get(request.param.mount.fs_type, 16 * MIB))


@pytest.fixture
def one(daemon: RealDaemon, plugin: Plugin) -> Node:
    return Node(daemon, plugin, mounted("ext4"))


def _written(node: Node) -> None:
    if stat.S_ISDIR(node.target.stat().st_mode):
        (node.target / "file").write_bytes(b"the tenant's")
    else:
        with node.target.open("r+b") as device:
            device.write(b"the tenant's")


def _read(node: Node) -> bytes:
    if stat.S_ISDIR(node.target.stat().st_mode):
        return (node.target / "file").read_bytes()
    with node.target.open("rb") as device:
        return device.read(12)


def test_the_way_to_a_pod_and_back_each_call_twice_and_all_of_it_again(node: Node) -> None:
    for turn in range(2):
        for _ in range(2):
            node.stage()
        for _ in range(2):
            node.publish()
        if not turn:
            _written(node)
        assert _read(node) == b"the tenant's"
        for _ in range(2):
            node.unpublish()
        assert not node.target.exists()
        for _ in range(2):
            node.unstage()
        assert node.mounts() == []
        assert loops_below(node.daemon.pool) == []
    node.plugin("DeleteVolume", volume_id=node.uid)
    assert node.daemon.client().audit() == []


def test_a_node_says_what_it_can(plugin: Plugin) -> None:
    assert len(plugin("NodeGetCapabilities").capabilities) == 5
    assert plugin("NodeGetInfo").max_volumes_per_node == 0


def test_a_read_only_pod_writes_nothing_beside_one_that_does(one: Node) -> None:
    one.stage()
    one.publish()
    other = one.target.with_name("other")
    one.publish(target_path=str(other), readonly=True)
    _written(one)
    assert (other / "file").read_bytes() == b"the tenant's"
    with pytest.raises(OSError, match="Read-only"):
        (other / "new").touch()
    assert one.plugin.refusal(
        "NodePublishVolume", **one.fields(target_path=str(other))
    )[0] == "ALREADY_EXISTS"  # fmt: skip
    one.unpublish(other)
    one.unpublish()


def test_mount_flags_that_are_a_mounts_own_are_seen_and_others_refused(daemon: RealDaemon, plugin: Plugin) -> None:
    node = Node(daemon, plugin, mounted("ext4", "noatime", "nosuid", "noexec"))
    node.stage()
    node.publish()
    seen = run("findmnt", "-no", "OPTIONS", node.target).stdout
    assert {"noatime", "nosuid", "noexec", "rw"} <= set(seen.strip().split(","))
    status, said = plugin.refusal("NodeStageVolume", **node.fields(volume_capability=mounted("ext4", "noatime")))
    assert (status, "flags" in said) == ("ALREADY_EXISTS", True)
    for flag in ("data=writeback", "sync", "bind", "x"):
        asked = node.fields(volume_capability=mounted("ext4", flag))
        assert plugin.refusal("NodeStageVolume", **asked)[0] == "INVALID_ARGUMENT"
    node.unpublish()
    node.unstage()


def test_one_writer_alone_is_alone(daemon: RealDaemon, plugin: Plugin) -> None:
    node = Node(daemon, plugin, mounted("ext4", access="SINGLE_NODE_SINGLE_WRITER"))
    node.stage()
    node.publish()
    other = str(node.target.with_name("other"))
    assert plugin.refusal("NodePublishVolume", **node.fields(target_path=other))[0] == "FAILED_PRECONDITION"
    asked = node.fields(target_path=other, volume_capability=mounted("ext4", access="SINGLE_NODE_MULTI_WRITER"))
    assert plugin.refusal("NodePublishVolume", **asked)[0] == "FAILED_PRECONDITION"
    assert not os.path.lexists(other)
    node.unpublish()
    node.publish(target_path=other)


def test_calls_in_the_wrong_order_are_refused(one: Node) -> None:
    refusal, fields = one.plugin.refusal, one.fields()
    assert refusal("NodePublishVolume", **one.fields(target_path=str(one.target)))[0] == "FAILED_PRECONDITION"
    assert not one.target.exists()
    one.unpublish()
    one.unstage()
    one.stage()
    one.publish()
    status, said = refusal("NodeUnstageVolume", volume_id=one.uid, staging_target_path=str(one.staging))
    assert (status, str(one.target) in said) == ("FAILED_PRECONDITION", True)
    assert refusal("DeleteVolume", volume_id=one.uid)[0] == "FAILED_PRECONDITION"
    assert refusal("NodeStageVolume", **{**fields, "volume_capability": block()})[0] == "FAILED_PRECONDITION"
    assert refusal("NodeStageVolume", **{**fields, "volume_id": "0" * 32})[0] == "NOT_FOUND"
    wrong = refusal("NodeUnpublishVolume", volume_id=one.uid, target_path=str(one.staging))
    assert wrong[0] == "FAILED_PRECONDITION"


def test_paths_outside_of_the_kubelets_directory_are_refused(one: Node) -> None:
    root = kubelet(one.daemon)
    (root / "link").symlink_to("/etc")
    wrong = ("relative", "/etc", f"{root}", f"{root}/../etc", f"{root}/a/../b", "//x", f"{root}/link/x", "/", "\n")
    for call in ("NodeStageVolume", "NodePublishVolume", "NodeUnpublishVolume", "NodeUnstageVolume"):
        field = "staging_target_path" if "tage" in call else "target_path"
        for path in wrong:
            asked = one.fields(**{field: path})
            if call.startswith("NodeUn"):
                asked = {key: asked[key] for key in ("volume_id", field)}
            assert one.plugin.refusal(call, **asked)[0] == "INVALID_ARGUMENT", (call, path)
    assert one.mounts() == []


def test_what_is_mounted_there_and_no_record_knows_is_left_and_told(one: Node) -> None:
    one.target.mkdir()
    run("mount", "-t", "tmpfs", "none", one.target)
    status, said = one.plugin.refusal("NodeUnpublishVolume", volume_id=one.uid, target_path=str(one.target))
    assert (status, "tmpfs" in said) == ("FAILED_PRECONDITION", True)
    assert one.mounts() == [str(one.target)]


def test_what_is_in_the_way_stays_and_is_told(one: Node) -> None:
    one.stage()
    one.target.write_bytes(b"a file")
    asked = one.fields(target_path=str(one.target))
    assert one.plugin.refusal("NodePublishVolume", **asked)[0] == "INVALID_ARGUMENT"
    one.target.unlink()
    one.target.mkdir()
    (one.target / "file").write_bytes(b"somebody's")
    assert one.plugin.refusal("NodePublishVolume", **asked)[0] == "FAILED_PRECONDITION"
    assert (one.target / "file").read_bytes() == b"somebody's"
    (one.target / "file").unlink()
    one.publish()
    run("mount", "-t", "tmpfs", "none", one.target)
    assert one.plugin.refusal("NodePublishVolume", **asked)[0] == "FAILED_PRECONDITION"
    assert one.plugin.refusal("NodeUnpublishVolume", volume_id=one.uid, target_path=str(one.target))[0] in (
        "ABORTED", "FAILED_PRECONDITION",
    )  # fmt: skip
    run("umount", one.target)
    wait_until(lambda: _done(one), "it is unpublished")


def _done(one: Node) -> bool:
    for op in one.daemon.client().operations("parked"):
        one.daemon.client().exit(op.id, "retry")
    if one.plugin.refused("NodeUnpublishVolume", volume_id=one.uid, target_path=str(one.target)):
        return False
    return not one.target.exists()


def test_a_busy_volume_is_never_lazily_unmounted(one: Node) -> None:
    one.stage()
    one.publish()
    asked = {"volume_id": one.uid, "target_path": str(one.target)}
    with (one.target / "file").open("wb") as busy:
        status, said = one.plugin.refusal("NodeUnpublishVolume", **asked)
        assert status in ("FAILED_PRECONDITION", "ABORTED"), said
        assert "busy" in said
        busy.write(b"still here")
    assert (one.target / "file").read_bytes() == b"still here"
    wait_until(lambda: _done(one), "it is unpublished")


def test_what_somebody_left_under_a_published_volume_is_not_removed(one: Node) -> None:
    """Hidden by the mount: found when it is gone."""
    one.stage()
    one.publish()
    run("umount", one.target)
    (one.target / "theirs").write_bytes(b"of the host's disk")
    asked = {"volume_id": one.uid, "target_path": str(one.target)}
    for _ in range(2):
        status, said = one.plugin.refusal("NodeUnpublishVolume", **asked)
        assert (status, "not empty" in said) == ("FAILED_PRECONDITION", True)
    assert (one.target / "theirs").read_bytes() == b"of the host's disk"
    one.unstage()  # the volume is free all the same
    (one.target / "theirs").rename(kubelet(one.daemon) / "theirs")
    one.unpublish()


def test_after_a_reboot_nothing_comes_back_by_itself_and_each_call_again_brings_it(one: Node) -> None:
    """ceph-csi-4762: never is an empty directory published."""
    one.stage()
    one.publish()
    _written(one)
    one.daemon.kill()
    for path in reversed(one.mounts()):
        run("umount", path)
    one.daemon.start()
    assert one.daemon.client().audit() == []
    assert one.mounts() == []
    one.publish()
    assert _read(one) == b"the tenant's"
    assert set(one.mounts()) == {str(one.staging), str(one.target)}
    for path in reversed(one.mounts()):
        run("umount", path)
    one.stage()
    one.unpublish()
    one.unstage()
    assert one.mounts() == []
    assert loops_below(one.daemon.pool) == []


def test_what_was_mounted_anew_by_others_with_another_mode_is_told(one: Node) -> None:
    one.stage()
    run("mount", "-o", "remount,bind,ro", one.staging)
    assert one.plugin.refusal("NodeStageVolume", **one.fields())[0] == "ALREADY_EXISTS"
    stats = one.plugin("NodeGetVolumeStats", volume_id=one.uid, volume_path=str(one.staging))
    assert stats.volume_condition.abnormal
    run("mount", "-o", "remount,bind,rw", one.staging)
    one.stage()


def test_a_pod_of_a_device_that_another_pod_uses_can_go(daemon: RealDaemon, plugin: Plugin) -> None:
    node = Node(daemon, plugin, block())
    other = node.target.with_name("other")
    node.stage()
    node.publish()
    node.publish(target_path=str(other))
    device = os.open(node.target, os.O_RDWR | os.O_EXCL)
    try:
        node.unpublish(other)
        assert plugin.refused("NodeUnpublishVolume", volume_id=node.uid, target_path=str(node.target))
    finally:
        os.close(device)
    wait_until(lambda: _done(node), "it is unpublished")
    assert loops_below(daemon.pool) == []


def test_a_kubelet_that_lost_its_directory_can_unstage(one: Node) -> None:
    one.stage()
    one.publish()
    for path in reversed(one.mounts()):
        run("umount", path)
    one.target.rmdir()
    one.target.parent.rmdir()
    (found,) = one.daemon.client().audit()
    assert (found.subject, "is gone" in found.evidence) == (str(one.target), True)
    one.unstage()
    assert one.daemon.client().audit() == []
    one.plugin("DeleteVolume", volume_id=one.uid)


def test_a_staging_that_is_called_back_answers_that_it_may_be_asked_again(one: Node) -> None:
    """Its pool is away, so it waits; the unstaging cancels it."""
    away = one.daemon.root / "away"
    one.daemon.pool.rename(away)
    one.daemon.pool.mkdir()
    assert one.plugin.refusal("NodeStageVolume", **one.fields())[0] == "ABORTED"
    status, said = one.plugin.refusal("NodeUnstageVolume", volume_id=one.uid, staging_target_path=str(one.staging))
    assert status == "ABORTED", said
    one.daemon.pool.rmdir()
    away.rename(one.daemon.pool)
    wait_until(lambda: _unstaged(one), "it is unstaged")


def _unstaged(one: Node) -> bool:
    for op in one.daemon.client().operations("parked"):
        one.daemon.client().exit(op.id, "retry")
    return not one.plugin.refused("NodeUnstageVolume", volume_id=one.uid, staging_target_path=str(one.staging))


def test_eight_kubelets_at_once_make_one_of_each(one: Node) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: one.stage(), range(24)))
        list(pool.map(lambda _: one.publish(), range(24)))
        assert len(one.mounts()) == 2
        list(pool.map(lambda _: one.unpublish(), range(24)))
        list(pool.map(lambda _: one.unstage(), range(24)))
    assert one.mounts() == []


def test_stats_say_how_full_it_is(node: Node) -> None:
    asked = {"volume_id": node.uid, "volume_path": str(node.target)}
    assert node.plugin.refusal("NodeGetVolumeStats", **asked)[0] == "NOT_FOUND"
    node.stage()
    node.publish()
    _written(node)
    answer = node.plugin("NodeGetVolumeStats", **asked)
    assert not answer.volume_condition.abnormal
    by_unit = {each.unit: each for each in answer.usage}
    if node.capability.HasField("block"):
        assert by_unit[1].total == 16 * MIB
        return
    seen = os.statvfs(node.target)
    assert 0 < by_unit[1].used <= by_unit[1].total
    assert by_unit[2].total == seen.f_files
    if node.capability.mount.fs_type:
        assert by_unit[1].available == seen.f_bavail * seen.f_frsize
    run("umount", node.target)
    assert node.plugin("NodeGetVolumeStats", **asked).volume_condition.abnormal


def test_a_volume_grows_where_it_is_used(node: Node) -> None:
    if node.capability.mount.fs_type == "ext4" and not is_capable(CAP_SYS_RESOURCE):
        asked = {"volume_id": node.uid, "capacity_range": room(64 * MIB)}
        assert "CAP_SYS_RESOURCE" in node.plugin.refusal("ControllerExpandVolume", **asked)[1]
        return
    node.stage()
    node.publish()
    _written(node)
    size = node.daemon.client().volume("p", "pvc-1").size
    ask = {"volume_id": node.uid, "capacity_range": room(2 * size)}
    assert node.plugin("ControllerExpandVolume", **ask).capacity_bytes == 2 * size
    for _ in range(2):
        grown = node.plugin("NodeExpandVolume", volume_path=str(node.target), **ask)
        assert grown.capacity_bytes == 2 * size
    assert _read(node) == b"the tenant's"
    if node.capability.HasField("block"):
        assert int(run("blockdev", "--getsize64", node.target).stdout) == 2 * size
    smaller = {"volume_id": node.uid, "capacity_range": room(MIB, size)}
    assert node.plugin.refusal("ControllerExpandVolume", **smaller)[0] == "OUT_OF_RANGE"
    assert node.plugin.refusal("NodeExpandVolume", volume_id=node.uid, volume_path="/x")[0] == "NOT_FOUND"


def test_two_hundred_calls_at_once_are_all_answered(daemon: RealDaemon, plugin: Plugin) -> None:
    """More than there are threads: a third of them for the same, and some that are refused."""

    def call(number: int) -> str:
        if number % 10 == 9:
            return plugin.status("NodeStageVolume", volume_id="nobody")[0]
        name = "same" if number % 3 == 0 else f"v{number}"
        asked = {"name": name, "capacity_range": room(MIB), "volume_capabilities": [mounted()]}
        return plugin.status("CreateVolume", **asked)[0]

    with ThreadPoolExecutor(200) as pool:
        answers = list(pool.map(call, range(200)))
    assert set(answers) == {"OK", "INVALID_ARGUMENT"}
    names = {each.name for each in daemon.client().volumes("p")}
    assert len(names) == 1 + sum(number % 10 != 9 and number % 3 != 0 for number in range(200))
