"""Pods as pools. A pod is made by us and for us; its mark is a volume whose name carries pool and counter.

On the way out the mark is destroyed first, and still proves whose the pod is until the pod itself is destroyed.
"""

from typing import Any

from holdfast.drivers.contract import (
    Absent,
    Capacity,
    ForeignObject,
    Making,
    Observation,
    PoolFacts,
    PoolRef,
    Present,
    Unknown,
)
from holdfast.drivers.flasharray import names
from holdfast.drivers.flasharray.options import read
from holdfast.drivers.flasharray.seeing import NotMarked, Seeing, observing
from holdfast.drivers.flasharray.session import Items, Rejected
from holdfast.model.errors import Again, Foreign, InUse, Kept, Refused

# The smallest volume that an array makes; bytes.
_MARK_SIZE = 1 << 20


class Pools:
    """See `Driver`."""

    def __init__(self, seeing: Seeing) -> None:
        self._seeing = seeing

    def identity(self, pool: PoolRef) -> dict[str, str]:
        """The array's id, the pod's name, and its id if there is one."""
        found = {"array": self._seeing.array(pool), "name": read(pool.config).pod}
        pod = self._seeing.pod(pool)
        return found if pod is None else {**found, "pod": str(pod["id"])}

    def look(self, pool: PoolRef) -> Observation[PoolFacts]:
        """See `Driver.look_pool`."""

        def fn() -> Observation[PoolFacts]:
            try:
                mark, _ = self._seeing.marked(pool)
            except NotMarked as error:
                return self._unmarked(pool, error)
            named = names.parse_mark(mark["name"])
            identity = pool.identity if "pod" in pool.identity else self.identity(pool)
            return self._unless_destroyed(pool, PoolFacts(identity, named.counter if named else 0))

        return observing(fn)

    def _unless_destroyed(self, pool: PoolRef, facts: PoolFacts) -> Observation[PoolFacts]:
        """A pod that waits to be erased is gone, unless it is to be erased by us."""
        pod = self._seeing.pod(pool)
        if pod is not None and pod["destroyed"] and not read(pool.config).after_delete:
            return Absent()
        return Present(facts)

    def _unmarked(self, pool: PoolRef, error: NotMarked) -> Observation[PoolFacts]:
        """Proven without a mark: the recorded array has no such pod, or the recorded pod has none."""
        now = self.identity(pool)
        if not pool.identity or now["array"] != pool.identity.get("array"):
            return Unknown(error.detail)
        recorded = pool.identity.get("pod", "")
        if "pod" not in now or not recorded or now["pod"] == recorded:
            return Absent()
        return ForeignObject(f"The pod {read(pool.config).pod} is another one than the recorded.")

    def make(self, pool: PoolRef, making: Making) -> None:
        """The pod, its default protection taken off, its mark: each found if an earlier try made it."""
        name, session = read(pool.config).pod, self._seeing.session(pool)
        now = self.identity(pool)
        if pool.identity and now["array"] != pool.identity.get("array"):
            raise Refused(
                "Another array answers than when this began.", "Check the gateway, and create the pool again."
            )
        pod = self._seeing.pod(pool)
        if pod is not None and pod["destroyed"]:
            raise Refused(
                f"The pod {name} was destroyed, and its name is taken until it is erased{until(pod)}.",
                "Recover or eradicate it on the array, or choose another name.",
            )
        if pod is not None and (pool.identity.get("pod") or not pool.identity):
            self._check_free(pool)
        if pod is None:
            session.change("make-pod", "POST", "pods", {"names": name}, {})
        session.change(
            "unprotect-pod", "PATCH", "container-default-protections", {"names": name}, {"default_protections": []}
        )
        self._check_free(pool)
        made = session.change(
            "mark-pod", "POST", "volumes",
            {"names": names.mark(name, pool.owner, pool.uid, 0), "with_default_protection": "false"},
            {"provisioned": _MARK_SIZE},
        )  # fmt: skip
        for mark in made:  # the name proves the pool; this tells whoever has lost his records
            self._seeing.tag_mark(pool, mark["name"], pool.owner, mark["id"])

    def _check_free(self, pool: PoolRef) -> None:
        inside = [item for item in self._inside(pool) if not self._is_mark(pool, item)]
        if inside:
            raise Foreign(f"The pod {read(pool.config).pod} is not empty: it holds {inside[0]['name']}.")

    def _inside(self, pool: PoolRef) -> Items:
        return self._seeing.session(pool).get("volumes", filter=f"pod.name='{read(pool.config).pod}'")

    def unmade(self, pool: PoolRef, making: Making) -> Observation[str]:
        """See `Driver.unmade_pool`: of a pod that was there before the making, only the mark is."""

        def fn() -> Observation[str]:
            if pool.identity and self._seeing.array(pool) != pool.identity.get("array"):
                return Unknown("another array answers than when this began")
            pod = self._seeing.pod(pool)
            if pod is None or (pod["destroyed"] and not read(pool.config).after_delete):
                return Absent()
            inside = self._inside(pool)
            ours = any(self._is_mark(pool, item) for item in inside) or not (inside or pool.identity.get("pod"))
            return Present(str(pod["name"])) if ours else Absent()

        return observing(fn)

    @staticmethod
    def _is_mark(pool: PoolRef, item: dict[str, Any]) -> bool:
        named = names.parse_mark(item["name"])
        return named is not None and (named.installation, named.uid) == (names.installation(pool.owner), pool.uid)

    def unmake(self, pool: PoolRef, making: Making) -> None:
        """See `Driver.unmake_pool`."""
        if isinstance(self.unmade(pool, making), Present):
            self._remove(pool)

    def remove(self, pool: PoolRef) -> None:
        """See `Driver.remove_pool`."""
        try:
            self._seeing.marked(pool)
        except NotMarked:
            if not isinstance(self.look(pool), Absent):
                raise
            return
        self._remove(pool)

    def _remove(self, pool: PoolRef) -> None:
        options, session = read(pool.config), self._seeing.session(pool)
        inside = self._inside(pool)
        living = [item for item in inside if not item["destroyed"] and names.parse_mark(item["name"]) is None]
        if living or (options.after_delete and len(inside) > 1):
            other = (living or [item for item in inside if names.parse_mark(item["name"]) is None])[0]
            raise InUse(f"The pod {options.pod} holds {other['name']}.", "`holdfast audit` tells what is there.")
        for item in inside:
            if names.parse_mark(item["name"]) is not None and not item["destroyed"]:
                session.change("destroy-mark", "PATCH", "volumes", {"names": item["name"]}, {"destroyed": True})
        pod = self._seeing.pod(pool)
        if pod is not None and not pod["destroyed"]:
            session.change("destroy-pod", "PATCH", "pods", {"names": options.pod}, {"destroyed": True})
        if options.after_delete:
            self._eradicate(pool)

    def _eradicate(self, pool: PoolRef) -> None:
        """With its mark, which is all that it holds."""
        name, session = read(pool.config).pod, self._seeing.session(pool)
        query = {"names": name, "eradicate_contents": "true"}
        try:
            session.change("eradicate-pod", "DELETE", "pods", query)
        except Rejected as error:
            pod = self._seeing.pod(pool)
            if pod is not None and pod["destroyed"]:
                raise Kept(f"the array keeps the destroyed pod {name}{until(pod)}: {error.detail}") from error
            if pod is not None:
                raise

    def stamp(self, pool: PoolRef, counter: int) -> None:
        """The mark's name moves on."""
        mark, _ = self._seeing.marked(pool)
        named = names.parse_mark(mark["name"])
        if named is None or named.counter >= counter:
            return
        new = names.mark(read(pool.config).pod, pool.owner, pool.uid, counter)
        self._seeing.session(pool).change(
            "stamp", "PATCH", "volumes", {"names": mark["name"]}, {"name": new.rpartition("::")[2]}
        )

    def capacity(self, pool: PoolRef) -> Capacity:
        """The pod's quota if it has one, else the array's."""
        self._seeing.marked(pool)
        pod = self._seeing.pod(pool)
        if pod is None:
            raise Again(f"The pod {read(pool.config).pod} is not there.")
        if pod.get("quota_limit"):
            used = _space(pod, "total_provisioned")
            return Capacity(int(pod["quota_limit"]), max(0, int(pod["quota_limit"]) - used))
        array = self._seeing.session(pool).get("arrays")[0]
        total = int(array.get("capacity") or 0)
        return Capacity(total, max(0, total - _space(array, "total_physical")))


def until(item: dict[str, Any]) -> str:
    """How long the array keeps a destroyed thing, in words; its timer runs on the array."""
    left = item.get("time_remaining")
    return "" if left is None else f" for another {int(left) / 3600000:.1f} h"


def _space(item: dict[str, Any], key: str) -> int:
    return int((item.get("space") or {}).get(key) or 0)
