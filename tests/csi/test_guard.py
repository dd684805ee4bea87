"""What stands around every call: required fields, secrets out of logs, counts, the operation's id; and the start."""

import contextlib
from collections.abc import Iterator

import pytest

from holdfast.faces.csi.errors import STATUS, status_of
from holdfast.faces.csi.guard import is_secret, stripped
from holdfast.faces.csi.protocol import csi_pb2 as csi
from holdfast.faces.csi.required import REQUIRED, missing
from holdfast.model import errors
from tests.csi.plugin import Plugin, kubelet, make, mounted, room, with_csi
from tests.daemon import RealDaemon, real_daemon, run
from tests.needs import need_root

SECRET = "correct-horse-battery-staple"  # noqa: S105 - nobody's


@pytest.fixture
def loud() -> Iterator[RealDaemon]:
    """A daemon that logs all it does."""
    need_root()
    with real_daemon() as found:
        with_csi(found, 'log.level = "debug"').with_pool()
        yield found


def test_secrets_are_in_no_log_and_each_line_has_its_operation(loud: RealDaemon) -> None:
    with contextlib.closing(Plugin(f"{loud.run}/csi.sock")) as plugin:
        uid = make(plugin, secrets={"password": SECRET}).volume_id
        staging = kubelet(loud) / "staging"
        staging.mkdir()
        plugin(
            "NodeStageVolume", volume_id=uid, staging_target_path=str(staging), volume_capability=mounted(),
            secrets={"key": SECRET},
        )  # fmt: skip
        plugin.refusal("NodeStageVolume", volume_id="nobody", secrets={"key": SECRET})
    log = loud.log.read_text()
    assert SECRET not in log
    calls = [line for line in log.splitlines() if 'event="a call of CSI"' in line]
    assert {"CreateVolume", "NodeStageVolume"} <= {part for line in calls for part in _value(line, "call")}
    ops = {op.id for op in loud.client().operations()}
    for call in ("CreateVolume", "NodeStageVolume"):
        (done,) = (line for line in calls if _value(line, "call") == [call] and _value(line, "status") == ["OK"])
        assert set(_value(done, "operation")) <= ops
        assert "(secret)" in done


def _value(line: str, key: str) -> list[str]:
    return [part.partition("=")[2].strip('"') for part in line.split() if part.startswith(f"{key}=")]


def test_a_secret_is_stripped_by_its_mark_wherever_it_is() -> None:
    asked = csi.NodeStageVolumeRequest(volume_id="v", secrets={"a": SECRET}, volume_context={"a": "kept"})
    assert SECRET not in str(stripped(asked))
    assert "kept" in str(stripped(asked))
    assert asked.secrets["a"] == SECRET
    marked = [
        field.name
        for message in csi.DESCRIPTOR.message_types_by_name.values()
        for field in message.fields
        if is_secret(field)
    ]
    assert len(marked) > 10
    assert set(marked) == {"secrets"}


def test_calls_are_counted_by_their_status(loud: RealDaemon) -> None:
    with contextlib.closing(Plugin(f"{loud.run}/csi.sock")) as plugin:
        make(plugin)
        plugin.refusal("CreateVolume", name="")
    told = run("curl", "-s", "--unix-socket", f"{loud.run}/holdfast.sock", "http://x/metrics").stdout
    assert 'holdfast_csi_seconds_count{call="CreateVolume",status="OK"} 1.0' in told
    assert 'holdfast_csi_seconds_count{call="CreateVolume",status="INVALID_ARGUMENT"} 1.0' in told


def test_each_required_field_is_one_and_its_lack_is_told() -> None:
    for name, fields in REQUIRED.items():
        kind = getattr(csi, name)
        assert missing(kind()) == fields[0]
        for field in fields:
            assert field in kind.DESCRIPTOR.fields_by_name


def test_every_error_of_ours_has_a_status_and_none_is_unknown() -> None:
    kinds = [
        kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.HoldfastError)
    ]
    answered = {status_of(kind("x")).name for kind in kinds if any(base in STATUS for base in kind.__mro__)}
    assert not answered & {"UNKNOWN", "OK", "INTERNAL"}


def test_an_unset_message_is_told_from_an_empty_one() -> None:
    asked = csi.ControllerExpandVolumeRequest(volume_id="v")
    assert missing(asked) == "capacity_range"
    asked.capacity_range.SetInParent()
    assert missing(asked) == ""
    assert room() == csi.CapacityRange()


@pytest.mark.parametrize(("broken", "said"), [("private", "is not a shared mount"), ("gone", "cannot be used")])
def test_without_a_shared_directory_of_the_kubelet_it_does_not_start(broken: str, said: str) -> None:
    need_root()
    with real_daemon() as daemon:
        with_csi(daemon)
        if broken == "private":
            run("mount", "--make-private", kubelet(daemon))
        else:
            run("umount", kubelet(daemon))
            kubelet(daemon).rmdir()
        daemon.launch()
        assert daemon.ended() != 0
        assert said in daemon.log.read_text()
        assert "csi.kubelet" in daemon.log.read_text() or "make-shared" in daemon.log.read_text()
