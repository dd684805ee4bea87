"""The conformance of drivers whose volumes must be connected: see `holdfast.testing.conformance.drivers`."""

import abc
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import msgspec
import pytest

from holdfast.drivers.connecting import Connecting
from holdfast.drivers.contract import Absent, ForeignObject, PoolRef, Present, VolumeRef
from holdfast.host import formats
from holdfast.host.children import Children
from holdfast.host.kernel import Kernel
from holdfast.host.linux import LINUX
from holdfast.model.errors import Again, HoldfastError, InUse
from holdfast.model.resources import FileSystem
from holdfast.testing.conformance.checks import facts_match
from holdfast.testing.conformance.harness import Harness, Kind

MEMBER, DEAD_MEMBER = "c" * 31 + "1", "c" * 31 + "2"


class ConnectingHarness(Harness):
    """What the suite needs of a back end whose volumes are connected."""

    driver: Connecting  # pyright: ignore[reportIncompatibleVariableOverride]  # nobody sets it through a Harness
    filesystems: dict[FileSystem, int]
    kernel: Kernel = LINUX

    @abc.abstractmethod
    def connect_stranger(self, pool: PoolRef, volume: VolumeRef) -> str:
        """Connect it to a host that is not ours, behind the driver's back; the host's name."""

    @abc.abstractmethod
    def connect_dead(self, pool: PoolRef, volume: VolumeRef) -> str:
        """Connect it to a host of ours that is DEAD_MEMBER's; the host's name."""

    @abc.abstractmethod
    def holding(self, path: str) -> AbstractContextManager[None]:
        """While this lasts somebody holds the device."""

    @abc.abstractmethod
    def wrong_device(self) -> AbstractContextManager[None]:
        """While this lasts a connected volume shows the device of another."""

    @abc.abstractmethod
    def no_device(self) -> AbstractContextManager[None]:
        """While this lasts a connected volume shows no device."""

    @abc.abstractmethod
    def requests(self) -> int:
        """How many the back end got so far."""

    # -- what follows from these -------------------------------------------------------------

    def known(self, pool: PoolRef, volume: VolumeRef) -> VolumeRef:
        """With the identity that the back end gave it."""
        found = self.driver.look_volume(pool, volume)
        assert isinstance(found, Present)
        return msgspec.structs.replace(volume, identity=found.facts.identity)

    def made(self, pool: PoolRef, kind: Kind) -> VolumeRef:
        """A made volume, whole, with its identity."""
        volume = self.known(pool, super().made(pool, kind))
        if kind.fs is not None:
            with self.reachable(pool, volume):
                self.format(pool, volume)
        return volume

    def format(self, pool: PoolRef, volume: VolumeRef) -> None:
        """As the step does."""
        assert volume.fs is not None
        assert volume.fs_uuid is not None
        with self.driver.access(pool, volume) as access:
            formats.make(
                self.children(), self.keeper, access.fd, volume.fs, volume.fs_uuid, "never", kernel=self.kernel
            )
        self.driver.formatted(pool, volume)

    @abc.abstractmethod
    def children(self) -> Children:
        """Those of the driver's host."""

    def arrive(self, pool: PoolRef, volume: VolumeRef) -> str:
        """Connected, and its device is here; the device's path."""
        self.driver.connect(pool, volume, MEMBER)
        self.driver.find_device(pool, volume, self.keeper)
        found = self.driver.look_device(pool, volume)
        assert isinstance(found, Present), found
        return found.facts.path

    def leave(self, pool: PoolRef, volume: VolumeRef) -> None:
        """The device, then the connection."""
        self.driver.remove_device(pool, volume, self.keeper)
        assert isinstance(self.driver.look_device(pool, volume), Absent)
        for host in self.hosts_of(pool, volume):
            self.driver.disconnect(pool, volume, host)

    def hosts_of(self, pool: PoolRef, volume: VolumeRef) -> list[str]:
        """Names of the hosts that it is connected to."""
        found = self.driver.connections(pool, volume)
        assert isinstance(found, Present), found
        return [each.host for each in found.facts]

    @contextmanager
    def reachable(self, pool: PoolRef, volume: VolumeRef) -> Iterator[VolumeRef]:
        """See `Harness.reachable`."""
        known = self.known(pool, volume)
        self.arrive(pool, known)
        try:
            yield known
        finally:
            self.leave(pool, known)


