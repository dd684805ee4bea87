"""Group snapshots by CSI: of one moment of all volumes, and all or none."""

import contextlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.csi.plugin import Plugin, block, kubelet, make, mounted
from tests.daemon import RealDaemon, wait_until

MIB = 1 << 20


@pytest.fixture
def sources(plugin: Plugin) -> list[str]:
    """Two volumes with file systems; their ids."""
    return [make(plugin, f"source-{n}", 48 * MIB, mounted("ext4")).volume_id for n in range(2)]


@contextlib.contextmanager
def published(daemon: RealDaemon, plugin: Plugin, uids: list[str]) -> Iterator[list[Path]]:
    """Where they are."""
    asked: list[tuple[dict[str, Any], str]] = []
    for number, uid in enumerate(uids):
        staging = kubelet(daemon) / f"s{number}"
        staging.mkdir(exist_ok=True)
        one: dict[str, Any] = {"volume_id": uid, "staging_target_path": str(staging)}
        plugin("NodeStageVolume", **one, volume_capability=mounted("ext4"))
        target = str(kubelet(daemon) / f"t{number}")
        plugin("NodePublishVolume", **one, target_path=target, volume_capability=mounted("ext4"))
        asked.append((one, target))
    yield [Path(target) for _, target in asked]
    for one, target in asked:
        plugin("NodeUnpublishVolume", volume_id=one["volume_id"], target_path=target)
        plugin("NodeUnstageVolume", **one)


def take(plugin: Plugin, uids: list[str], name: str = "group") -> Any:
    """The group."""
    return plugin("CreateVolumeGroupSnapshot", name=name, source_volume_ids=uids).group_snapshot


def of(group: Any) -> dict[str, Any]:
    """How it is asked for."""
    return {
        "group_snapshot_id": group.group_snapshot_id, "snapshot_ids": [each.snapshot_id for each in group.snapshots]
    }  # fmt: skip


def test_a_group_is_taken_once_for_a_name_and_gone_once(plugin: Plugin, sources: list[str]) -> None:
    group = take(plugin, sources)
    assert take(plugin, sources) == group
    assert group.ready_to_use
    assert [each.source_volume_id for each in group.snapshots] == sources
    assert {each.group_snapshot_id for each in group.snapshots} == {group.group_snapshot_id}
    assert set(of(group)["snapshot_ids"]) == {
        entry.snapshot.snapshot_id for entry in plugin("ListSnapshots").entries
    }  # fmt: skip
    got = plugin("GetVolumeGroupSnapshot", **of(group)).group_snapshot
    assert sorted(each.snapshot_id for each in got.snapshots) == sorted(of(group)["snapshot_ids"])
    assert plugin.refusal("DeleteVolume", volume_id=sources[0])[0] == "FAILED_PRECONDITION"
    for _ in range(2):
        plugin("DeleteVolumeGroupSnapshot", **of(group))
    assert plugin.refusal("GetVolumeGroupSnapshot", **of(group))[0] == "NOT_FOUND"
    assert not plugin("ListSnapshots").entries
    again = take(plugin, sources)
    assert again.group_snapshot_id != group.group_snapshot_id
    plugin("DeleteVolumeGroupSnapshot", **of(again))


def test_a_label_makes_no_member(daemon: RealDaemon, plugin: Plugin, sources: list[str]) -> None:
    group = take(plugin, sources)
    daemon.client().create_snapshot("p", "source-0", "alone", labels={"group": group.group_snapshot_id})
    assert len(plugin("GetVolumeGroupSnapshot", **of(group)).group_snapshot.snapshots) == 2
    plugin("DeleteVolumeGroupSnapshot", **of(group))
    assert [each.name for each in daemon.client().snapshots("p", "source-0")] == ["alone"]


def test_what_does_not_fit_is_refused(daemon: RealDaemon, plugin: Plugin, sources: list[str]) -> None:
    group = take(plugin, sources)
    one = group.snapshots[0].snapshot_id
    assert plugin.refusal("DeleteSnapshot", snapshot_id=one)[0] == "INVALID_ARGUMENT"
    for call in ("GetVolumeGroupSnapshot", "DeleteVolumeGroupSnapshot"):
        asked = {"group_snapshot_id": group.group_snapshot_id, "snapshot_ids": [one]}
        assert plugin.refusal(call, **asked)[0] == "INVALID_ARGUMENT"
    refused: list[tuple[dict[str, Any], str]] = [
        ({"source_volume_ids": sources[:1], "name": "group"}, "ALREADY_EXISTS"),
        ({"source_volume_ids": [*sources, sources[0]], "name": "twice"}, "INVALID_ARGUMENT"),
        ({"source_volume_ids": [sources[0], "0" * 32], "name": "gone"}, "NOT_FOUND"),
        ({"source_volume_ids": sources, "name": "no", "parameters": {"a": "b"}}, "INVALID_ARGUMENT"),
    ]
    directory = make(plugin, "directory", MIB).volume_id
    refused += [({"source_volume_ids": [sources[0], directory], "name": "tree"}, "FAILED_PRECONDITION")]
    for fields, status in refused:
        assert plugin.refusal("CreateVolumeGroupSnapshot", **fields)[0] == status, fields
    assert plugin.refusal("CreateSnapshot", source_volume_id=sources[0], name="group")[0] == "ALREADY_EXISTS"
    daemon.client().change_snapshot("p", "source-1", "group", {"protected": True})
    assert plugin.refusal("DeleteVolumeGroupSnapshot", **of(group))[0] == "FAILED_PRECONDITION"
    assert len(plugin("ListSnapshots").entries) == 2


