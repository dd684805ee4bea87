"""The conformance suite of drivers: every verb of `holdfast.drivers.contract`, and how Unknown and Foreign arise.

Subclass `PoolConformance` and `VolumeConformance` in a test module, and provide a fixture `harness`
(a `holdfast.testing.conformance.harness.Harness`) and a fixture `kind`, one of its kinds.
"""

import os

import msgspec
import pytest

from holdfast.drivers.contract import Absent, ForeignObject, PoolRef, Present, Unknown, VolumeRef
from holdfast.model.errors import Again, Foreign, HoldfastError, InUse, Invalid, NotFound
from holdfast.testing.conformance.harness import OTHER_OWNER, OWNER, Harness, Kind


def facts_match(harness: Harness, pool: PoolRef, volume: VolumeRef, operation: str = "") -> None:
    """The volume is there, whole, and as it was asked for."""
    found = harness.driver.look_volume(pool, volume)
    assert isinstance(found, Present), found
    seen = found.facts
    assert (seen.name, seen.size, seen.content, seen.fs, seen.fs_uuid) == (
        volume.name, volume.size, volume.content, volume.fs, volume.fs_uuid,
    )  # fmt: skip
    assert seen.tidy
    assert operation in ("", seen.operation)


def unreachable(harness: Harness, pool: PoolRef, volume: VolumeRef) -> None:
    """Nothing is believed, nothing is done: every look is Unknown, every act raises Again."""
    driver = harness.driver
    making = harness.making()
    assert isinstance(driver.look_pool(pool), Unknown)
    assert isinstance(driver.look_volume(pool, volume), Unknown)
    assert isinstance(driver.removed_volume(pool, volume), Unknown)
    assert isinstance(driver.unmade_volume(pool, volume, making), Unknown)
    for act in (
        lambda: driver.capacity(pool),
        lambda: list(driver.inventory(pool)),
        lambda: driver.stamp(pool, 99),
        lambda: driver.make_volume(pool, harness.volume(harness.kinds[0]), making),
        lambda: driver.unmake_volume(pool, volume, making),
        lambda: driver.remove_volume(pool, volume),
        lambda: driver.rename_volume(pool, volume, "other"),
        lambda: driver.persist_volume(pool, volume),
        lambda: driver.in_use(pool, volume),
        lambda: driver.access(pool, volume).__enter__(),
    ):
        with pytest.raises((Again, OSError)):
            act()


