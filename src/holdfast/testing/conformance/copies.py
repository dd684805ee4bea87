"""The conformance of snapshots, copies and restores: see `holdfast.testing.conformance.drivers`."""

import msgspec
import pytest

from holdfast.drivers.contract import Absent, Making, PoolRef, Present, VolumeRef
from holdfast.host.signatures import Holds
from holdfast.model.errors import HoldfastError, InUse, NotFound, Refused
from holdfast.testing.conformance.checks import facts_match
from holdfast.testing.conformance.harness import Harness, Kind

# Of a file system whose image is attached: what uses it may be no mount.
_MOUNTED_OR_NOT = ("idle", "frozen")


class CopyConformance:
    """Snapshots of volumes of one kind, what is made of them, and the way back to them."""

    @pytest.fixture(autouse=True)
    def _offered(self, harness: Harness) -> None:
        if not harness.driver.info.snapshots:
            pytest.skip("this driver takes no snapshots")

    def test_a_snapshot_holds_what_its_volume_held_and_is_one_more_object(self, harness: Harness, kind: Kind) -> None:
        """Whatever becomes of the volume; every verb that takes a volume takes it."""
        driver, pool = harness.driver, harness.ready()
        volume = harness.made(pool, kind)
        harness.write(pool, volume)
        snapshot, making = taken_of(harness, volume), harness.making()
        assert isinstance(driver.look_volume(pool, snapshot), Absent)
        copied(harness, pool, volume, snapshot, making)
        facts_match(harness, pool, snapshot, making.operation)
        found = driver.look_volume(pool, snapshot)
        assert isinstance(found, Present)
        assert (found.facts.of, found.facts.taken) == (volume.uid, "idle")
        assert sorted(item.uid for item in driver.inventory(pool)) == sorted((volume.uid, snapshot.uid))
        driver.persist_volume(pool, snapshot)
        assert driver.usage(pool, snapshot, lambda: False).complete
        harness.removed(pool, volume)
        assert harness.reads_back(pool, snapshot)
        driver.rename_volume(pool, snapshot, "other")
        facts_match(harness, pool, msgspec.structs.replace(snapshot, name="other"))
        harness.removed(pool, snapshot)
        assert not harness.remains(pool, snapshot)
        assert harness.keeper.alive == []

    def test_a_snapshot_does_not_follow_its_volume(self, harness: Harness, kind: Kind) -> None:
        """What is written later is not in it."""
        pool = harness.ready()
        volume = harness.made(pool, kind)
        snapshot = taken_of(harness, volume)
        copied(harness, pool, volume, snapshot)
        harness.write(pool, volume)
        assert harness.reads_back(pool, volume)
        assert not harness.reads_back(pool, snapshot)

    def test_what_changed_between_two_snapshots_is_told(self, harness: Harness, kind: Kind) -> None:
        """By images, from any byte on; and not of what somebody may write to."""
        driver, pool = harness.driver, harness.ready()
        volume = harness.made(pool, kind)
        older, newer = taken_of(harness, volume), taken_of(harness, volume)
        copied(harness, pool, volume, older)
        try:
            assert _changed(harness, pool, older, older) == 0
        except Refused:
            return
        harness.write(pool, volume)
        copied(harness, pool, volume, newer)
        assert _changed(harness, pool, older, newer) > 0
        assert _changed(harness, pool, newer, volume) == 0
        with driver.changed(pool, older, newer, newer.size) as changes:
            assert list(changes.stretches) == []
        with harness.in_use(pool, volume), pytest.raises(InUse), driver.changed(pool, older, volume):
            pass
        harness.removed(pool, older)
        with pytest.raises(NotFound), driver.changed(pool, older, newer):
            pass

    def test_a_volume_in_use_has_a_snapshot_that_says_so_or_is_refused(self, harness: Harness, kind: Kind) -> None:
        """And whoever uses it can go on."""
        pool = harness.ready()
        volume = harness.made(pool, kind)
        harness.write(pool, volume)
        snapshot, making = taken_of(harness, volume), harness.making()
        with harness.in_use(pool, volume):
            try:
                copied(harness, pool, volume, snapshot, making)
            except HoldfastError as error:
                assert (kind.content, error.code) == ("block", "refused")
                while not harness.driver.unmake_volume(pool, snapshot, making):
                    pass
                assert not harness.remains(pool, snapshot)
                return
            finally:
                harness.driver.let_go(pool, volume, snapshot, making)
            found = harness.driver.look_volume(pool, snapshot)
            assert isinstance(found, Present)
            assert found.facts.taken in {"directory": ("live", "synced"), "block": ("synced",)}.get(
                kind.content, _MOUNTED_OR_NOT
            )
        assert harness.reads_back(pool, snapshot)

    def test_a_copy_has_an_identity_of_its_own(self, harness: Harness, kind: Kind) -> None:
        """Of a volume, and of a snapshot; it is no snapshot, and both can be used side by side."""
        pool = harness.ready()
        volume = harness.made(pool, kind)
        harness.write(pool, volume)
        snapshot = taken_of(harness, volume)
        copied(harness, pool, volume, snapshot)
        for source in (volume, snapshot):
            clone = harness.volume(kind)
            copied(harness, pool, source, clone)
            facts_match(harness, pool, clone)
            found = harness.driver.look_volume(pool, clone)
            assert isinstance(found, Present)
            assert (found.facts.of, found.facts.taken) == ("", None)
            assert clone.fs_uuid is None or clone.fs_uuid != volume.fs_uuid
            if kind.fs:
                with harness.reachable(pool, clone) as known, harness.driver.access(pool, known) as access:
                    assert harness.holds(access.fd) == Holds(kind.fs, clone.fs_uuid or "")
            assert harness.reads_back(pool, clone)
            with harness.in_use(pool, clone):
                assert harness.driver.in_use(pool, clone)

    def test_a_copy_interrupted_anywhere_and_repeated_ends_well(self, harness: Harness, kind: Kind) -> None:
        """As a making; its source is as before."""
        pool = harness.ready()
        volume = harness.made(pool, kind)
        harness.write(pool, volume)
        begun: dict[int, tuple[VolumeRef, str]] = {}

        def act(nth: int) -> None:
            begun[nth] = (taken_of(harness, volume), harness.runtime.new_id())
            copied(harness, pool, volume, begun[nth][0], harness.making(begun[nth][1]))

        def check(nth: int, failpoint: str) -> None:
            snapshot, operation = begun[nth]
            found = harness.driver.look_volume(pool, snapshot)
            assert isinstance(found, Absent | Present), failpoint
            if isinstance(found, Absent):
                copied(harness, pool, volume, snapshot, harness.making(operation, 2))
            facts_match(harness, pool, snapshot, operation)
            assert harness.reads_back(pool, snapshot), failpoint
            harness.removed(pool, snapshot)
            assert [item.kind for item in harness.driver.inventory(pool)] == ["volume"], failpoint

        assert harness.each_failure(act, check) > 0
        assert harness.reads_back(pool, volume)

    def test_a_copy_interrupted_anywhere_can_be_undone(self, harness: Harness, kind: Kind) -> None:
        """Published or not."""
        pool = harness.ready()
        volume = harness.made(pool, kind)
        begun: dict[int, tuple[VolumeRef, str]] = {}

        def act(nth: int) -> None:
            begun[nth] = (harness.volume(kind), harness.runtime.new_id())
            copied(harness, pool, volume, begun[nth][0], harness.making(begun[nth][1]))

        def check(nth: int, failpoint: str) -> None:
            clone, operation = begun[nth]
            making = harness.making(operation, 2)
            harness.driver.let_go(pool, volume, clone, making)
            while not harness.driver.unmake_volume(pool, clone, making):
                pass
            assert isinstance(harness.driver.unmade_volume(pool, clone, making), Absent), failpoint
            assert not harness.remains(pool, clone), failpoint
            assert [item.uid for item in harness.driver.inventory(pool)] == [volume.uid], failpoint

        harness.each_failure(act, check)

    def test_a_copy_goes_in_rounds_that_a_crash_does_not_lose(self, harness: Harness, kind: Kind) -> None:
        """Of what cannot be shared: each round says how far it came, and another process goes on from there."""
        pool = harness.ready()
        volume = harness.made(pool, kind)
        harness.write(pool, volume)
        snapshot, operation, progress = taken_of(harness, volume), harness.runtime.new_id(), ""
        with harness.hurry():
            for _ in range(3):
                more = harness.driver.copy_volume(pool, volume, snapshot, harness.making(operation), progress)
                if more is None:
                    break
                assert isinstance(harness.driver.look_volume(pool, snapshot), Absent)
                assert more != progress
                progress = more
        if not isinstance(harness.driver.look_volume(pool, snapshot), Present):
            copied(harness, pool, volume, snapshot, harness.making(operation), progress)
        facts_match(harness, pool, snapshot, operation)
        assert harness.reads_back(pool, snapshot)

    def test_a_restored_volume_holds_what_its_snapshot_held(self, harness: Harness, kind: Kind) -> None:
        """And can be restored to another one then; the snapshots stay."""
        driver, pool = harness.driver, harness.ready()
        volume = harness.made(pool, kind)
        empty, full = taken_of(harness, volume), taken_of(harness, volume)
        copied(harness, pool, volume, empty)
        harness.write(pool, volume)
        copied(harness, pool, volume, full)
        for snapshot in (empty, full, empty):
            making = harness.making()
            if harness.stages:
                staged(harness, pool, volume, snapshot, making)
                assert isinstance(driver.look_staged(pool, volume, making.operation), Present)
                assert isinstance(driver.left_of_restore(pool, volume, making.operation), Present)
            driver.swap_restore(pool, volume, snapshot, making.operation)
            facts_match(harness, pool, volume, making.operation)
            assert harness.reads_back(pool, volume) == (snapshot is full)
            _tidied(harness, pool, volume, making.operation)
            assert isinstance(driver.left_of_restore(pool, volume, making.operation), Absent)
        assert {item.uid for item in driver.inventory(pool)} == {volume.uid, empty.uid, full.uid}
        assert harness.keeper.alive == []

    def test_a_restore_interrupted_anywhere_is_the_old_or_the_new_and_ends_well(
        self, harness: Harness, kind: Kind
    ) -> None:
        """Never a mix, and never neither. What is overwritten in one act bears its operation only then."""
        driver, pool = harness.driver, harness.ready()
        volume = harness.made(pool, kind)
        snapshot = taken_of(harness, volume)
        copied(harness, pool, volume, snapshot)
        harness.write(pool, volume)
        full = taken_of(harness, volume)
        copied(harness, pool, volume, full)
        begun: dict[int, str] = {}

        def play(making: Making) -> None:
            if harness.stages and not isinstance(driver.look_staged(pool, volume, making.operation), Present):
                staged(harness, pool, volume, snapshot, making)
            driver.swap_restore(pool, volume, snapshot, making.operation)

        def act(nth: int) -> None:
            begun[nth] = harness.runtime.new_id()
            play(harness.making(begun[nth]))

        def check(nth: int, failpoint: str) -> None:
            found = driver.look_volume(pool, volume)
            assert isinstance(found, Present), failpoint
            swapped = found.facts.operation == begun[nth]
            if swapped or harness.stages:
                assert harness.reads_back(pool, volume) != swapped, failpoint
            if not swapped:
                play(harness.making(begun[nth], 2))
            assert not harness.reads_back(pool, volume), failpoint
            _tidied(harness, pool, volume, begun[nth])
            again = harness.making()
            if harness.stages:
                staged(harness, pool, volume, full, again)
            driver.swap_restore(pool, volume, full, again.operation)
            _tidied(harness, pool, volume, again.operation)
            assert harness.reads_back(pool, volume), failpoint
            assert len(list(driver.inventory(pool))) == 3, failpoint

        assert harness.each_failure(act, check) > 0

    def test_a_volume_in_use_is_not_restored(self, harness: Harness, kind: Kind) -> None:
        """What was staged can be discarded."""
        driver, pool = harness.driver, harness.ready()
        volume = harness.made(pool, kind)
        snapshot, making = taken_of(harness, volume), harness.making()
        copied(harness, pool, volume, snapshot)
        harness.write(pool, volume)
        if harness.stages:
            staged(harness, pool, volume, snapshot, making)
        with harness.in_use(pool, volume), pytest.raises(InUse):
            driver.swap_restore(pool, volume, snapshot, making.operation)
        _tidied(harness, pool, volume, making.operation)
        assert harness.reads_back(pool, volume)
        assert len(list(driver.inventory(pool))) == 2


