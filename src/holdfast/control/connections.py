"""Connections of volumes to hosts, compared with what is wanted; and entries of hosts that nobody needs any more."""

from collections.abc import Callable, Iterable

import msgspec

from holdfast.drivers.connecting import Connecting, ConnectionFacts
from holdfast.drivers.contract import Absent, ForeignObject, PoolRef, Present, Unknown
from holdfast.drivers.registry import Drivers
from holdfast.model.errors import Again, InUse
from holdfast.model.resources import Attachment, Finding, Member, Pool, Snapshot, Volume
from holdfast.model.views import ConnectionState, ConnectionView
from holdfast.operations.refs import pool_ref, volume_ref
from holdfast.records import claims, resources
from holdfast.records.contract import Records, Tx


class Leak(msgspec.Struct, frozen=True):
    """A finding about a volume, a snapshot (by uid; perhaps unrecorded) or a host entry; and what a repair needs."""

    finding: Finding
    uid: str
    row: Volume | Snapshot | None = None
    host: str = ""
    ours: bool = False


# By uid: how people call it, and its record.
Objects = dict[str, tuple[str, Volume | Snapshot]]


class Connections:
    """Reads records and back ends; changes nothing but unused entries of hosts."""

    def __init__(self, records: Records, drivers: Drivers, member: str, owner: str, now: Callable[[], float]) -> None:
        self._records = records
        self._drivers = drivers
        self._member = member
        self._owner = owner
        self._done = -1
        self._changes = 0
        self._connects = False
        self._now = now
        # When each that nobody wants was first seen here, by pool, volume and host: back ends do not tell its age.
        self._first: dict[tuple[str, str, str], float] = {}
        # As of the last audit, by the pool's uid: since when each is, by state.
        self.counted: dict[str, dict[ConnectionState, list[float]]] = {}

    def changed(self) -> bool:
        """Something ended: an entry may be unused now. Whether there are such pools at all."""
        self._changes += 1
        return self._connects

    # -- for people --------------------------------------------------------------------------------

    def of(self, pool: Pool, volume: Volume) -> list[ConnectionView]:
        """As the back end lists them now; raise Again."""
        if not pool.status.connects:
            return []
        ref = pool_ref(pool, self._owner)
        driver = self._drivers.connecting(ref)
        match driver.connections(ref, volume_ref(volume)):
            case Present(listed):
                pass
            case Absent():
                return []
            case ForeignObject(reason) | Unknown(reason):
                raise Again(reason)
        wanted, members = self._records.read(lambda tx: (_wanted(tx, volume.uid), _members(tx)))
        found = driver.look_device(ref, volume_ref(volume)) if volume.status.identity else Absent()
        device = found.facts.path if isinstance(found, Present) else ""
        here = self._entry(ref, driver, listed)
        return [self._view((pool.uid, volume.uid), here(each), wanted, members, device) for each in listed]

    def _entry(
        self, pool: PoolRef, driver: Connecting, listed: Iterable[ConnectionFacts]
    ) -> Callable[[ConnectionFacts], ConnectionFacts]:
        """Tells of a connection that it is this machine's, also where somebody else made the entry of its host.

        Raises Again where nobody can tell.
        """
        found = Absent() if all(each.ours for each in listed) else driver.look_host(pool, self._member)
        if isinstance(found, Unknown):
            raise Again(found.reason)
        entry = found.facts if isinstance(found, Present) else ""

        def told(each: ConnectionFacts) -> ConnectionFacts:
            mine = each.host == entry and not each.ours
            return ConnectionFacts(each.host, ours=True, member=self._member) if mine else each

        return told

    def _since(self, of: tuple[str, str], each: ConnectionFacts, wanted: list[Attachment]) -> float:
        """When it was wanted first; or, by nobody, first seen. `of` are the uids of pool and volume."""
        asked = min((one.created for one in wanted if one.spec.member == each.member), default=None)
        if asked is None:
            return self._first.setdefault((*of, each.host), self._now())
        self._first.pop((*of, each.host), None)
        return asked

    def _view(
        self, of: tuple[str, str], each: ConnectionFacts, wanted: list[Attachment], members: dict[str, str], device: str
    ) -> ConnectionView:
        return ConnectionView(
            host=each.host, ours=each.ours, member=members.get(each.member, ""),
            state=_state(each, wanted={one.spec.member for one in wanted}, members=members),
            since=self._since(of, each, wanted),
            device=device if each.member == self._member else "",
        )  # fmt: skip

    # -- for the audit -----------------------------------------------------------------------------

    def begin(self, pools: set[str]) -> None:
        """Of an audit: what it does not come to judge is not known any more."""
        self.counted = {}
        for key in [key for key in list(self._first) if key[0] not in pools]:
            self._first.pop(key, None)

    def leaks(self, pool: Pool, mine: Objects, attachments: list[Attachment], moving: frozenset[str]) -> list[Leak]:
        """What no attachment wants, of a pool that proved to be there and has these; raise Again or OSError.

        What is `moving` may be connected for an operation, and is not counted.
        """
        ref = pool_ref(pool, self._owner)
        driver = self._drivers.connecting(ref)
        members = self._records.read(_members)
        mounts = {uid: [one for one in attachments if one.parent == uid] for uid in mine}
        wanted = {uid: {one.spec.member for one in there} for uid, there in mounts.items()}
        found: list[Leak] = []
        counted: dict[ConnectionState, list[float]] = {"wanted": [], "unwanted": [], "dead": [], "foreign": []}
        connected = driver.all_connections(ref)
        here = self._entry(ref, driver, [each for listed in connected.values() for each in listed])
        for uid, listed in sorted(connected.items()):
            for each in map(here, listed):
                state = _state(each, wanted=wanted.get(uid, set()), members=members)
                if uid not in moving:
                    counted[state].append(self._since((pool.uid, uid), each, mounts.get(uid, [])))
                if state != "wanted":
                    found.append(_connection_leak(mine.get(uid, (f"{pool.name}/{uid}", None)), uid, each, state))
        self.counted = {**self.counted, pool.uid: counted}
        self._forget(pool.uid, connected)
        return [*found, *self._devices(pool, driver, mine, wanted), *self._hosts(pool, driver, members)]

    def _forget(self, pool: str, connected: dict[str, tuple[ConnectionFacts, ...]]) -> None:
        """One that comes back is another one."""
        there = {(pool, uid, each.host) for uid, listed in connected.items() for each in listed}
        for key in [key for key in list(self._first) if key[0] == pool and key not in there]:
            self._first.pop(key, None)

    def _devices(self, pool: Pool, driver: Connecting, mine: Objects, wanted: dict[str, set[str]]) -> list[Leak]:
        by_serial = {row.status.identity.get("serial"): (name, row) for name, row in mine.values()}
        here = driver.devices(pool_ref(pool, self._owner))
        found = []
        for serial, path in sorted(here.items()):
            name, row = by_serial.get(serial, ("", None))
            if row is not None and self._member not in wanted[row.uid]:
                evidence = f"the device of {name}, which nobody wants here"
                finding = Finding(kind="leaked-device", subject=path, evidence=evidence, remedy="--repair removes it.")
                found.append(Leak(finding, row.uid, row, ours=True))
        return found

    def _hosts(self, pool: Pool, driver: Connecting, members: dict[str, str]) -> list[Leak]:
        return [
            Leak(
                Finding(
                    kind="orphan", subject=name, evidence="the entry of a member that is gone",
                    remedy="--repair removes it.",
                ),
                name, host=name, ours=True,
            )
            for name, (member, count) in sorted(driver.hosts(pool_ref(pool, self._owner)).items())
            if member not in members and not count
        ]  # fmt: skip

    # -- the collector -----------------------------------------------------------------------------

    def collect(self) -> int:
        """Entries of this member, once nothing is connected, mounted or under way; how many were removed."""
        changes = self._changes
        if self._done == changes:
            return 0
        self._connects, pools = self._records.read(self._idle)
        removed = sum(self._collect(pool) for pool in pools or [])
        if pools is not None:
            self._done = changes
        return removed

    def _idle(self, tx: Tx) -> tuple[bool, list[Pool] | None]:
        """Whether there are pools whose volumes must be connected; and these, or None while one is in use.

        An entry serves all pools of an array.
        """
        pools = [pool for pool in resources.page(tx, Pool) if pool.status.connects and pool.status.ready]
        own = {pool.uid for pool in pools}
        if any(item.removeprefix("uid:") in own for _, item, _ in claims.held(tx)):
            return True, None
        parents = {volume.uid for uid in own for volume in resources.page(tx, Volume, uid)} if pools else set()
        parents |= {snapshot.uid for uid in parents for snapshot in resources.page(tx, Snapshot, uid)}
        used = any(attachment.parent in parents for attachment in resources.page(tx, Attachment)) if parents else False
        return bool(pools), None if used else pools

    def _collect(self, pool: Pool) -> int:
        ref, removed = pool_ref(pool, self._owner), 0
        driver = self._drivers.connecting(ref)
        for name, (member, count) in driver.hosts(ref).items():
            if member == self._member and not count:
                try:
                    driver.remove_host(ref, name)
                    removed += 1
                except InUse:
                    continue  # it was connected meanwhile
        return removed

    def remove_host(self, pool: Pool, name: str) -> None:
        """An entry of a member that is gone, as was asked for."""
        ref = pool_ref(pool, self._owner)
        self._drivers.connecting(ref).remove_host(ref, name)


