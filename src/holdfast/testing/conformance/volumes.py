"""The conformance of volumes: see `holdfast.testing.conformance.drivers`."""

import msgspec
import pytest

from holdfast.drivers.contract import Absent, ForeignObject, Present, VolumeRef
from holdfast.model.errors import Foreign, HoldfastError, InUse, NotFound
from holdfast.model.sizes import SECTOR
from holdfast.testing.conformance.checks import facts_match
from holdfast.testing.conformance.harness import OWNER, Harness, Kind


class VolumeConformance:
    """Volumes of one kind."""

    def test_what_was_never_made_is_absent(self, harness: Harness, kind: Kind) -> None:
        """In every look, and access says so."""
        pool, volume = harness.ready(), harness.volume(kind)
        assert isinstance(harness.driver.look_volume(pool, volume), Absent)
        assert isinstance(harness.driver.removed_volume(pool, volume), Absent)
        assert isinstance(harness.driver.unmade_volume(pool, volume, harness.making()), Absent)
        assert harness.driver.in_use(pool, volume) == ""
        harness.driver.persist_volume(pool, volume)
        with pytest.raises(NotFound), harness.driver.access(pool, volume):
            pass
        with pytest.raises(NotFound):
            harness.driver.usage(pool, volume, lambda: False)

    def test_a_made_volume_is_present_as_it_was_asked_for(self, harness: Harness, kind: Kind) -> None:
        """Marked with the operation that made it."""
        pool, volume, making = harness.ready(), harness.volume(kind), harness.making()
        harness.driver.make_volume(pool, volume, making)
        facts_match(harness, pool, volume, making.operation)
        harness.driver.persist_volume(pool, volume)
        assert [(item.kind, item.uid) for item in harness.driver.inventory(pool)] == [("volume", volume.uid)]
        assert harness.keeper.alive == []

    def test_making_again_never_replaces_what_was_published(self, harness: Harness, kind: Kind) -> None:
        """Whoever asks."""
        pool = harness.ready()
        volume = harness.made(pool, kind)
        harness.write(pool, volume)
        with pytest.raises((HoldfastError, OSError)):
            harness.driver.make_volume(pool, volume, harness.making())
        facts_match(harness, pool, volume)
        assert harness.reads_back(pool, volume)

    def test_making_interrupted_anywhere_and_repeated_ends_well(self, harness: Harness, kind: Kind) -> None:
        """The next attempt discards what the earlier ones left."""
        pool = harness.ready()
        begun: dict[int, tuple[VolumeRef, str]] = {}

        def act(nth: int) -> None:
            begun[nth] = (harness.volume(kind), harness.runtime.new_id())
            harness.driver.make_volume(pool, begun[nth][0], harness.making(begun[nth][1]))

        def check(nth: int, failpoint: str) -> None:
            volume, operation = begun[nth]
            found = harness.driver.look_volume(pool, volume)
            assert isinstance(found, (Absent, Present)), failpoint
            if isinstance(found, Absent):
                harness.driver.make_volume(pool, volume, harness.making(operation, 2))
            facts_match(harness, pool, volume, operation)
            assert not [item for item in harness.driver.inventory(pool) if item.kind != "volume"], failpoint
            harness.removed(pool, volume)

        assert harness.each_failure(act, check) > 0

    def test_making_interrupted_anywhere_can_be_undone(self, harness: Harness, kind: Kind) -> None:
        """Published or not, and by any number of attempts."""
        pool = harness.ready()
        begun: dict[int, tuple[VolumeRef, str]] = {}

        def act(nth: int) -> None:
            begun[nth] = (harness.volume(kind), harness.runtime.new_id())
            harness.driver.make_volume(pool, begun[nth][0], harness.making(begun[nth][1]))

        def check(nth: int, failpoint: str) -> None:
            volume, operation = begun[nth]
            making = harness.making(operation, 2)
            while not harness.driver.unmake_volume(pool, volume, making):
                pass
            assert isinstance(harness.driver.unmade_volume(pool, volume, making), Absent), failpoint
            assert isinstance(harness.driver.look_volume(pool, volume), Absent), failpoint
            assert not harness.remains(pool, volume), failpoint
            assert list(harness.driver.inventory(pool)) == [], failpoint

        harness.each_failure(act, check)

    def test_undoing_a_making_leaves_another_operations_volume_alone(self, harness: Harness, kind: Kind) -> None:
        """Undo touches only what this operation made."""
        pool = harness.ready()
        volume = harness.made(pool, kind)
        other = harness.making()
        assert isinstance(harness.driver.unmade_volume(pool, volume, other), ForeignObject)
        harness.driver.unmake_volume(pool, volume, other)
        facts_match(harness, pool, volume)

    def test_a_removed_volume_leaves_nothing(self, harness: Harness, kind: Kind) -> None:
        """And a removal is repeatable."""
        pool = harness.ready()
        volume = harness.made(pool, kind)
        for _ in range(2):
            harness.removed(pool, volume)
            assert isinstance(harness.driver.look_volume(pool, volume), Absent)
            assert isinstance(harness.driver.removed_volume(pool, volume), Absent)
            assert list(harness.driver.inventory(pool)) == []
            assert not harness.remains(pool, volume)
        harness.driver.persist_volume(pool, volume)

    def test_a_removal_interrupted_anywhere_is_not_absent_before_its_end(self, harness: Harness, kind: Kind) -> None:
        """A delete is never reported before it happened."""
        pool = harness.ready()
        volumes: dict[int, VolumeRef] = {}

        def act(nth: int) -> None:
            harness.runtime.hook, hook = None, harness.runtime.hook
            volumes[nth] = harness.made(pool, kind)
            harness.runtime.hook = hook
            harness.removed(pool, volumes[nth])

        def check(nth: int, failpoint: str) -> None:
            absent = isinstance(harness.driver.removed_volume(pool, volumes[nth]), Absent)
            assert absent != harness.remains(pool, volumes[nth]), failpoint
            assert absent == (list(harness.driver.inventory(pool)) == []), failpoint
            harness.removed(pool, volumes[nth])
            assert isinstance(harness.driver.removed_volume(pool, volumes[nth]), Absent), failpoint

        assert harness.each_failure(act, check) > 0

    def test_a_removal_goes_in_rounds_and_says_whether_more_is_left(self, harness: Harness, kind: Kind) -> None:
        """Between rounds it is not Absent."""
        pool = harness.ready()
        volume = harness.made(pool, kind)
        harness.write(pool, volume)
        with harness.hurry():
            for _ in range(3):
                if harness.driver.remove_volume(pool, volume, harness.keeper):
                    break
                assert isinstance(harness.driver.removed_volume(pool, volume), Present)
        harness.removed(pool, volume)
        assert not harness.remains(pool, volume)

    def test_a_volume_in_use_says_by_whom_and_is_not_removed(self, harness: Harness, kind: Kind) -> None:
        """As the kernel says now."""
        pool = harness.ready()
        volume = harness.made(pool, kind)
        harness.write(pool, volume)
        assert harness.driver.in_use(pool, volume) == ""
        with harness.in_use(pool, volume):
            assert harness.driver.in_use(pool, volume)
            with pytest.raises(InUse):
                harness.driver.remove_volume(pool, volume, harness.keeper)
            facts_match(harness, pool, volume)
        assert harness.reads_back(pool, volume)
        assert harness.driver.in_use(pool, volume) == ""

    def test_a_look_at_many_sees_what_looks_at_each_see(self, harness: Harness, kind: Kind) -> None:
        """Whole, absent, another owner's, damaged; and unknown, where the place is not the pool's."""
        pool = harness.ready()
        whole, usurped, damaged, lost = (harness.made(pool, kind) for _ in range(4))
        for harm, volume in ((harness.usurp, usurped), (harness.damage, damaged), (harness.lose, lost)):
            harm(pool, volume)
        volumes, driver = (whole, harness.volume(kind), usurped, damaged, lost), harness.driver
        expected = {volume.uid: driver.look_volume(pool, volume) for volume in volumes}
        assert [type(found) for found in expected.values()] == [Present, Absent, *[ForeignObject] * 3]
        assert driver.look_volumes(pool, volumes) == expected
        assert driver.look_volumes(pool, ()) == {}
        with harness.hidden(pool):
            hidden = driver.look_volumes(pool, volumes)
        assert hidden.keys() == expected.keys(), "each is answered for"
        assert not [found for found in hidden.values() if isinstance(found, Present | Absent)]

    @pytest.mark.parametrize("harm", ["usurp", "damage", "lose"])
    def test_what_does_not_prove_to_be_ours_and_whole_is_left_alone(
        self, harness: Harness, kind: Kind, harm: str
    ) -> None:
        """Another owner's mark, a damaged one, lost data: neither Present nor Absent, and never touched."""
        pool = harness.ready()
        volume = harness.made(pool, kind)
        getattr(harness, harm)(pool, volume)
        driver = harness.driver
        assert isinstance(driver.look_volume(pool, volume), ForeignObject)
        assert isinstance(driver.removed_volume(pool, volume), ForeignObject)
        with pytest.raises(HoldfastError):
            driver.remove_volume(pool, volume, harness.keeper)
        with pytest.raises(HoldfastError), driver.access(pool, volume):
            pass
        with pytest.raises(HoldfastError):
            driver.usage(pool, volume, lambda: False)
        driver.unmake_volume(pool, volume, harness.making())
        assert harness.remains(pool, volume)
        assert [item.uid for item in driver.inventory(pool)] == [volume.uid]

    def test_an_unsaid_harm_would_be_seen(self, harness: Harness, kind: Kind) -> None:
        """The negative control: without the harm the same volume is Present and is removed."""
        pool = harness.ready()
        volume = harness.made(pool, kind)
        facts_match(harness, pool, volume)
        harness.removed(pool, volume)
        assert not harness.remains(pool, volume)

    def test_a_rename_is_seen_and_touches_no_data(self, harness: Harness, kind: Kind) -> None:
        """And is repeatable."""
        pool = harness.ready()
        volume = harness.made(pool, kind)
        harness.write(pool, volume)
        for _ in range(2):
            harness.driver.rename_volume(pool, volume, "other")
            facts_match(harness, pool, msgspec.structs.replace(volume, name="other"))
        assert harness.reads_back(pool, volume)

    def test_a_rename_interrupted_anywhere_has_one_name_and_can_be_repeated(self, harness: Harness, kind: Kind) -> None:
        """The old name or the new one; untidy until somebody tidies."""
        pool = harness.ready()
        volume = harness.made(pool, kind)

        def check(nth: int, failpoint: str) -> None:
            found = harness.driver.look_volume(pool, volume)
            assert isinstance(found, Present), failpoint
            assert found.facts.name in (f"n{nth - 1}", f"n{nth}", volume.name), failpoint
            harness.driver.rename_volume(pool, volume, f"n{nth}")
            facts_match(harness, pool, msgspec.structs.replace(volume, name=f"n{nth}"))

        assert harness.each_failure(lambda nth: harness.driver.rename_volume(pool, volume, f"n{nth}"), check) > 0

    def test_a_rename_of_what_is_not_ours_is_refused(self, harness: Harness, kind: Kind) -> None:
        """Nor of what is not there."""
        pool = harness.ready()
        volume = harness.made(pool, kind)
        harness.usurp(pool, volume)
        with pytest.raises(Foreign):
            harness.driver.rename_volume(pool, volume, "other")
        with pytest.raises((HoldfastError, OSError)):
            harness.driver.rename_volume(pool, harness.volume(kind), "other")

    def test_a_volume_grows_keeps_its_data_and_only_a_directory_shrinks(self, harness: Harness, kind: Kind) -> None:
        """And is repeatable."""
        if not harness.driver.info.resize:
            pytest.skip("this driver resizes nothing")
        pool = harness.ready()
        volume = harness.made(pool, kind)
        harness.write(pool, volume)
        larger = msgspec.structs.replace(volume, size=2 * kind.size)
        for _ in range(2):
            harness.driver.resize_volume(pool, volume, larger.size)
            facts_match(harness, pool, larger)
        harness.driver.persist_volume(pool, volume)
        assert harness.reads_back(pool, volume)
        harness.driver.resize_volume(pool, volume, kind.size)
        facts_match(harness, pool, volume if kind.content == "directory" else larger)
        with harness.reachable(pool, larger) as known, harness.driver.access(pool, known) as access:
            assert kind.content == "directory" or harness.length(access.fd) == larger.size

    def test_a_resize_interrupted_anywhere_is_the_old_size_or_the_new_and_can_be_repeated(
        self, harness: Harness, kind: Kind
    ) -> None:
        """Also to another size than the one that was cut off."""
        if not harness.driver.info.resize:
            pytest.skip("this driver resizes nothing")
        pool = harness.ready()
        volume, sizes = harness.made(pool, kind), [kind.size]

        def act(nth: int) -> None:
            harness.driver.resize_volume(pool, volume, kind.size + 2 * nth * SECTOR)

        def check(nth: int, failpoint: str) -> None:
            found = harness.driver.look_volume(pool, volume)
            assert isinstance(found, Present), failpoint
            assert found.facts.size in (sizes[-1], kind.size + 2 * nth * SECTOR), failpoint
            sizes.append(kind.size + (2 * nth + 1) * SECTOR)
            harness.driver.resize_volume(pool, volume, sizes[-1])
            facts_match(harness, pool, msgspec.structs.replace(volume, size=sizes[-1]))

        assert harness.each_failure(act, check) > 0

    def test_access_gives_what_can_be_mounted_and_holds_nothing_afterwards(self, harness: Harness, kind: Kind) -> None:
        """A held descriptor would make the administrator's umount busy."""
        pool = harness.ready()
        volume = harness.made(pool, kind)
        with harness.reachable(pool, volume) as known:
            before = harness.descriptors()
            with harness.driver.access(pool, known) as access:
                assert access.kind == harness.accessed(kind)
                assert kind.content == "directory" or harness.length(access.fd) == kind.size
            assert harness.descriptors() == before
        assert pool.owner == OWNER

    def test_usage_is_what_the_volume_takes_now_and_holds_nothing_afterwards(
        self, harness: Harness, kind: Kind
    ) -> None:
        """A device is as long as it was made; a tree is as long as its files."""
        pool = harness.ready()
        volume = harness.made(pool, kind)
        before = harness.descriptors()
        empty = harness.driver.usage(pool, volume, lambda: False)
        harness.write(pool, volume)
        harness.driver.persist_volume(pool, volume)
        filled = harness.driver.usage(pool, volume, lambda: False)
        assert harness.descriptors() == before
        assert empty.complete
        assert filled.complete
        assert filled.real >= empty.real >= 0
        if kind.content == "directory":
            assert (empty.apparent, empty.files) == (0, 0)
            assert filled.apparent > 0
            assert filled.files > 0
        else:
            assert filled.apparent == empty.apparent == kind.size
        assert harness.reads_back(pool, volume)

    def test_a_look_at_usage_that_is_stopped_says_that_it_is_not_complete(self, harness: Harness, kind: Kind) -> None:
        """Where there is nothing to count it is complete at once."""
        pool = harness.ready()
        volume = harness.made(pool, kind)
        harness.write(pool, volume)
        whole = harness.driver.usage(pool, volume, lambda: False)
        stopped = harness.driver.usage(pool, volume, lambda: True)
        assert stopped.complete == (kind.content != "directory")
        assert stopped.files <= whole.files
        assert stopped.apparent <= whole.apparent
