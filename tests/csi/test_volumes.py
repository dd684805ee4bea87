"""Volumes by CSI: made once for a name, listed, and gone once; each call again as often as anybody likes."""

import contextlib
import os
import shutil
import stat
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest

from holdfast.client import Client
from tests.csi.plugin import Plugin, block, make, mounted, room
from tests.daemon import Disk, RealDaemon

MIB = 1 << 20


def test_the_plugin_says_who_it_is_and_what_it_can(daemon: RealDaemon, plugin: Plugin) -> None:
    assert plugin("GetPluginInfo").name == "csi.holdfast.net"
    assert plugin("Probe").ready.value
    assert len(plugin("GetPluginCapabilities").capabilities) == 4
    assert len(plugin("ControllerGetCapabilities").capabilities) == 15
    info = plugin("NodeGetInfo")
    assert info.accessible_topology.segments["csi.holdfast.net/member"] == info.node_id
    assert stat.S_IMODE(os.stat(f"{daemon.run}/csi.sock").st_mode) == 0o600
    assert plugin.refusal("GetMetadataDelta")[0] == "UNIMPLEMENTED"


@pytest.mark.parametrize(
    ("capability", "parameters", "content", "fs"),
    [
        (mounted(), {}, "directory", None),
        (mounted("ext4"), {}, "filesystem", "ext4"),
        (mounted(), {"content": "filesystem"}, "filesystem", "ext4"),
        (mounted(), {"fs": "ext4"}, "filesystem", "ext4"),
        (block(), {"pool": "p", "csi.storage.k8s.io/pvc/name": "db"}, "block", None),
    ],
)
def test_a_volume_is_what_its_capability_and_class_say(
    daemon: RealDaemon, plugin: Plugin, capability: Any, parameters: dict[str, str], content: str, fs: str | None
) -> None:
    made = make(plugin, size=2 * MIB, capability=capability, parameters=parameters)
    found = daemon.client().volume("p", "pvc-1")
    assert (found.uid, found.content, found.fs, found.size) == (made.volume_id, content, fs, 2 * MIB)
    assert made.capacity_bytes == 2 * MIB
    assert dict(made.volume_context) == {"pool": "p", "name": "pvc-1"}


def test_a_name_is_one_volume_however_often_it_is_asked_for(daemon: RealDaemon, plugin: Plugin) -> None:
    first = make(plugin)
    assert make(plugin) == first
    assert make(plugin, size=0) == first
    assert plugin.refusal("CreateVolume", name="pvc-1", capacity_range=room(2 * MIB), volume_capabilities=[mounted()])[
        0
    ] == "ALREADY_EXISTS"  # fmt: skip
    assert plugin.refusal("CreateVolume", name="pvc-1", capacity_range=room(MIB), volume_capabilities=[block()])[
        0
    ] == "ALREADY_EXISTS"  # fmt: skip
    plugin("DeleteVolume", volume_id=first.volume_id)
    again = make(plugin)
    assert again.volume_id != first.volume_id
    assert [each.uid for each in daemon.client().volumes("p")] == [again.volume_id]


def test_eight_who_ask_at_once_for_one_name_get_one_volume(daemon: RealDaemon, plugin: Plugin) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: make(plugin).volume_id, range(24)))
    assert len(set(made)) == 1
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda uid: plugin("DeleteVolume", volume_id=uid), made))
    assert list(daemon.client().volumes("p")) == []


def test_a_name_that_is_none_here_is_one_of_its_own(daemon: RealDaemon, plugin: Plugin) -> None:
    long, odd = make(plugin, "x" * 128), make(plugin, "a name/with all?")
    assert make(plugin, "x" * 128) == long
    assert make(plugin, "a name/with all?") == odd
    assert long.volume_id != odd.volume_id


def test_what_was_deleted_by_hand_is_not_answered_from_the_records(daemon: RealDaemon, plugin: Plugin) -> None:
    made = make(plugin)
    (daemon.pool / "volumes" / made.volume_id).rename(daemon.root / "away")
    status, said = plugin.refusal(
        "CreateVolume", name="pvc-1", capacity_range=room(MIB), volume_capabilities=[mounted()]
    )
    assert (status, "is not in its pool" in said) == ("FAILED_PRECONDITION", True)


