"""The conformance of imports: see `holdfast.testing.conformance.drivers`."""

import msgspec
import pytest

from holdfast.drivers.contract import Driver, FoundPool, PoolRef, Present, VolumeRef
from holdfast.model.errors import Foreign, HoldfastError, NotFound
from holdfast.testing.conformance.checks import facts_match
from holdfast.testing.conformance.harness import OWNER, Broken, Harness

THIRD_OWNER = "0" * 31 + "3"


class ImportConformance:
    """Pools that are read, and taken over, from what is in them alone."""

    @pytest.fixture(autouse=True)
    def _offered(self, harness: Harness) -> None:
        if type(harness.driver).find_pool is Driver.find_pool:
            pytest.skip("pools of this driver cannot be imported")

    def test_a_pool_is_found_by_its_place_alone(self, harness: Harness) -> None:
        """With its counter; where there is none that is said."""
        with pytest.raises(NotFound):
            harness.driver.find_pool(harness.pool().config)
        pool = harness.ready()
        harness.driver.stamp(pool, 7)
        assert harness.driver.find_pool(pool.config) == FoundPool(pool.uid, OWNER, 7)
        with harness.hidden(pool), pytest.raises(HoldfastError):
            harness.driver.find_pool(pool.config)

    def test_only_what_is_whole_and_the_owners_is_an_object(self, harness: Harness) -> None:
        """With all that its record needs."""
        pool = harness.ready()
        whole, anothers, damaged = (harness.made(pool, harness.kinds[0]) for _ in range(3))
        self._half(harness, pool)
        harness.usurp(pool, anothers)
        harness.damage(pool, damaged)
        ((uid, facts),) = harness.driver.objects(pool)
        assert uid == whole.uid
        assert (facts.name, facts.size, facts.content, facts.fs) == (whole.name, whole.size, whole.content, whole.fs)

    def test_taking_over_interrupted_anywhere_and_repeated_ends_well(self, harness: Harness) -> None:
        """The pool's own mark goes last, so until then it is its old owner's; what is anothers' stays as it is."""
        pools: dict[int, tuple[PoolRef, tuple[VolumeRef, ...]]] = {}

        def act(nth: int) -> None:
            harness.runtime.hook, hook = None, harness.runtime.hook
            pool = harness.ready()
            volumes = tuple(harness.made(pool, harness.kinds[0]) for _ in range(2))
            self._half(harness, pool)
            harness.usurp(pool, volumes[1])
            harness.runtime.hook = hook
            pools[nth] = (pool, volumes)
            assert harness.driver.take_over(pool, THIRD_OWNER)

        def check(nth: int, failpoint: str) -> None:
            pool, (ours, anothers) = pools[nth]
            taken = msgspec.structs.replace(pool, owner=THIRD_OWNER)
            if harness.driver.find_pool(pool.config).owner == OWNER:
                with harness.hurry():
                    while not harness.driver.take_over(pool, THIRD_OWNER):
                        assert harness.driver.find_pool(pool.config).owner == OWNER, failpoint
            assert harness.driver.take_over(pool, THIRD_OWNER), failpoint
            assert isinstance(harness.driver.look_pool(taken), Present), failpoint
            assert [uid for uid, _ in harness.driver.objects(taken)] == [ours.uid], failpoint
            facts_match(harness, taken, ours)
            assert harness.remains(pool, anothers), failpoint
            assert [item.kind for item in harness.driver.inventory(taken)].count("unfinished") == 1, failpoint
            with pytest.raises(Foreign):
                harness.driver.take_over(pool, OWNER)

        assert harness.each_failure(act, check) > 0

    def _half(self, harness: Harness, pool: PoolRef) -> None:
        """Begin a volume that is not finished."""
        half, making, hook = harness.volume(harness.kinds[0]), harness.making(), harness.runtime.hook
        for nth in range(1, 100):
            with harness.broken_at(nth), pytest.raises(Broken):
                harness.driver.make_volume(pool, half, making)
            if any(item.kind == "unfinished" for item in harness.driver.inventory(pool)):
                break
        harness.runtime.hook = hook
