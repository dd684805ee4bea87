"""The two marks a dir pool writes: the pool's, and the one beside each volume's data. See docs/formats.md."""

import msgspec

from holdfast.model.ready import ready
from holdfast.model.resources import Content, FileSystem, Taken

POOL_MARK = "holdfast-pool.json"
OBJECT_MARK = "object.json"
VOLUMES = "volumes"
FORMAT = 1


class PoolMark(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`holdfast-pool.json`."""

    format: int
    pool: str
    owner: str
    counter: int


class ObjectMark(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """`object.json`; outside of what is mounted, so that a tenant cannot forge it.

    `grows` is the size that the disk has or gets while `size` is still what counts; 0 where it does not grow. `of` and
    `taken` are a snapshot's, and `group` is what it was taken with.
    """

    format: int
    owner: str
    uid: str
    name: str
    content: Content
    size: int
    fs: FileSystem | None
    fs_uuid: str | None
    operation: str
    grows: int = 0
    of: str = ""
    taken: Taken | None = None
    group: str = ""


ready(PoolMark, ObjectMark)


def encode(mark: PoolMark | ObjectMark) -> bytes:
    """JSON, readable by people."""
    return msgspec.json.format(msgspec.json.encode(mark), indent=1) + b"\n"
