"""All that is in a pod: what it is, whose, and what of it can be discarded or recorded again."""

from collections.abc import Iterator
from typing import Any, Literal

from holdfast.drivers.contract import Item, PoolRef, VolumeFacts, VolumeRef
from holdfast.drivers.flasharray import names, tags
from holdfast.drivers.flasharray.options import read
from holdfast.drivers.flasharray.pools import until
from holdfast.drivers.flasharray.seeing import Seeing
from holdfast.drivers.flasharray.session import Rejected
from holdfast.drivers.flasharray.volumes import Volumes
from holdfast.model.errors import Again, Foreign


class Inventory:
    """See `Driver`."""

    def __init__(self, seeing: Seeing, volumes: Volumes) -> None:
        self._seeing = seeing
        self._volumes = volumes

    def items(self, pool: PoolRef) -> Iterator[Item]:
        """Every page of volumes and of tags, in a pod that proved to be the pool's."""
        items, said = self._seeing.listed(pool)
        for item in items:
            if names.parse_mark(item["name"]) is None:
                yield self._listed(pool, item, tags.read(said.get(item["name"], []), item["name"]))

    @staticmethod
    def _listed(pool: PoolRef, item: dict[str, Any], said: tags.Tags | str | None) -> Item:
        name = item["name"]
        named = names.parse(name)
        if named is None or named.installation != names.installation(pool.owner):
            if item["destroyed"] and not read(pool.config).after_delete:  # else it hinders the pod's own erasing
                return Item("kept", "", name, note=f"destroyed, and kept by the array{until(item)}")
            return Item("foreign", "", name)
        operation = said.operation if isinstance(said, tags.Tags) else ""
        if item["destroyed"]:
            note = f"destroyed, and kept by the array{until(item)}"
            kind: Literal["removing", "kept"] = "removing" if read(pool.config).after_delete else "kept"
            if isinstance(said, tags.Tags) and _is_whole(pool, named.uid, item, said):
                size = int(item["provisioned"])
                return Item(kind, named.uid, name, operation, note, True, said.name, size, said.of)
            return Item(kind, named.uid, name, operation, note)
        if said is None or (isinstance(said, tags.Tags) and said.state == "blank"):
            return Item("unfinished", named.uid, name, operation)
        return Item("volume", named.uid, name)

    def discard(self, pool: PoolRef, item: Item) -> bool:
        """What is unfinished or half removed still, and has no device on this machine."""
        if item.kind not in ("unfinished", "removing") or not item.uid:
            raise Foreign(f"{item.where} is not unfinished.")
        volume = VolumeRef(item.uid, "", 0, "block")
        found = self._seeing.volume(pool, volume)
        if found is None:
            return True
        if not found.destroyed and (item.kind == "removing" or (found.tags and found.tags.state == "whole")):
            raise Foreign(f"{found.name} is whole by now.")
        if found.tags is not None and found.tags.operation != item.operation:
            raise Foreign(f"{found.name} is another operation's by now.")
        return self._volumes.step(pool, volume, found, None)

    def objects(self, pool: PoolRef) -> Iterator[tuple[str, VolumeFacts]]:
        """See `Driver.objects`: by tags that prove the volume of their name and id."""
        items, said = self._seeing.listed(pool)
        for item in items:
            named, found = names.parse(item["name"]), tags.read(said.get(item["name"], []), item["name"])
            if named is None or item["destroyed"] or not isinstance(found, tags.Tags):
                continue
            if _is_whole(pool, named.uid, item, found):
                yield named.uid, tags.facts(found, item)

    def recover(self, pool: PoolRef, uid: str) -> None:
        """See `Driver.recover`: what its name, its id and its tags still prove to be whole and ours."""
        what = VolumeRef(uid, "", 0, "block")
        found = self._seeing.volume(pool, what)
        if found is None:
            raise Again(f"The array shows nothing of {uid}.")
        if found.tags is None or found.tags.state != "whole":
            raise Foreign(f"{found.name} was never whole.")
        try:
            query = {"ids": found.item["id"]}
            self._seeing.session(pool).change("recover", "PATCH", "volumes", query, {"destroyed": False})
        except Rejected as error:  # it was there already, or it is erased: the next look tells
            raise Again(f"{found.name} cannot be recovered: {error.detail}") from error

    def bury(self, pool: PoolRef, uid: str) -> bool:
        """See `Driver.bury`."""
        what = VolumeRef(uid, "", 0, "block")
        found = self._seeing.volume(pool, what)
        return found is None or self._volumes.destroy(pool, what, found, None)


def _is_whole(pool: PoolRef, uid: str, item: dict[str, Any], said: tags.Tags) -> bool:
    """Whether the tags prove the volume of that name and id to be whole, and the pool's owner's."""
    return (said.owner, said.uid, said.id, said.state) == (pool.owner, uid, item["id"], "whole")
