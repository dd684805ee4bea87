"""Reading a pod whose records are lost, and taking over one whose installation is gone.

The mark's name holds the end of its owner's uid; its tags, or those of any volume in the pod, tell it whole.
"""

from holdfast.drivers.contract import FoundPool, PoolRef
from holdfast.drivers.flasharray import names, tags
from holdfast.drivers.flasharray.names import Named
from holdfast.drivers.flasharray.options import read
from holdfast.drivers.flasharray.seeing import Item, Seeing
from holdfast.drivers.flasharray.session import Items, Rejected
from holdfast.model.errors import Again, Foreign, NotFound, Refused

# Volumes that are taken over in a round: two requests each.
ROUND = 16


class Imports:
    """See `Driver`."""

    def __init__(self, seeing: Seeing) -> None:
        self._seeing = seeing

    def find(self, config: dict[str, str]) -> FoundPool:
        """See `Driver.find_pool`."""
        pool = PoolRef("", "", "flasharray", config)
        items, said = self._seeing.everything(pool)
        mark, named = self._mark(pool, items)
        owners = [tags.owner(said, mark), *(tags.owner(said, item) for item in items)]
        for owner in owners:
            if owner and names.installation(owner) == named.installation:
                return FoundPool(named.uid, owner, named.counter)
        hint = "It holds nothing but its mark: destroy it on the array, and create the pool anew."
        if len(items) > 1:
            hint = "The tags of what is in it are lost. Leave it as it is; its data is there."
        raise Refused(f"Nothing in the pod {read(config).pod} tells whose it is.", hint)

    @staticmethod
    def _mark(pool: PoolRef, items: Items) -> tuple[Item, Named]:
        pod = read(pool.config).pod
        found = [(item, named) for item in items if (named := names.parse_mark(item["name"])) and not item["destroyed"]]
        if not found:
            raise NotFound(f"There is no pool in the pod {pod}.", "A pod is one where a pool was made in it.")
        if len(found) > 1:
            raise Again(f"The pod {pod} bears {len(found)} marks.")
        return found[0]

    def take_over(self, pool: PoolRef, owner: str) -> bool:
        """See `Driver.take_over`. What is destroyed cannot be renamed: the array erases it under its old name."""
        items, said = self._seeing.everything(pool)
        mark, named = self._mark(pool, items)
        old, new = names.installation(pool.owner), names.installation(owner)
        if named.uid != pool.uid or named.installation not in (old, new):
            raise Foreign(f"The pod {read(pool.config).pod} bears the mark {mark['name']}, not that of {pool.uid}.")
        if named.installation == old:  # what it says is needed for as long as it is not renamed
            self._seeing.tag_mark(pool, mark["name"], pool.owner, mark["id"])
        if named.installation == old and not self._inside(pool, owner, items, said):
            return False
        target = names.mark(read(pool.config).pod, owner, pool.uid, named.counter)
        self._rename(pool, "take-over-mark", mark, target)
        self._seeing.tag_mark(pool, target, owner, mark["id"])
        return True

    def _inside(self, pool: PoolRef, owner: str, items: Items, said: dict[str, Items]) -> bool:
        """Whether all that is in the pod is the new owner's; a round of it is made so."""
        old, new = names.installation(pool.owner), names.installation(owner)
        todo = []
        for item in items:
            named, said_owner = names.parse(item["name"]), tags.owner(said, item)
            if named is None or item["destroyed"] or named.installation not in (old, new):
                continue
            if said_owner not in (pool.owner, owner) and said.get(item["name"]):
                continue  # its tags are another's, or another volume's
            if said_owner == pool.owner or named.installation == old:
                todo.append((item, named, said_owner))
        for item, named, said_owner in todo[:ROUND]:
            if said_owner == pool.owner:
                self._seeing.tag(pool, item["id"], "take-over-tags", {"owner": owner})
            if named.installation == old:
                target = names.volume(read(pool.config).pod, owner, named.uid)
                self._rename(pool, "take-over-volume", item, target)
        return len(todo) <= ROUND

    def _rename(self, pool: PoolRef, purpose: str, item: Item, name: str) -> None:
        if item["name"] == name:
            return
        try:
            self._seeing.session(pool).change(
                purpose, "PATCH", "volumes", {"ids": item["id"]}, {"name": name.rpartition("::")[2]}
            )
        except Rejected as error:
            raise Again(f"{item['name']} cannot be renamed now: {error.detail}") from error
