"""The conformance of pools: see `holdfast.testing.conformance.drivers`."""

import msgspec
import pytest

from holdfast.drivers.contract import Absent, ForeignObject, PoolRef, Present, Unknown
from holdfast.model.errors import Again, Foreign, HoldfastError, InUse, Invalid
from holdfast.testing.conformance.checks import facts_match, unreachable
from holdfast.testing.conformance.harness import OTHER_OWNER, Harness


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
            lambda: driver.remove_pool(other),
            lambda: driver.make_pool(other, harness.making()),
            lambda: driver.stamp(other, 7),
            lambda: driver.remove_volume(other, volume, harness.keeper),
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
            harness.driver.unmake_pool(known, harness.making(operation))
            assert isinstance(harness.driver.look_pool(known), Absent), failpoint
            assert isinstance(harness.driver.unmade_pool(known, harness.making(operation)), Absent), failpoint
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
            harness.driver.remove_pool(pools[nth])
            assert isinstance(harness.driver.look_pool(pools[nth]), Absent), failpoint

        assert harness.each_failure(lambda nth: harness.driver.remove_pool(prepare(nth)), check) > 0

    def test_a_pool_that_holds_anything_is_not_removed(self, harness: Harness) -> None:
        """Neither with a volume nor with a stranger in it."""
        pool = harness.ready()
        volume = harness.made(pool, harness.kinds[0])
        with pytest.raises(InUse):
            harness.driver.remove_pool(pool)
        facts_match(harness, pool, volume)
        harness.removed(pool, volume)
        what = harness.put_stranger(pool)
        with pytest.raises(InUse):
            harness.driver.remove_pool(pool)
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
            ("volume", volume.uid, ""), ("unfinished", half.uid, harness.said_of(making)), ("foreign", "", ""),
        }  # fmt: skip
