"""What is written beside a volume on the array: tags in a namespace of ours, which copies of the volume do not inherit.

A name shows whose an object may be; the tags prove it, and hold what a record would need if it were lost. They name the
array's own id of the volume, so that they prove nothing of another one that got its name.
"""

from typing import Any, Literal

import msgspec

from holdfast.drivers.contract import PoolRef, VolumeFacts, VolumeRef
from holdfast.model.resources import Content, FileSystem, Taken

NAMESPACE = "holdfast"
Item = dict[str, Any]


class Tags(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """All of them. `state` is blank until the volume bears its file system; then, and without one, whole.

    `of` and `taken` are a snapshot's: see `VolumeFacts`.
    """

    owner: str
    uid: str
    operation: str
    name: str
    content: Content
    fs: FileSystem | Literal[""]
    fs_uuid: str
    id: str
    state: Literal["blank", "whole"]
    of: str = ""
    taken: Taken | Literal[""] = ""


def of(pool: PoolRef, volume: VolumeRef, operation: str, item: Item, taken: Taken | None = None) -> Tags:
    """For a volume that was just made."""
    return Tags(
        pool.owner, volume.uid, operation, volume.name, volume.content, volume.fs or "", volume.fs_uuid or "",
        item["id"], "blank" if volume.fs else "whole", volume.of, taken or "",
    )  # fmt: skip


def written(tags: dict[str, str]) -> list[Item]:
    """As the array takes them."""
    return [
        {"namespace": NAMESPACE, "key": key, "value": value, "copyable": False} for key, value in sorted(tags.items())
    ]


def read(items: list[Item], volume: str) -> Tags | str | None:
    """Those of a volume, by its whole name; None if it has none, and why they are none of ours in words."""
    found = {str(each["key"]): str(each["value"]) for each in items if each["resource"]["name"] == volume}
    if not found:
        return None
    try:
        return msgspec.convert(found, Tags)
    except msgspec.ValidationError as error:
        return f"the tags of {volume} are damaged: {error}"


def owner(said: dict[str, list[Item]], item: Item) -> str:
    """Whose a volume or mark is by its tags, of all that are `said` by name; empty if they are none of its own."""
    found = {str(each["key"]): str(each["value"]) for each in said.get(str(item["name"]), [])}
    return found.get("owner", "") if found.get("id") == item["id"] else ""


def facts(tags: Tags, item: Item) -> VolumeFacts:
    """What a look tells of a volume that proved to be ours."""
    return VolumeFacts(
        tags.name, int(item["provisioned"]), tags.content, tags.fs or None, tags.fs_uuid or None, tags.operation,
        blank=tags.state == "blank", identity=identity(item), of=tags.of, taken=tags.taken or None,
    )  # fmt: skip


def identity(item: Item) -> dict[str, str]:
    """The array's own of a volume."""
    return {"id": str(item["id"]), "serial": str(item["serial"])}
