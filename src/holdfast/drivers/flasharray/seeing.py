"""Looking at a pod: its mark, its volumes, and what each answer proves. One request shows the mark and a volume."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import msgspec

from holdfast.drivers.contract import Absent, ForeignObject, Observation, PoolRef, Present, Unknown, VolumeRef
from holdfast.drivers.flasharray import names, tags
from holdfast.drivers.flasharray.options import Options, read
from holdfast.drivers.flasharray.session import Items, Rejected, Session
from holdfast.drivers.flasharray.tags import Tags
from holdfast.model.errors import Again, Foreign, HoldfastError

F = TypeVar("F")
Item = dict[str, Any]


class NotMarked(Again):
    """The pod bears no mark."""


class Volume(msgspec.Struct, frozen=True):
    """A volume under one of our names: what the array shows of it, and its tags (None: none yet)."""

    item: Item
    tags: Tags | None

    @property
    def name(self) -> str:
        """Its whole name."""
        return str(self.item["name"])

    @property
    def destroyed(self) -> bool:
        """Whether it only waits to be erased."""
        return bool(self.item["destroyed"])


def observing(look: Callable[[], Observation[F]]) -> Observation[F]:
    """What the look answers, or what its failure means: never an absence."""
    try:
        return look()
    except Foreign as error:
        return ForeignObject(error.detail)
    except HoldfastError as error:
        return Unknown(error.detail)


class Seeing:
    """`sessions` gives the one for a pool's options."""

    def __init__(self, sessions: Callable[[Options], Session]) -> None:
        self._sessions = sessions

    def session(self, pool: PoolRef) -> Session:
        """To the pool's array."""
        return self._sessions(read(pool.config))

    def array(self, pool: PoolRef) -> str:
        """The id of the array that answers."""
        items = self.session(pool).get("arrays")
        if len(items) != 1:
            raise Again(f"The array shows {len(items)} arrays.")
        return str(items[0]["id"])

    def pod(self, pool: PoolRef) -> Item | None:
        """The pod of the pool's name, whoever made it."""
        name = read(pool.config).pod
        items = [item for item in self.session(pool).get("pods", filter=f"name='{name}'") if item["name"] == name]
        return items[0] if items else None

    def marked(self, pool: PoolRef, *wanted: str) -> tuple[Item, Items]:
        """The pool's mark, and the volumes of the `wanted` names; raise NotMarked, Foreign or Again."""
        options = read(pool.config)
        patterns = [f"{options.pod}::hfp-*", *wanted]
        found = self.session(pool).get("volumes", filter=" or ".join(f"name='{text}'" for text in patterns))
        marks = [item for item in found if names.parse_mark(item["name"]) is not None]
        return self._mark(pool, marks), [item for item in found if item["name"] in wanted]

    def _mark(self, pool: PoolRef, marks: Items) -> Item:
        pod, own = read(pool.config).pod, names.installation(pool.owner)
        said = [(named, item) for item in marks if (named := names.parse_mark(item["name"])) is not None]
        for named, item in said:
            if (named.installation, named.uid) != (own, pool.uid):
                raise Foreign(f"The pod {pod} is another pool's: it bears the mark {item['name']}.")
        if not said:
            raise NotMarked(f"The pod {pod} bears no mark of ours, so nothing in it is believed.")
        if len(said) > 1:
            raise Again(f"The pod {pod} bears {len(said)} marks.")
        item = said[0][1]
        recorded = pool.identity.get("pod")
        if recorded and (item.get("pod") or {}).get("id") != recorded:
            raise Foreign(f"The pod {pod} is another one than the recorded: its id is not {recorded}.")
        return item

    def volume(self, pool: PoolRef, volume: VolumeRef) -> Volume | None:
        """Under the volume's name, if it is ours or may be; raise Foreign, NotMarked or Again."""
        name = names.volume(read(pool.config).pod, pool.owner, volume.uid)
        _mark, found = self.marked(pool, name)
        if not found:
            return None
        self._check_id(volume, found[0])
        return self._proven(pool, volume, found[0], self._tags(pool, name))

    def listed(self, pool: PoolRef) -> tuple[Items, dict[str, Items]]:
        """All volumes of the pod, which bears the pool's mark, and what tags they have, by name; each page once."""
        self.marked(pool)
        return self.everything(pool)

    def everything(self, pool: PoolRef) -> tuple[Items, dict[str, Items]]:
        """`listed`, whosever pod it is."""
        pod, session = read(pool.config).pod, self.session(pool)
        items = session.get("volumes", filter=f"pod.name='{pod}'")
        said: dict[str, Items] = {}
        for each in session.get("volumes/tags", namespaces=tags.NAMESPACE, filter=f"resource.name='{pod}::*'"):
            said.setdefault(str(each["resource"]["name"]), []).append(each)
        return items, said

    def tag(self, pool: PoolRef, uid: str, purpose: str, said: dict[str, str]) -> None:
        """By the array's own id: no other volume is meant, whatever it is called."""
        query = {"resource_ids": uid}
        self.session(pool).change(purpose, "PUT", "volumes/tags/batch", query, tags.written(said))

    def tag_mark(self, pool: PoolRef, name: str, owner: str, uid: str) -> None:
        """By its name, which proves a mark: one that is another pool's by now is not touched. `uid` is its id."""
        said = tags.written({"owner": owner, "uid": pool.uid, "id": uid})
        self.session(pool).change("tag-mark", "PUT", "volumes/tags/batch", {"resource_names": name}, said)

    def all_there(self, pool: PoolRef, volumes: Sequence[VolumeRef]) -> dict[str, Observation[Volume]]:
        """`there` of many, from one listing."""
        listing = observing(lambda: Present(self.listed(pool)))
        if not isinstance(listing, Present):
            return dict.fromkeys((volume.uid for volume in volumes), listing)
        items, said = listing.facts
        by_name = {str(item["name"]): item for item in items}

        def one(volume: VolumeRef) -> Observation[Volume]:
            name = names.volume(read(pool.config).pod, pool.owner, volume.uid)

            def look() -> Observation[Volume]:
                if name not in by_name:
                    return Absent()
                self._check_id(volume, by_name[name])
                return Present(self._proven(pool, volume, by_name[name], said.get(name, [])))

            return observing(look)

        return {volume.uid: one(volume) for volume in volumes}

    @staticmethod
    def _check_id(volume: VolumeRef, item: Item) -> None:
        if volume.identity and item["id"] != volume.identity.get("id"):
            raise Foreign(f"{item['name']} is another volume than the recorded: its id is {item['id']}.")

    @staticmethod
    def _proven(pool: PoolRef, volume: VolumeRef, item: Item, its_tags: Items) -> Volume:
        name = str(item["name"])
        said = tags.read(its_tags, name)
        if isinstance(said, str):
            raise Foreign(said)
        if said is None:
            if volume.identity:
                raise Foreign(f"{name} has lost its tags.")
            return Volume(item, None)
        if (said.owner, said.uid, said.id) != (pool.owner, volume.uid, item["id"]):
            raise Foreign(f"{name} is tagged as {said.uid} of owner {said.owner}, with the id {said.id}.")
        return Volume(item, said)

    def _tags(self, pool: PoolRef, name: str) -> Items:
        try:
            return self.session(pool).get("volumes/tags", resource_names=name, namespaces=tags.NAMESPACE)
        except Rejected as error:
            raise Again(f"{name} went while it was looked at: {error.detail}") from error

    def there(self, pool: PoolRef, volume: VolumeRef) -> Observation[Volume]:
        """As an observation: Absent only from a pod that proved to be the pool's."""

        def look() -> Observation[Volume]:
            found = self.volume(pool, volume)
            return Absent() if found is None else Present(found)

        return observing(look)