def test_a_mounted_volume_is_not_deleted_and_says_where_it_is(daemon: RealDaemon, plugin: Plugin) -> None:
    made, at = make(plugin), daemon.mnt / "at"
    at.mkdir()
    client = daemon.client()
    client.mount("p", "pvc-1", str(at))
    status, said = plugin.refusal("DeleteVolume", volume_id=made.volume_id)
    assert status == "FAILED_PRECONDITION"
    assert str(at) in said
    client.unmount(client.mounts()[0])
    for _ in range(2):
        plugin("DeleteVolume", volume_id=made.volume_id)


def test_what_waits_is_told_at_once_and_its_deletion_takes_it_back(daemon: RealDaemon, plugin: Plugin) -> None:
    """A pool that is away."""
    client, away = daemon.client(), daemon.root / "away"
    daemon.pool.rename(away)
    daemon.pool.mkdir()
    status, said = plugin.refusal(
        "CreateVolume", name="pvc-1", capacity_range=room(MIB), volume_capabilities=[mounted()]
    )
    assert status == "ABORTED"
    assert "waits" in said
    (row,) = client.volumes("p")
    assert plugin.refusal("DeleteVolume", volume_id=row.uid)[0] == "ABORTED"
    daemon.pool.rmdir()
    away.rename(daemon.pool)
    _settled(client)
    plugin("DeleteVolume", volume_id=row.uid)
    assert list(client.volumes("p")) == []


def _settled(client: Client) -> None:
    for op in client.operations():
        if not op.ended:
            client.exit(op.id, "retry")
            client.wait(op.id, 30)


def test_a_call_that_nobody_waits_for_is_done_all_the_same(daemon: RealDaemon, plugin: Plugin) -> None:
    status, said = plugin.refusal(
        "CreateVolume", name="pvc-1", capacity_range=room(16 * MIB), volume_capabilities=[mounted("ext4")], seconds=0.02
    )
    assert status in ("ABORTED", "DEADLINE_EXCEEDED"), said
    assert make(plugin, size=16 * MIB, capability=mounted("ext4")).volume_id
    assert len(list(daemon.client().volumes("p"))) == 1


def test_volumes_are_listed_page_by_page(daemon: RealDaemon, plugin: Plugin) -> None:
    made = {make(plugin, f"v{number}").volume_id for number in range(5)}
    found, token = [], ""
    while True:
        page = plugin("ListVolumes", max_entries=2, starting_token=token)
        assert 1 <= len(page.entries) <= 2
        found += [each.volume.volume_id for each in page.entries]
        token = page.next_token
        if not token:
            break
    assert set(found) == made
    assert len(found) == 5
    assert plugin.refusal("ListVolumes", starting_token="nonsense")[0] == "ABORTED"  # noqa: S106 - of a page
    assert plugin.refusal("ListVolumes", max_entries=-1)[0] == "INVALID_ARGUMENT"


def test_room_is_the_pools_within_its_limit(daemon: RealDaemon, plugin: Plugin) -> None:
    free = plugin("GetCapacity").available_capacity
    assert free > MIB
    daemon.client().change_pool("p", {"limit": 3 * MIB})
    make(plugin)
    assert plugin("GetCapacity", parameters={"pool": "p"}).available_capacity == 2 * MIB
    assert plugin("GetCapacity", parameters={"pool": "nowhere"}).available_capacity == 0
    elsewhere: dict[str, Any] = {"accessible_topology": {"segments": {"csi.holdfast.net/member": "another"}}}
    assert plugin("GetCapacity", **elsewhere).available_capacity == 0
    wished = {"requisite": [elsewhere["accessible_topology"]]}
    assert plugin.refusal(
        "CreateVolume", name="far", volume_capabilities=[mounted()], accessibility_requirements=wished
    )[0] == "RESOURCE_EXHAUSTED"  # fmt: skip
    assert plugin.refusal(
        "CreateVolume", name="large", capacity_range=room(3 * MIB), volume_capabilities=[mounted()]
    )[0] == "RESOURCE_EXHAUSTED"  # fmt: skip


