"""Every released request and step has a golden file: what a journal holds must be read by all later versions.

A failure here means that journals in the field would be misread. Do not edit the golden file of a released
tag: give the changed meaning a new tag (mount.2), keep the old class, and add a golden file for the new one.
"""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from holdfast.drivers.contract import PoolRef, VolumeRef
from holdfast.engine.codec import encode
from holdfast.engine.request import Request
from holdfast.model.resources import Grant
from holdfast.model.step import Step
from holdfast.operations.attachment.mount import MountRestore, VolumeMount
from holdfast.operations.attachment.release import DeviceRelease
from holdfast.operations.attachment.unmount import VolumeUnmount
from holdfast.operations.connection.cut import ConnectionCut
from holdfast.operations.pool.adopt import PoolAdopt
from holdfast.operations.pool.change import PoolChange
from holdfast.operations.pool.create import PoolCreate
from holdfast.operations.pool.delete import PoolDelete
from holdfast.operations.pool.forget import PoolForget
from holdfast.operations.pool.import_ import PoolImport
from holdfast.operations.pool.recover import PoolRecover
from holdfast.operations.registry import REQUESTS, STEPS, codec
from holdfast.operations.snapshot.change import SnapshotChange
from holdfast.operations.snapshot.create import SnapshotCreate
from holdfast.operations.snapshot.delete import SnapshotDelete
from holdfast.operations.snapshot.group import GroupCreate
from holdfast.operations.snapshot.mount import SnapshotMount
from holdfast.operations.snapshot.rename import SnapshotRename
from holdfast.operations.snapshot.restore import SnapshotRestore
from holdfast.operations.volume.check import VolumeCheck
from holdfast.operations.volume.clone import VolumeClone
from holdfast.operations.volume.create import VolumeCreate
from holdfast.operations.volume.delete import VolumeDelete
from holdfast.operations.volume.grant import VolumeGrant
from holdfast.operations.volume.label import VolumeLabel
from holdfast.operations.volume.rename import VolumeRename
from holdfast.operations.volume.resize import VolumeResize
from holdfast.operations.volume.trim import VolumeTrim

FILES = Path(__file__).parent
UID = "0123456789abcdef0123456789abcdef"
PLACE = PoolRef(UID, "owner-uid", "dir", {"source": "/srv/pool"}, {"inode": "2", "born": "1700000000"})
WHAT = VolumeRef("volume-uid", "data", 1 << 30, "filesystem", "ext4", "fs-uuid")
CONNECTED = VolumeRef("volume-uid", "data", 1 << 30, "filesystem", "ext4", "fs-uuid", {"id": "1", "serial": "2"})
TAKEN = VolumeRef("snapshot-uid", "monday", 1 << 30, "filesystem", "ext4", "fs-uuid", of="volume-uid")

STEP: dict[str, Any] = {**codec().steps}