def _wanted(tx: Tx, volume: str) -> list[Attachment]:
    return resources.page(tx, Attachment, volume)


def _members(tx: Tx) -> dict[str, str]:
    return {member.uid: member.name for member in resources.page(tx, Member)}


def _state(each: ConnectionFacts, *, wanted: set[str], members: dict[str, str]) -> ConnectionState:
    if not each.ours:
        return "foreign"
    if each.member not in members:
        return "dead"
    return "wanted" if each.member in wanted else "unwanted"


_WHY: dict[ConnectionState, str] = {
    "foreign": "a host that is not ours",
    "dead": "a member that is gone",
    "unwanted": "a member where nothing of it is mounted",
    "wanted": "",
}


def _connection_leak(
    of: tuple[str, Volume | Snapshot | None], uid: str, each: ConnectionFacts, state: ConnectionState
) -> Leak:
    name, row = of
    if state == "foreign":
        cut = f"`holdfast volume disconnect {name} {each.host}` cuts it."
        remedy = f"Left alone; {cut}" if isinstance(row, Volume) else "Left alone."
    elif row is None:
        remedy = "It goes with the volume, which no record knows."
    elif isinstance(row, Snapshot) and state == "dead":
        remedy = "It goes with the snapshot; delete that."
    else:
        known = state == "dead" or row.status.identity
        remedy = "--repair cuts it." if known else "It goes with the volume; delete that."
    finding = Finding(
        kind="leaked-connection", subject=name, evidence=f"connected to {each.host}, {_WHY[state]}", remedy=remedy
    )
    return Leak(finding, uid, row, each.host if state == "dead" else "", ours=each.ours)
