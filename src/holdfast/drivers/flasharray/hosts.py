"""Host entries and connections, from the array's own lists: ours, dead members' and strangers'."""

from collections.abc import Iterable

from holdfast.drivers.connecting import ConnectionFacts
from holdfast.drivers.contract import Absent, ForeignObject, Observation, PoolRef, Present, Unknown, VolumeRef
from holdfast.drivers.flasharray import names
from holdfast.drivers.flasharray.options import read
from holdfast.drivers.flasharray.seeing import Seeing, observing
from holdfast.drivers.flasharray.session import Items, Rejected
from holdfast.drivers.transports.contract import Transport
from holdfast.model.errors import Again, Foreign, InUse


class Hosts:
    """See `Connecting`."""

    def __init__(self, seeing: Seeing) -> None:
        self._seeing = seeing

    def _facts(self, pool: PoolRef, host: str) -> ConnectionFacts:
        named = names.parse(host)
        ours = named is not None and named.installation == names.installation(pool.owner)
        return ConnectionFacts(host, ours, named.uid if named is not None and ours else "")

    def look(self, pool: PoolRef, member: str, transport: Transport) -> Observation[str]:
        """By initiators, not by name: an array knows each once."""

        def fn() -> Observation[str]:
            kind, own = transport.initiators_are, names.host(pool.owner, member)
            initiators = transport.initiators(pool.config)
            terms = [f"name='{own}'", *(f"{kind}='{initiator}'" for initiator in initiators)]
            found = self._seeing.session(pool).get("hosts", filter=" or ".join(terms))
            for item in found:
                if set(initiators) & set(item.get(kind) or []):
                    return Present(str(item["name"]))
            if any(item["name"] == own for item in found):
                return ForeignObject(f"the host entry {own} has other {kind} than this machine: {initiators}")
            return Absent()

        return observing(fn)

    def strangers(self, pool: PoolRef, listed: Iterable[ConnectionFacts], transport: Transport) -> list[str]:
        """Hosts of these that are neither ours nor, by its initiators, this machine; raises Again."""
        found = [each.host for each in listed if not each.ours]
        if not found:
            return []
        kind, initiators = transport.initiators_are, transport.initiators(pool.config)
        terms = " or ".join(f"{kind}='{initiator}'" for initiator in initiators)
        here = {str(item["name"]) for item in self._seeing.session(pool).get("hosts", filter=terms)}
        return [host for host in found if host not in here]

    def make(self, pool: PoolRef, member: str, transport: Transport) -> None:
        """Under the member's name."""
        body = {transport.initiators_are: list(transport.initiators(pool.config))}
        query = {"names": names.host(pool.owner, member)}
        self._seeing.session(pool).change("make-host", "POST", "hosts", query, body)

    def all(self, pool: PoolRef) -> dict[str, tuple[str, int]]:
        """Ours, of any pool."""
        prefix = f"hf-{names.installation(pool.owner)}-"
        found = self._seeing.session(pool).get("hosts", filter=f"name='{prefix}*'")
        facts = {str(item["name"]): (self._facts(pool, item["name"]), item) for item in found}
        return {
            name: (known.member, int(item.get("connection_count") or 0))
            for name, (known, item) in facts.items()
            if known.ours
        }

    def remove(self, pool: PoolRef, name: str) -> None:
        """Only ours, only unused; the array refuses otherwise too."""
        if not self._facts(pool, name).ours:
            raise Foreign(f"The host entry {name} is not ours.")
        try:
            self._seeing.session(pool).change("remove-host", "DELETE", "hosts", {"names": name})
        except Rejected as error:
            if name in self.all(pool):
                raise InUse(f"The host entry {name} is in use: {error.detail}") from error

    # -- connections -------------------------------------------------------------------------------

    def connections(self, pool: PoolRef, volume: VolumeRef) -> Observation[tuple[ConnectionFacts, ...]]:
        """Of one volume. A name that the array does not know is looked for, before it counts as absent."""

        def fn() -> Observation[tuple[ConnectionFacts, ...]]:
            name = names.volume(read(pool.config).pod, pool.owner, volume.uid)
            try:
                items = self._seeing.session(pool).get("connections", volume_names=name)
            except Rejected:
                if self._seeing.volume(pool, volume) is None:
                    return Absent()
                raise
            return Present(self._known(pool, items))

        return observing(fn)

    def _known(self, pool: PoolRef, items: Items) -> tuple[ConnectionFacts, ...]:
        return tuple(self._facts(pool, str((item.get("host") or {}).get("name") or "a host group")) for item in items)

    def of_all(self, pool: PoolRef) -> dict[str, tuple[ConnectionFacts, ...]]:
        """Of all volumes of ours in the pod, in as many requests as there are pages."""
        pod, own = read(pool.config).pod, names.installation(pool.owner)
        found: dict[str, list[ConnectionFacts]] = {}
        for item in self._seeing.session(pool).get("connections", filter=f"volume.name='{pod}::hf-{own}-*'"):
            named = names.parse(str(item["volume"]["name"]))
            if named is not None:
                found.setdefault(named.uid, []).extend(self._known(pool, [item]))
        return {uid: tuple(facts) for uid, facts in found.items()}

    def connect(self, pool: PoolRef, volume: VolumeRef, member: str, transport: Transport) -> None:
        """Through this machine's entry, which is made if there is none."""
        host = self._entry(pool, member, transport)
        if not host:
            self.make(pool, member, transport)
            host = names.host(pool.owner, member)
        name = names.volume(read(pool.config).pod, pool.owner, volume.uid)
        query = {"host_names": host, "volume_names": name}
        try:
            self._seeing.session(pool).change("connect", "POST", "connections", query)
        except Rejected as error:
            if isinstance(self.look(pool, member, transport), Absent):  # it was unused, and collected
                raise Again(f"The host entry {host} went while it was used.") from error
            raise

    def _entry(self, pool: PoolRef, member: str, transport: Transport) -> str:
        """Its name, or an empty text."""
        match self.look(pool, member, transport):
            case Present(host):
                return host
            case Absent():
                return ""
            case ForeignObject(evidence):
                raise Foreign(evidence)
            case Unknown(reason):
                raise Again(reason)

    def disconnect(self, pool: PoolRef, volume: VolumeRef, host: str) -> None:
        """One host's."""
        name = names.volume(read(pool.config).pod, pool.owner, volume.uid)
        try:
            query = {"host_names": host, "volume_names": name}
            self._seeing.session(pool).change("disconnect", "DELETE", "connections", query)
        except Rejected as error:
            found = self.connections(pool, volume)
            if isinstance(found, Present) and any(each.host == host for each in found.facts):
                raise Again(error.detail) from error