INSTANCES: tuple[Request | Step, ...] = (
    PoolCreate(name="p", driver="dir", config={"source": "/srv/pool"}, limit=1 << 40, place="/srv/pool"),
    PoolDelete(name="p"),
    PoolForget(name="p"),
    PoolAdopt(name="p", uids=(UID,)),
    PoolRecover(name="p", uid=UID, called="v", of=UID, size=1 << 30),
    PoolImport(
        name="p",
        config={"source": "/srv/pool"},
        labels={"tier": "fast"},
        take_over=True,
        uid=UID,
        owner="another-uid",
        counter=7,
        place="/srv/pool",
    ),
    VolumeCreate(pool="p", name="v", size=1 << 30, content="filesystem", fs="ext4"),
    VolumeDelete(pool="p", name="v"),
    VolumeRename(pool="p", name="v", new_name="w"),
    VolumeMount(pool="p", name="v", path="/mnt/v", read_only=True),
    VolumeUnmount(path="/mnt/v", attachment=UID),
    MountRestore(attachment=UID),
    DeviceRelease(volume=UID),
    PoolChange(name="p", limit=1 << 40, labels={"tier": "fast", "old": None}),
    VolumeGrant(pool="p", name="v", to=Grant("member-uid", True)),
    VolumeLabel(pool="p", name="v", labels={"app": "db", "old": None}, if_match='"v.1"'),
    VolumeCheck(pool="p", name="v"),
    VolumeTrim(pool="p", name="v"),
    VolumeClone(pool="p", source="v", snapshot="s", name="w", labels={"app": "db"}, to="q", size=1 << 31),
    VolumeResize(pool="p", name="v", size=1 << 31),
    ConnectionCut(pool="p", name="v", host="esx-17"),
    SnapshotCreate(pool="p", volume="v", name="s", labels={"app": "db"}, protected=True, lifetime=86400.0),
    GroupCreate(pool="p", volumes=("v", "w"), name="s"),
    SnapshotRename(pool="p", volume="v", name="s", new_name="t"),
    SnapshotChange(pool="p", volume="v", name="s", labels={"app": "db", "old": None}, protected=False, lifetime=3600.0),
    SnapshotMount(pool="p", volume="v", name="s", path="/mnt/s"),
    SnapshotRestore(pool="p", volume="v", name="s"),
    SnapshotDelete(pool="p", volume="v", name="s", if_match='"s.1"'),
    STEP["pool-make.1"](PLACE),
    STEP["pool-remove.1"](PLACE),
    STEP["hosts-gone.1"](PLACE, "member-uid"),
    STEP["group-take.1"](PLACE, (WHAT,), (TAKEN,)),
    STEP["volume-make.1"](PLACE, WHAT),
    STEP["volume-remove.1"](PLACE, WHAT),
    STEP["volume-rename.1"](PLACE, WHAT, "w"),
    STEP["loop-attach.1"](PLACE, WHAT, True),
    STEP["loop-detach.1"](PLACE, WHAT, True),
    STEP["mount.1"](PLACE, WHAT, "/mnt/v", True),
    STEP["unmount.1"](PLACE, WHAT, "/mnt/v", True),
    STEP["paths-free.1"](("/mnt/a",)),
    STEP["devices-free.1"]((UID,)),
    STEP["devices-gone.1"](PLACE, (CONNECTED,)),
    STEP["volume-checked.1"](PLACE, WHAT),
    STEP["volume-trimmed.1"](PLACE, WHAT, "/mnt/v"),
    STEP["volume-connect.1"](PLACE, CONNECTED, "member-uid"),
    STEP["volume-disconnect.1"](PLACE, CONNECTED, "member-uid", True),
    STEP["device-appear.1"](PLACE, CONNECTED),
    STEP["device-gone.1"](PLACE, CONNECTED, True),
    STEP["volume-format.1"](PLACE, CONNECTED),
    STEP["volume-resized.1"](PLACE, WHAT, 1 << 31),
    STEP["device-grown.1"](PLACE, CONNECTED, 1 << 31),
    STEP["file-system-grown.1"](PLACE, CONNECTED, 1 << 31),
    STEP["loop-grown.1"](PLACE, WHAT, size=1 << 31),
    STEP["volume-copy.1"](PLACE, WHAT, TAKEN, PLACE),
    STEP["restore-staged.1"](PLACE, WHAT, TAKEN),
    STEP["restore-swapped.1"](PLACE, WHAT, TAKEN),
    STEP["restore-tidied.1"](PLACE, WHAT),
    STEP["copy-settled.1"](PLACE, CONNECTED),
    STEP["copy-resized.1"](PLACE, WHAT, 2 << 30),
    STEP["pool-taken-over.1"](PLACE, "another-uid"),
    STEP["pool-read.1"](PLACE),
    STEP["pool-recovered.1"](PLACE, UID, "v", "w", True),
    STEP["connection-gone.1"](PLACE, CONNECTED, "hf-a-b"),
    STEP["point-made.1"]("/mnt/v", True),
    STEP["point-removed.1"]("/mnt/v", False),
)


def _tag(value: Request | Step | type[Request | Step]) -> str:
    return str(value.__struct_config__.tag)


def _name(value: Request | Step) -> str:
    return ("request." if isinstance(value, Request) else "step.") + _tag(value) + ".json"


def test_every_request_and_step_has_an_instance_here() -> None:
    here = {(isinstance(value, Request), _tag(value)) for value in INSTANCES}
    registered = {(True, _tag(kind)) for kind in REQUESTS} | {(False, _tag(kind)) for kind in STEPS}
    assert here == registered, "a new request or step needs an instance and a golden file here; an old one never goes"


def test_no_golden_file_lost_its_class() -> None:
    """A released tag that the code forgets would park what old journals hold of it."""
    assert {path.name for path in FILES.glob("*.json")} == {_name(value) for value in INSTANCES}


@pytest.mark.parametrize("value", INSTANCES, ids=_name)
def test_the_encoding_is_the_golden_one(value: Request | Step) -> None:
    path = FILES / _name(value)
    encoded = msgspec.json.format(encode(value), indent=1)
    assert path.exists(), f"{path.name} is missing; a new tag needs it, with:\n{encoded}"
    assert path.read_text() == encoded + "\n", f"a changed meaning of {_tag(value)} is a new tag"


@pytest.mark.parametrize("value", INSTANCES, ids=_name)
def test_the_golden_file_is_read_as_what_it_meant(value: Request | Step) -> None:
    text = (FILES / _name(value)).read_text()
    known = codec()
    assert (known.request(text) if isinstance(value, Request) else known.step(text)) == value