def taken_of(harness: Harness, volume: VolumeRef) -> VolumeRef:
    """A snapshot that is not taken yet."""
    return msgspec.structs.replace(volume, uid=harness.runtime.new_id(), name="monday", of=volume.uid, identity={})


def _changed(harness: Harness, pool: PoolRef, older: VolumeRef, newer: VolumeRef) -> int:
    """Bytes."""
    with harness.driver.changed(pool, older, newer) as changes:
        told = list(changes.stretches)
    assert [each.start for each in told] == [0, *(each.end for each in told[:-1])]
    assert told[-1].end == newer.size
    return sum(each.end - each.start for each in told if each.changed)


def copied(
    harness: Harness, pool: PoolRef, source: VolumeRef, volume: VolumeRef, making: Making | None = None,
    progress: str = "",
) -> None:  # fmt: skip
    """Copy it, whatever rounds that takes."""
    making = making or harness.making()
    while (more := harness.driver.copy_volume(pool, source, volume, making, progress)) is not None:
        assert more != progress, "the copy makes no progress"
        progress = more


def _tidied(harness: Harness, pool: PoolRef, volume: VolumeRef, operation: str) -> None:
    while not harness.driver.discard_restore(pool, volume, operation):
        pass


def staged(harness: Harness, pool: PoolRef, volume: VolumeRef, snapshot: VolumeRef, making: Making) -> None:
    """Stage it, whatever rounds that takes."""
    progress = ""
    while (more := harness.driver.stage_restore(pool, volume, snapshot, making, progress)) is not None:
        assert more != progress, "the copy makes no progress"
        progress = more