class PoolConformance:
    """Pools: the mark, the identity, and what is in the place."""

    def test_an_empty_place_is_absent_only_where_it_is_the_recorded_one(self, harness: Harness) -> None:
        """An empty listing of a place that did not prove its identity is Unknown."""
        pool = harness.pool()
        assert isinstance(harness.driver.look_pool(pool), Unknown)
        known = msgspec.structs.replace(pool, identity=harness.driver.identity(pool))
        assert isinstance(harness.driver.look_pool(known), Absent)
        other = msgspec.structs.replace(pool, identity=dict.fromkeys(known.identity, "0"))
        assert isinstance(harness.driver.look_pool(other), Unknown)

    def test_a_made_pool_is_present_with_its_identity_and_counter(self, harness: Harness) -> None:
        """Whatever identity was recorded before."""
        pool = harness.ready()
        found = harness.driver.look_pool(pool)
        assert isinstance(found, Present)
        assert found.facts.identity == pool.identity == harness.driver.identity(pool)
        assert found.facts.counter == 0
        harness.driver.persist_pool(pool)

    def test_identities_of_places_differ(self, harness: Harness) -> None:
        """Else one empty place would prove the absence of another's pool."""
        assert harness.driver.identity(harness.pool()) != harness.driver.identity(harness.pool())

    def test_the_configuration_is_canonical_and_an_unknown_option_is_told(self, harness: Harness) -> None:
        """`place` is what no other pool may share."""
        config = harness.pool().config
        assert harness.driver.validate(config) == config
        assert harness.driver.place(config)
        with pytest.raises(Invalid, match="colour"):
            harness.driver.validate({**config, "colour": "red"})
        with pytest.raises(Invalid):
            harness.driver.validate({})

    def test_a_place_that_is_not_empty_is_never_taken(self, harness: Harness) -> None:
        """What is there was somebody's."""
        pool = harness.pool()
        what = harness.put_stranger(pool)
        with pytest.raises(Foreign):
            harness.driver.make_pool(pool, harness.making())
        assert harness.has_stranger(pool, what)
        assert not isinstance(harness.driver.look_pool(pool), Present)

    @pytest.mark.parametrize("change", [{"uid": "f" * 32}, {"owner": OTHER_OWNER}])
    def test_anothers_mark_is_foreign_and_stays(self, harness: Harness, change: dict[str, str]) -> None:
        """Neither another owner's pool nor another pool of this owner."""
        pool = harness.ready()
        volume = harness.made(pool, harness.kinds[0])
        other = msgspec.structs.replace(pool, **change)
        driver = harness.driver
        assert isinstance(driver.look_pool(other), ForeignObject)
        assert isinstance(driver.look_volume(other, volume), ForeignObject)
        for act in (
            lambda: driver.remove_pool(other, "0" * 32),
            lambda: driver.make_pool(other, harness.making()),
            lambda: driver.stamp(other, 7),
            lambda: driver.remove_volume(other, volume),
            lambda: list(driver.inventory(other)),
        ):
            with pytest.raises(HoldfastError) as caught:
                act()
            assert isinstance(caught.value, (Foreign, Again, InUse))
        facts_match(harness, pool, volume)

    def test_making_interrupted_anywhere_and_repeated_ends_well(self, harness: Harness) -> None:
        """Each act begins from what it finds."""
        pools: dict[int, tuple[PoolRef, str]] = {}

        def act(nth: int) -> None:
            pools[nth] = (harness.pool(), harness.runtime.new_id())
            harness.driver.make_pool(pools[nth][0], harness.making(pools[nth][1]))

        def check(nth: int, failpoint: str) -> None:
            pool, operation = pools[nth]
            known = msgspec.structs.replace(pool, identity=harness.driver.identity(pool))
            if not isinstance(harness.driver.look_pool(known), Present):
                harness.driver.make_pool(pool, harness.making(operation, 2))
            assert isinstance(harness.driver.look_pool(pool), Present), failpoint
            assert list(harness.driver.inventory(pool)) == [], failpoint

        assert harness.each_failure(act, check) > 0

    def test_making_interrupted_anywhere_can_be_undone(self, harness: Harness) -> None:
        """Nothing of it is left, and the place can be taken again."""
        pools: dict[int, tuple[PoolRef, str]] = {}

        def act(nth: int) -> None:
            pools[nth] = (harness.pool(), harness.runtime.new_id())
            harness.driver.make_pool(pools[nth][0], harness.making(pools[nth][1]))

        def check(nth: int, failpoint: str) -> None:
            pool, operation = pools[nth]
            known = msgspec.structs.replace(pool, identity=harness.driver.identity(pool))
            harness.driver.remove_pool(known, operation)
            assert isinstance(harness.driver.look_pool(known), Absent), failpoint
            assert harness.driver.pool_leftovers(known, operation) == [], failpoint
            harness.driver.make_pool(pool, harness.making())

        harness.each_failure(act, check)

    def test_removing_interrupted_anywhere_and_repeated_ends_well(self, harness: Harness) -> None:
        """The mark goes last, so until then it is Present."""
        pools: dict[int, PoolRef] = {}

        def prepare(nth: int) -> PoolRef:
            harness.runtime.hook, hook = None, harness.runtime.hook
            pools[nth] = harness.ready()
            harness.runtime.hook = hook
            return pools[nth]

        def check(nth: int, failpoint: str) -> None:
            harness.driver.remove_pool(pools[nth], "0" * 32)
            assert isinstance(harness.driver.look_pool(pools[nth]), Absent), failpoint

        assert harness.each_failure(lambda nth: harness.driver.remove_pool(prepare(nth), "0" * 32), check) > 0

    def test_a_pool_that_holds_anything_is_not_removed(self, harness: Harness) -> None:
        """Neither with a volume nor with a stranger in it."""
        pool = harness.ready()
        volume = harness.made(pool, harness.kinds[0])
        with pytest.raises(InUse):
            harness.driver.remove_pool(pool, "0" * 32)
        facts_match(harness, pool, volume)
        harness.removed(pool, volume)
        what = harness.put_stranger(pool)
        with pytest.raises(InUse):
            harness.driver.remove_pool(pool, "0" * 32)
        assert harness.has_stranger(pool, what)

    def test_a_hidden_place_is_unknown_in_every_verb_and_loses_nothing(self, harness: Harness) -> None:
        """An unmounted disk shows an empty mount point."""
        pool = harness.ready()
        volume = harness.made(pool, harness.kinds[0])
        harness.write(pool, volume)
        with harness.hidden(pool):
            unreachable(harness, pool, volume)
        facts_match(harness, pool, volume)
        assert harness.reads_back(pool, volume)
        assert [item.uid for item in harness.driver.inventory(pool)] == [volume.uid]

    def test_an_unreadable_mark_is_unknown_in_every_verb_and_loses_nothing(self, harness: Harness) -> None:
        """A read error is never an absence."""
        pool = harness.ready()
        volume = harness.made(pool, harness.kinds[0])
        with harness.unreadable(pool):
            unreachable(harness, pool, volume)
        facts_match(harness, pool, volume)

    def test_the_counter_only_goes_up(self, harness: Harness) -> None:
        """An older database must not hide behind its own stamp."""
        pool = harness.ready()
        for counter, seen in ((5, 5), (3, 5), (5, 5), (6, 6)):
            harness.driver.stamp(pool, counter)
            found = harness.driver.look_pool(pool)
            assert isinstance(found, Present)
            assert found.facts.counter == seen

    def test_a_stamp_interrupted_anywhere_leaves_a_readable_mark(self, harness: Harness) -> None:
        """The old counter or the new one, and nothing that the inventory would report."""
        pool = harness.ready()

        def check(nth: int, failpoint: str) -> None:
            found = harness.driver.look_pool(pool)
            assert isinstance(found, Present), failpoint
            assert found.facts.counter in (nth - 1, nth), failpoint
            assert list(harness.driver.inventory(pool)) == [], failpoint
            harness.driver.stamp(pool, nth)

        assert harness.each_failure(lambda nth: harness.driver.stamp(pool, nth), check) > 0

    def test_capacity_is_of_the_place(self, harness: Harness) -> None:
        """In bytes."""
        room = harness.driver.capacity(harness.ready())
        assert room.total >= room.free > 0

    def test_the_inventory_lists_all_with_its_owner(self, harness: Harness) -> None:
        """Volumes, what is unfinished and by which operation, and what is not ours."""
        pool = harness.ready()
        volume = harness.made(pool, harness.kinds[0])
        half, making = harness.volume(harness.kinds[0]), harness.making()
        nth = 0
        while not any(item.kind == "unfinished" for item in harness.driver.inventory(pool)):
            nth += 1
            with harness.broken_at(nth), pytest.raises(OSError, match="failpoint"):
                harness.driver.make_volume(pool, half, making)
        harness.put_stranger(pool)
        found = {(item.kind, item.uid, item.operation) for item in harness.driver.inventory(pool)}
        assert found == {
            ("volume", volume.uid, ""), ("unfinished", half.uid, making.operation), ("foreign", "", ""),
        }  # fmt: skip


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
                if harness.driver.remove_volume(pool, volume):
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
                harness.driver.remove_volume(pool, volume)
            facts_match(harness, pool, volume)
        assert harness.reads_back(pool, volume)
        assert harness.driver.in_use(pool, volume) == ""

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
            driver.remove_volume(pool, volume)
        with pytest.raises(HoldfastError), driver.access(pool, volume):
            pass
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

    def test_access_gives_what_can_be_mounted_and_holds_nothing_afterwards(self, harness: Harness, kind: Kind) -> None:
        """A held descriptor would make the administrator's umount busy."""
        pool = harness.ready()
        volume = harness.made(pool, kind)
        before = len(os.listdir("/proc/self/fd"))
        with harness.driver.access(pool, volume) as access:
            assert access.kind == ("tree" if kind.content == "directory" else "image")
            info = os.fstat(access.fd)
            assert kind.content == "directory" or info.st_size == kind.size
        assert len(os.listdir("/proc/self/fd")) == before
        assert pool.owner == OWNER
