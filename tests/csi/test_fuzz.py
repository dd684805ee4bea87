"""Requests of every kind, by the protocol's own description: none is a fault of ours, and nothing is left of any."""

import os
from collections.abc import Iterator
from typing import Any

import pytest
from google.protobuf import message_factory
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from holdfast.faces.csi.protocol import csi_pb2 as csi
from tests.csi.plugin import Plugin, kubelet, make, mounted, with_csi
from tests.daemon import RealDaemon, mounts_below, real_daemon, run
from tests.lingering import loops_below
from tests.needs import need_root

MOST = 10_000 if os.environ.get("HOLDFAST_PROOF") else 500
SERVICES = ("Identity", "Controller", "Node")
METHODS = [
    method
    for name in SERVICES
    for method in csi.DESCRIPTOR.services_by_name[name].methods
    if not method.server_streaming
]  # fmt: skip
# What a call can be answered with. Neither UNKNOWN nor INTERNAL is among them.
ALLOWED = {
    "OK", "INVALID_ARGUMENT", "NOT_FOUND", "ALREADY_EXISTS", "FAILED_PRECONDITION", "OUT_OF_RANGE", "ABORTED",
    "RESOURCE_EXHAUSTED", "UNIMPLEMENTED", "UNAVAILABLE",
}  # fmt: skip
NUMBERS = (0, 1, -1, 1 << 20, 2 << 20, 3, 4096, -(1 << 63), (1 << 63) - 1, 1 << 62)


class Ground:
    """A daemon with a volume, and the values that a request of it may have."""

    def __init__(self, daemon: RealDaemon) -> None:
        self.daemon = daemon
        self.plugin = Plugin(f"{daemon.run}/csi.sock")
        at = kubelet(daemon)
        (at / "staging").mkdir()
        (at / "file").touch()
        (at / "link").symlink_to("/etc")
        uid = make(self.plugin, "known", capability=mounted("ext4"), size=2 << 20).volume_id
        snapshot = self.plugin("CreateSnapshot", source_volume_id=uid, name="taken").snapshot.snapshot_id
        self.words = (
            "", uid, snapshot, "known", "taken", "p", "ext4", "xfs", "zfs", "0" * 32, "x" * 129, "x" * 5000, "a/b",
            "../x", "\0", "\u202e", "\n", "label.a", "pool", "content", "block", "directory", "noatime", "ro",
            self.plugin("NodeGetInfo").node_id, f"{at}/staging", f"{at}/target", f"{at}/file", f"{at}/link/x",
            f"{at}/nowhere/x", f"{at}/../etc", "/etc", str(at), str(daemon.pool), str(daemon.state),
        )  # fmt: skip


@pytest.fixture(scope="module")
def ground() -> Iterator[Ground]:
    need_root()
    with real_daemon() as daemon:
        with_csi(daemon).with_pool()
        found = Ground(daemon)
        yield found
        found.plugin.close()


def requests(described: Any, words: tuple[str, ...], depth: int = 0) -> st.SearchStrategy[Any]:
    """Messages of a kind, field by field, each there or not."""
    kind = message_factory.GetMessageClass(described)
    fields = {field.name: _values(field, words, depth) for field in described.fields}

    def built(values: dict[str, Any]) -> Any:
        message, one_of = kind(), set()
        for name, value in values.items():
            group = described.fields_by_name[name].containing_oneof
            if group is None or group.name not in one_of:
                one_of |= {group.name} if group else set()
                _set(message, described.fields_by_name[name], value)
        return message

    return st.fixed_dictionaries({}, optional=fields).map(built)


def _set(message: Any, field: Any, value: Any) -> None:
    if isinstance(value, list | dict):
        getattr(message, field.name).extend(value) if isinstance(value, list) else getattr(message, field.name).update(
            value
        )
    elif field.message_type is not None:
        getattr(message, field.name).CopyFrom(value)
    else:
        setattr(message, field.name, value)


def _values(field: Any, words: tuple[str, ...], depth: int) -> st.SearchStrategy[Any]:
    text = st.sampled_from(words) | st.text(max_size=20).filter(lambda text: text.isprintable())
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        return st.dictionaries(text, text, max_size=3)
    one: st.SearchStrategy[Any]
    if field.message_type is not None:
        one = requests(field.message_type, words, depth + 1) if depth < 5 else st.nothing()
    elif field.enum_type is not None:
        one = st.sampled_from([value.number for value in field.enum_type.values])
    elif field.cpp_type == field.CPPTYPE_STRING:
        one = st.binary(max_size=20) if field.type == field.TYPE_BYTES else text
    elif field.cpp_type == field.CPPTYPE_BOOL:
        one = st.booleans()
    else:
        most = 1 << (31 if field.cpp_type in (field.CPPTYPE_INT32, field.CPPTYPE_UINT32) else 63)
        one = st.sampled_from([number for number in NUMBERS if -most <= number < most])
    return st.lists(one, max_size=3) if _repeats(field) else one


def _repeats(field: Any) -> bool:
    repeated = getattr(field, "is_repeated", None)
    return bool(repeated if repeated is not None else field.label == field.LABEL_REPEATED)


def test_no_request_meets_a_fault_of_ours_and_nothing_is_left_of_them(ground: Ground) -> None:
    asked: dict[str, int] = {}

    @settings(max_examples=MOST, deadline=None, suppress_health_check=list(HealthCheck), derandomize=False)
    @given(st.sampled_from(METHODS).flatmap(lambda m: st.tuples(st.just(m), requests(m.input_type, ground.words))))
    def tried(drawn: tuple[Any, Any]) -> None:
        method, request = drawn
        status, said = ground.plugin.status(method.name, request=request)
        asked[status] = asked.get(status, 0) + 1
        assert status in ALLOWED, f"{method.name}: {status} {said}\n{request}"

    tried()
    assert asked.get("OK", 0) > MOST / 20
    assert asked.get("INVALID_ARGUMENT", 0) > MOST / 20
    _swept(ground)


def _swept(ground: Ground) -> None:
    daemon, plugin = ground.daemon, ground.plugin
    daemon.settle()
    client = daemon.client()
    for mount in client.mounts():
        client.unmount(mount)
    while page := plugin("ListSnapshots").entries:
        for entry in page:
            plugin("DeleteSnapshot", snapshot_id=entry.snapshot.snapshot_id)
    while entries := plugin("ListVolumes").entries:
        for entry in entries:
            plugin("ControllerUnpublishVolume", volume_id=entry.volume.volume_id)
            plugin("DeleteVolume", volume_id=entry.volume.volume_id)
    at = kubelet(daemon)
    assert mounts_below(at) == [str(at)]
    assert sorted(os.listdir(at)) == ["file", "link", "staging"]
    assert loops_below(daemon.pool) == []
    assert client.audit() == []
    assert run("find", daemon.pool / "volumes", "-mindepth", "1").stdout == ""