class ConnectingConformance:
    """Connections and devices."""

    def test_a_volume_comes_and_goes_and_leaves_no_connection_and_no_device(self, harness: ConnectingHarness) -> None:
        """Each act is repeatable, and seen by its look."""
        pool = harness.ready()
        volume = harness.made(pool, harness.kinds[0])
        assert harness.hosts_of(pool, volume) == []
        assert isinstance(harness.driver.look_device(pool, volume), Absent)
        for _ in range(2):
            harness.arrive(pool, volume)
            listed = harness.driver.connections(pool, volume)
            assert isinstance(listed, Present)
            assert [(each.ours, each.member) for each in listed.facts] == [(True, MEMBER)]
            harness.leave(pool, volume)
            assert harness.hosts_of(pool, volume) == []
        assert harness.driver.hosts(pool) == {next(iter(harness.driver.hosts(pool))): (MEMBER, 0)}, (
            "one entry, made once"
        )

    def test_the_entry_of_a_host_is_removed_only_when_it_is_unused(self, harness: ConnectingHarness) -> None:
        """By us, and if it is ours."""
        pool = harness.ready()
        volume = harness.made(pool, harness.kinds[0])
        harness.arrive(pool, volume)
        (name,) = harness.driver.hosts(pool)
        with pytest.raises(InUse):
            harness.driver.remove_host(pool, name)
        harness.leave(pool, volume)
        harness.driver.remove_host(pool, name)
        assert harness.driver.hosts(pool) == {}
        with pytest.raises(HoldfastError):
            harness.driver.remove_host(pool, "somebody")

    def test_connecting_interrupted_anywhere_and_repeated_ends_well(self, harness: ConnectingHarness) -> None:
        """The entry, the connection, the device."""
        pool = harness.ready()
        volumes: dict[int, VolumeRef] = {}

        def act(nth: int) -> None:
            harness.runtime.hook, hook = None, harness.runtime.hook
            volumes[nth] = harness.made(pool, harness.kinds[0])
            harness.runtime.hook = hook
            harness.arrive(pool, volumes[nth])
            harness.leave(pool, volumes[nth])

        def check(nth: int, failpoint: str) -> None:
            volume = volumes[nth]
            if not harness.hosts_of(pool, volume):
                harness.driver.connect(pool, volume, MEMBER)
            harness.driver.find_device(pool, volume, harness.keeper)
            assert isinstance(harness.driver.look_device(pool, volume), Present), failpoint
            harness.leave(pool, volume)
            assert harness.hosts_of(pool, volume) == [], failpoint

        assert harness.each_failure(act, check) > 0

    @pytest.mark.parametrize("fs", ["ext4", "xfs"])
    def test_a_file_system_is_made_on_the_device_and_is_whole_only_then(
        self, harness: ConnectingHarness, fs: FileSystem
    ) -> None:
        """What is made and not formatted is unfinished."""
        pool, kind = harness.ready(), Kind("filesystem", fs, harness.filesystems[fs])
        volume, making = harness.volume(kind), harness.making()
        harness.driver.make_volume(pool, volume, making)
        found = harness.driver.look_volume(pool, volume)
        assert isinstance(found, Present)
        assert found.facts.blank
        assert [(item.kind, item.operation) for item in harness.driver.inventory(pool)] == [
            ("unfinished", making.operation)
        ]
        with harness.reachable(pool, volume) as known:
            harness.format(pool, known)
        facts_match(harness, pool, known, making.operation)
        found = harness.driver.look_volume(pool, known)
        assert isinstance(found, Present)
        assert not found.facts.blank
        with harness.reachable(pool, known), harness.driver.access(pool, known) as access:
            formats.check(access.fd, fs, known.fs_uuid or "", harness.kernel)

    def test_a_busy_device_says_by_whom_and_stays_with_its_connection(self, harness: ConnectingHarness) -> None:
        """Nothing is cut below whoever uses it."""
        pool = harness.ready()
        volume = harness.made(pool, harness.kinds[0])
        path = harness.arrive(pool, volume)
        with harness.holding(path):
            with pytest.raises(Again, match="device busy"):
                harness.driver.remove_device(pool, volume, harness.keeper)
            with pytest.raises(InUse):
                harness.driver.remove_volume(pool, volume, harness.keeper)
            assert len(harness.hosts_of(pool, volume)) == 1
            found = harness.driver.look_device(pool, volume)
            assert isinstance(found, Present)
            assert found.facts.holders
        harness.leave(pool, volume)

    def test_another_volumes_device_is_foreign(self, harness: ConnectingHarness) -> None:
        """A number that is used again shows what is not ours."""
        pool = harness.ready()
        volume = harness.made(pool, harness.kinds[0])
        harness.made(pool, harness.kinds[0])
        with harness.wrong_device():
            harness.driver.connect(pool, volume, MEMBER)
            harness.driver.find_device(pool, volume, harness.keeper)
            assert isinstance(harness.driver.look_device(pool, volume), ForeignObject)
            with pytest.raises(HoldfastError), harness.driver.access(pool, volume):
                pass
        for host in harness.hosts_of(pool, volume):
            harness.driver.disconnect(pool, volume, host)

    def test_a_device_that_does_not_come_is_absent(self, harness: ConnectingHarness) -> None:
        """However often it is looked for."""
        pool = harness.ready()
        volume = harness.made(pool, harness.kinds[0])
        with harness.no_device():
            harness.driver.connect(pool, volume, MEMBER)
            harness.driver.find_device(pool, volume, harness.keeper)
            assert isinstance(harness.driver.look_device(pool, volume), Absent)
        harness.removed(pool, volume)

    def test_a_connected_volume_is_removed_device_first_then_every_host_of_ours(
        self, harness: ConnectingHarness
    ) -> None:
        """A dead member's connection would block it for ever."""
        pool = harness.ready()
        volume = harness.made(pool, harness.kinds[0])
        harness.arrive(pool, volume)
        harness.connect_dead(pool, volume)
        assert len(harness.hosts_of(pool, volume)) == 2
        harness.removed(pool, volume)
        assert isinstance(harness.driver.removed_volume(pool, volume), Absent)
        assert isinstance(harness.driver.look_device(pool, volume), Absent)
        assert not harness.remains(pool, volume)

    def test_a_strangers_connection_blocks_the_removal_and_is_not_cut(self, harness: ConnectingHarness) -> None:
        """Its host is named."""
        pool = harness.ready()
        volume = harness.made(pool, harness.kinds[0])
        harness.write(pool, volume)
        harness.arrive(pool, volume)
        host = harness.connect_stranger(pool, volume)
        assert host in harness.driver.in_use(pool, volume)
        with pytest.raises(InUse, match=host):
            harness.driver.remove_volume(pool, volume, harness.keeper)
        assert host in harness.hosts_of(pool, volume)
        assert isinstance(harness.driver.look_device(pool, volume), Present), "nothing at all was done"
        harness.driver.disconnect(pool, volume, host)
        assert harness.reads_back(pool, volume)
        harness.removed(pool, volume)

    def test_a_removal_of_a_connected_volume_interrupted_anywhere_ends_well(self, harness: ConnectingHarness) -> None:
        """Each arrow of its states can be the last before a crash."""
        pool = harness.ready()
        volumes: dict[int, VolumeRef] = {}

        def act(nth: int) -> None:
            harness.runtime.hook, hook = None, harness.runtime.hook
            volumes[nth] = harness.made(pool, harness.kinds[0])
            harness.arrive(pool, volumes[nth])
            harness.connect_dead(pool, volumes[nth])
            harness.runtime.hook = hook
            harness.removed(pool, volumes[nth])

        def check(nth: int, failpoint: str) -> None:
            harness.removed(pool, volumes[nth])
            assert isinstance(harness.driver.removed_volume(pool, volumes[nth]), Absent), failpoint
            assert isinstance(harness.driver.look_device(pool, volumes[nth]), Absent), failpoint
            assert not harness.remains(pool, volumes[nth]), failpoint

        assert harness.each_failure(act, check) > 0

    def test_a_volume_grows_and_never_shrinks(self, harness: ConnectingHarness) -> None:
        """And keeps what is in it, and its connections."""
        pool = harness.ready()
        volume = harness.made(pool, harness.kinds[0])
        harness.write(pool, volume)
        harness.arrive(pool, volume)
        for size in (2 * volume.size, volume.size):
            harness.driver.resize_volume(pool, volume, size)
            found = harness.driver.look_volume(pool, volume)
            assert isinstance(found, Present)
            assert found.facts.size == 2 * volume.size
        assert len(harness.hosts_of(pool, volume)) == 1
        assert harness.reads_back(pool, volume)
        harness.leave(pool, volume)

    def test_all_connections_are_listed_in_few_requests(self, harness: ConnectingHarness) -> None:
        """Not in one for each volume."""
        pool = harness.ready()
        volumes = [harness.made(pool, harness.kinds[0]) for _ in range(10)]
        for volume in volumes:
            harness.driver.connect(pool, volume, MEMBER)
        before = harness.requests()
        listed = harness.driver.all_connections(pool)
        assert harness.requests() - before <= 2
        assert {uid: [each.member for each in found] for uid, found in listed.items()} == {
            volume.uid: [MEMBER] for volume in volumes
        }
        for volume in volumes:
            harness.removed(pool, volume)
