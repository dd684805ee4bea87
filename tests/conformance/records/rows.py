"""Rows to put into a database."""

from typing import Any

import msgspec

from holdfast.model.resources import (
    Pool,
    PoolSpec,
    PoolStatus,
    Snapshot,
    SnapshotSpec,
    SnapshotStatus,
    Volume,
    VolumeSpec,
    VolumeStatus,
)
from holdfast.records.operations import OperationRow


def pool(uid: str, name: str) -> Pool:
    """A pool."""
    return Pool(
        uid=uid,
        name=name,
        created=1.5,
        spec=PoolSpec(driver="dir", config={"source": "/p"}),
        status=PoolStatus(),
    )


def volume(uid: str, name: str, parent: str = "p", size: int = 1 << 30) -> Volume:
    """A volume."""
    spec = VolumeSpec(size=size, content="directory")
    return Volume(uid=uid, name=name, parent=parent, created=1.5, spec=spec, status=VolumeStatus())


def snapshot(uid: str, name: str, parent: str) -> Snapshot:
    """A snapshot of a volume."""
    spec = SnapshotSpec(size=1 << 30, content="directory")
    return Snapshot(uid=uid, name=name, parent=parent, created=1.5, spec=spec, status=SnapshotStatus())


def operation(op: str, **columns: Any) -> OperationRow:
    """A queued operation."""
    row = OperationRow(
        id=op, seq=0, kind="volume.create", member="m", state="queued", direction="forward", epoch=1,
        cursor=0, request="{}", ids="{}", ref_kind="volume", ref_uid="u", ref_path="p/v", actor="me",
        reason="", error="",
        created=1.5, ended=0.0, next_try=0.0, tries=0, allowance=86400.0, spent=0.0, cancel=0,
    )  # fmt: skip
    return msgspec.structs.replace(row, **columns)
