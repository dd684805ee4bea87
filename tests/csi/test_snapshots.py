"""Snapshots and clones by CSI: a name is one of all volumes, and what is made of another holds what it did."""

from typing import Any

import pytest

from tests.csi.plugin import Plugin, kubelet, make, mounted
from tests.daemon import RealDaemon

MIB = 1 << 20


@pytest.fixture
def source(daemon: RealDaemon, plugin: Plugin) -> str:
    """A volume with a file; its id."""
    uid: str = make(plugin, "source", 2 * MIB, mounted("ext4")).volume_id
    _with_file(daemon, plugin, uid, b"one")
    return uid


def _with_file(daemon: RealDaemon, plugin: Plugin, uid: str, content: bytes | None) -> bytes:
    """What is in its file; written first, if something is given."""
    staging, target = kubelet(daemon) / "s", kubelet(daemon) / "t"
    staging.mkdir(exist_ok=True)
    asked: dict[str, Any] = {"volume_id": uid, "staging_target_path": str(staging)}
    plugin("NodeStageVolume", **asked, volume_capability=mounted("ext4"))
    plugin("NodePublishVolume", **asked, target_path=str(target), volume_capability=mounted("ext4"))
    if content is not None:
        (target / "file").write_bytes(content)
    found = (target / "file").read_bytes()
    plugin("NodeUnpublishVolume", volume_id=uid, target_path=str(target))
    plugin("NodeUnstageVolume", **asked)
    return found


def test_a_snapshot_is_taken_once_for_a_name_and_gone_once(plugin: Plugin, source: str) -> None:
    taken = [plugin("CreateSnapshot", source_volume_id=source, name="taken").snapshot for _ in range(2)]
    assert taken[0] == taken[1]
    assert (taken[0].source_volume_id, taken[0].ready_to_use, taken[0].size_bytes) == (source, True, 2 * MIB)
    assert abs(taken[0].creation_time.seconds) > 1_600_000_000
    assert plugin("GetSnapshot", snapshot_id=taken[0].snapshot_id).snapshot == taken[0]
    other = make(plugin, "other").volume_id
    assert plugin.refusal("CreateSnapshot", source_volume_id=other, name="taken")[0] == "ALREADY_EXISTS"
    assert plugin.refusal("DeleteVolume", volume_id=source)[0] == "FAILED_PRECONDITION"
    for _ in range(2):
        plugin("DeleteSnapshot", snapshot_id=taken[0].snapshot_id)
    assert plugin.refusal("GetSnapshot", snapshot_id=taken[0].snapshot_id)[0] == "NOT_FOUND"
    plugin("DeleteVolume", volume_id=source)


def test_what_is_made_of_a_snapshot_or_a_volume_holds_what_it_did(
    daemon: RealDaemon, plugin: Plugin, source: str
) -> None:
    snapshot = plugin("CreateSnapshot", source_volume_id=source, name="taken").snapshot.snapshot_id
    _with_file(daemon, plugin, source, b"two")
    ways = {
        b"one": {"snapshot": {"snapshot_id": snapshot}},
        b"two": {"volume": {"volume_id": source}},
    }
    for number, (content, way) in enumerate(ways.items()):
        asked = {"capability": mounted("ext4"), "size": 2 * MIB, "volume_content_source": way}
        made = make(plugin, f"clone-{number}", **asked)
        assert make(plugin, f"clone-{number}", **asked) == made
        assert made.content_source.WhichOneof("type") in way
        assert _with_file(daemon, plugin, made.volume_id, None) == content
        assert plugin.refusal(
            "CreateVolume", name=f"clone-{number}", volume_capabilities=[mounted("ext4")],
            capacity_range={"required_bytes": 2 * MIB},
        )[0] == "ALREADY_EXISTS"  # fmt: skip
    plugin("DeleteSnapshot", snapshot_id=snapshot)
    asked = {"capability": mounted("ext4"), "size": 2 * MIB, "volume_content_source": ways[b"one"]}
    assert make(plugin, "clone-0", **asked).volume_id
    with_source = {"volume_capabilities": [mounted("ext4")], "volume_content_source": ways[b"one"]}
    assert plugin.refusal("CreateVolume", name="late", **with_source)[0] == "NOT_FOUND"