def test_a_device_in_use_has_no_moment_with_others(daemon: RealDaemon, plugin: Plugin, sources: list[str]) -> None:
    raw = make(plugin, "raw", MIB, block()).volume_id
    idle = take(plugin, [sources[0], raw], "idle")
    assert idle.ready_to_use
    staging, target = kubelet(daemon) / "s", str(kubelet(daemon) / "t")
    staging.mkdir()
    asked: dict[str, Any] = {"volume_id": raw, "staging_target_path": str(staging), "volume_capability": block()}
    plugin("NodeStageVolume", **asked)
    plugin("NodePublishVolume", **asked, target_path=target)
    status, why = plugin.refusal("CreateVolumeGroupSnapshot", name="used", source_volume_ids=[sources[0], raw])
    assert (status, "hold back" in why) == ("FAILED_PRECONDITION", True)
    assert {entry.snapshot.group_snapshot_id for entry in plugin("ListSnapshots").entries} == {idle.group_snapshot_id}
    plugin("NodeUnpublishVolume", volume_id=raw, target_path=target)


def test_what_was_written_in_order_is_taken_in_order(daemon: RealDaemon, plugin: Plugin, sources: list[str]) -> None:
    """One counts in the first volume, then in the second: at no moment is the second ahead, or two behind.

    There is so much in each that its copy takes longer than a count.
    """
    stop = threading.Event()

    def count(places: list[Path]) -> None:
        files = [os.open(place / "count", os.O_RDWR | os.O_CREAT, 0o600) for place in places]
        number = 0
        while not stop.is_set():
            number += 1
            for fd in files:
                os.pwrite(fd, b"%012d" % number, 0)
                os.fdatasync(fd)
        for fd in files:
            os.close(fd)

    groups = []
    with published(daemon, plugin, sources) as places:
        for place in places:
            (place / "much").write_bytes(os.urandom(32 * MIB))
        writer = threading.Thread(target=count, args=(places,))
        writer.start()
        try:
            wait_until((places[1] / "count").exists, "it counts")
            groups = [take(plugin, sources, f"group-{n}") for n in range(6)]
        finally:
            stop.set()
            writer.join()
    at = daemon.root / "snapshot"
    at.mkdir()
    found = []
    for number in range(len(groups)):
        counts = []
        for volume in ("source-0", "source-1"):
            mount = daemon.client().mount_snapshot("p", volume, f"group-{number}", str(at))
            assert mount
            counts.append(int((at / "count").read_bytes()))
            (view,) = [view for view in daemon.client().mounts() if view.path == str(at)]
            daemon.client().unmount(view)
        found.append(counts)
    assert all(second <= first <= second + 1 for first, second in found), found
    assert found[-1][0] > found[0][0]
    assert {snapshot.taken for snapshot in daemon.client().snapshots("p", "source-0")} == {"frozen"}


@pytest.mark.parametrize("at", ["child.take-group.before", "child.take-group.after", "volume.publish.after"])
def test_all_are_there_or_none_whenever_it_dies(
    daemon: RealDaemon, plugin: Plugin, sources: list[str], at: str
) -> None:
    """And nobody waits behind a freeze."""
    with published(daemon, plugin, sources) as places:
        daemon.arm(f"{at}:kill")
        assert plugin.refused("CreateVolumeGroupSnapshot", name="group", source_volume_ids=sources)
        daemon.ended()
        daemon.disarm()
        daemon.start()
        wait_until(lambda: len(plugin("ListSnapshots").entries) in (0, 2), "all or none")
        group = take(plugin, sources)
        assert len(plugin("ListSnapshots").entries) == 2
        for place in places:
            (place / "goes-on").write_text("on")
        plugin("DeleteVolumeGroupSnapshot", **of(group))
    assert daemon.client().audit() == []