BAD: list[tuple[dict[str, Any], str]] = [
    ({"name": ""}, "INVALID_ARGUMENT"),
    ({"name": "x" * 129}, "INVALID_ARGUMENT"),
    ({"volume_capabilities": []}, "INVALID_ARGUMENT"),
    ({"volume_capabilities": [mounted(), block()]}, "INVALID_ARGUMENT"),
    ({"volume_capabilities": [mounted("zfs")]}, "INVALID_ARGUMENT"),
    ({"volume_capabilities": [mounted("ext4"), mounted("xfs")]}, "INVALID_ARGUMENT"),
    ({"parameters": {"pool": "nowhere"}}, "NOT_FOUND"),
    ({"parameters": {"colour": "red"}}, "INVALID_ARGUMENT"),
    ({"parameters": {"content": "block"}}, "INVALID_ARGUMENT"),
    ({"parameters": {"fs": "zfs"}}, "INVALID_ARGUMENT"),
    ({"capacity_range": room(-1)}, "OUT_OF_RANGE"),
    ({"capacity_range": room(2 * MIB, MIB)}, "OUT_OF_RANGE"),
    ({"capacity_range": room(1 << 62)}, "OUT_OF_RANGE"),
    ({"capacity_range": room(0, MIB), "parameters": {"fs": "xfs"}}, "OUT_OF_RANGE"),
    ({"mutable_parameters": {"a": "b"}}, "INVALID_ARGUMENT"),
]


@pytest.mark.parametrize(("wrong", "status"), BAD)
def test_bad_input_is_refused_and_makes_nothing(
    daemon: RealDaemon, plugin: Plugin, wrong: dict[str, Any], status: str
) -> None:
    asked = {"name": "pvc-1", "capacity_range": room(MIB), "volume_capabilities": [mounted()], **wrong}
    assert plugin.refusal("CreateVolume", **asked)[0] == status
    assert list(daemon.client().volumes("p")) == []


def test_capabilities_are_confirmed_or_said_to_be_otherwise(daemon: RealDaemon, plugin: Plugin) -> None:
    uid = make(plugin, capability=mounted("ext4"), size=2 * MIB).volume_id
    ask = "ValidateVolumeCapabilities"
    assert plugin(ask, volume_id=uid, volume_capabilities=[mounted("ext4"), mounted()]).HasField("confirmed")
    for other in (block(), mounted("xfs")):
        answer = plugin(ask, volume_id=uid, volume_capabilities=[other])
        assert not answer.HasField("confirmed")
        assert answer.message
    assert plugin.refusal(ask, volume_id="nowhere", volume_capabilities=[block()])[0] == "NOT_FOUND"
    assert plugin.refusal(ask, volume_id=uid)[0] == "INVALID_ARGUMENT"


def test_a_stop_waits_for_nobody_and_the_next_start_takes_the_socket(daemon: RealDaemon, plugin: Plugin) -> None:
    make(plugin)
    daemon.kill()
    daemon.start()
    assert make(plugin).volume_id
    assert daemon.stop() == 0
    assert not (daemon.run / "csi.sock").exists()
    with pytest.raises(grpc.RpcError):
        plugin("Probe", seconds=1)


def test_a_pool_whose_disk_is_full_has_no_room_and_another_member_may_have(daemon: RealDaemon, plugin: Plugin) -> None:
    """A scheduler that is told so looks elsewhere."""
    small = daemon.root / "small"
    Disk(daemon.root, "disk", 8, small).mount()
    (small / "pool").mkdir()
    daemon.client().create_pool("small", {"source": str(small / "pool")})
    many = small / "many"
    many.mkdir()
    with contextlib.suppress(OSError):
        for number in range(10_000):
            (many / f"{number}").mkdir()
    status, why = plugin.refusal(
        "CreateVolume", name="pvc", capacity_range=room(MIB), volume_capabilities=[mounted()],
        parameters={"pool": "small"},
    )  # fmt: skip
    assert (status, "No space left" in why) == ("RESOURCE_EXHAUSTED", True), why
    shutil.rmtree(many)
    assert not list(daemon.client().volumes("small"))
    make(plugin, "pvc", parameters={"pool": "small"})