def test_a_clone_is_as_its_source_or_refused(plugin: Plugin, source: str) -> None:
    of: dict[str, Any] = {"volume_content_source": {"volume": {"volume_id": source}}}
    refusals: list[tuple[dict[str, Any], str]] = [
        ({"volume_capabilities": [mounted("xfs")]}, "INVALID_ARGUMENT"),
        ({"volume_capabilities": [mounted()], "parameters": {"content": "directory"}}, "INVALID_ARGUMENT"),
        ({"volume_capabilities": [mounted()], "capacity_range": {"limit_bytes": MIB}}, "OUT_OF_RANGE"),
        ({"volume_capabilities": [mounted()], "volume_content_source": {}}, "INVALID_ARGUMENT"),
        ({"volume_capabilities": [mounted()], "volume_content_source": {"volume": {"volume_id": "x"}}}, "NOT_FOUND"),
    ]
    for asked, status in refusals:
        assert plugin.refusal("CreateVolume", **{"name": "clone", **of, **asked})[0] == status, asked
    assert len(plugin("ListVolumes").entries) == 1


def test_snapshots_are_listed_page_by_page_of_all_or_one(plugin: Plugin, source: str) -> None:
    other = make(plugin, "other").volume_id
    made = {
        plugin("CreateSnapshot", source_volume_id=each, name=f"{number}-{each[:4]}").snapshot.snapshot_id: each
        for each in (source, other)
        for number in range(3)
    }
    found, token = [], ""
    while True:
        page = plugin("ListSnapshots", max_entries=2, starting_token=token)
        found += [each.snapshot.snapshot_id for each in page.entries]
        token = page.next_token
        if not token:
            break
    assert sorted(found) == sorted(made)
    of_one = plugin("ListSnapshots", source_volume_id=other).entries
    assert {each.snapshot.snapshot_id for each in of_one} == {uid for uid, of in made.items() if of == other}
    for nothing in (
        {"snapshot_id": "x"},
        {"source_volume_id": "x"},
        {"snapshot_id": found[0], "source_volume_id": "y"},
    ):
        assert not plugin("ListSnapshots", **nothing).entries
    assert plugin.refusal("ListSnapshots", starting_token="nonsense")[0] == "ABORTED"  # noqa: S106 - of a page


def test_labels_are_changed_by_mutable_parameters(daemon: RealDaemon, plugin: Plugin) -> None:
    uid = make(plugin, mutable_parameters={"label.tier": "gold"}).volume_id
    for _ in range(2):
        plugin("ControllerModifyVolume", volume_id=uid, mutable_parameters={"label.tier": "silver", "label.of": "x"})
    assert daemon.client().volume("p", "pvc-1").labels == {"tier": "silver", "of": "x"}
    wrong = {"volume_id": uid, "mutable_parameters": {"tier": "x"}}
    assert plugin.refusal("ControllerModifyVolume", **wrong)[0] == "INVALID_ARGUMENT"


def test_a_volume_is_given_to_the_node_once_and_deleted_when_it_was_taken_back(plugin: Plugin) -> None:
    uid, node = make(plugin).volume_id, plugin("NodeGetInfo").node_id
    asked = {"volume_id": uid, "volume_capability": mounted(), "node_id": node}
    for _ in range(2):
        plugin("ControllerPublishVolume", **asked)
    assert plugin.refusal("ControllerPublishVolume", **asked, readonly=True)[0] == "ALREADY_EXISTS"
    assert plugin.refusal("ControllerPublishVolume", **{**asked, "node_id": "x"})[0] == "NOT_FOUND"
    assert plugin("ControllerGetVolume", volume_id=uid).status.published_node_ids == [node]
    assert plugin("ListVolumes").entries[0].status.published_node_ids == [node]
    assert plugin.refusal("DeleteVolume", volume_id=uid)[0] == "FAILED_PRECONDITION"
    for _ in range(2):
        plugin("ControllerUnpublishVolume", volume_id=uid, node_id=node)
    plugin("DeleteVolume", volume_id=uid)
