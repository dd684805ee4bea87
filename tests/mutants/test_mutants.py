"""The proof is kept honest: our own code, broken in one line, must be caught, by name."""

import collections
import dataclasses
import os
import pathlib

import pytest

from tests.mutants.catalogue import MUTANTS
from tests.mutants.catching import Survived, accused, catch
from tests.mutants.mutant import Mutant, Seeds, copy, mutated

PROOF = bool(os.environ.get("HOLDFAST_PROOF"))
# What storage control planes were seen to do wrong.
LISTED = (
    "undo from memory instead of a look", "cached answer across the crash", "error read as absent",
    "record removed first", "lazy unmount as success", "mount inside the state directory",
    "format when blkid says nothing", "second look dropped", "reply-lost taken as not done", "baseline forgotten",
    "claim in memory only", "journal write without the epoch", "synchronous=NORMAL", "directory fsync skipped",
    "abandoned child taken as dead", "marker not re-read",
)  # fmt: skip
PLAYED = [mutant for mutant in MUTANTS if PROOF or mutant.quick]

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")


@pytest.mark.parametrize("mutant", PLAYED, ids=str)
def test_a_mutant_is_caught(mutant: Mutant, tmp_path: pathlib.Path) -> None:
    caught = catch(mutant.ground, mutated(mutant, tmp_path / "mutated"))
    took = f" ({caught.seeds} seeds)" if caught.seeds else ""
    print(f"{mutant}: caught by {caught.by}{took}: {caught.said}")
    # The same without the mutant: it was caught for what it does, and not for the weather.
    assert not accused(caught.again, copy(tmp_path / "unchanged"))


def test_every_rule_has_at_least_three_and_one_of_them_is_quick() -> None:
    rules = range(1, 11)
    count = collections.Counter(mutant.rule for mutant in MUTANTS)
    assert [rule for rule in rules if count[rule] < 3] == []
    assert sorted(mutant.rule for mutant in MUTANTS if mutant.quick) == list(rules)


def test_the_listed_ones_are_among_them() -> None:
    names = [mutant.name for mutant in MUTANTS]
    assert [name for name in LISTED if not any(name in one for one in names)] == []


def test_each_has_a_name_of_its_own_and_differs_from_all_others() -> None:
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)
    assert len({(mutant.file, mutant.old, mutant.new) for mutant in MUTANTS}) == len(MUTANTS)


HARMLESS = Mutant(6, "nothing is changed", "engine/waits.py", "FIRST = 0.05", "FIRST = 0.05", Seeds(1, most=1))


def test_a_change_that_changes_nothing_is_told_as_a_survivor(tmp_path: pathlib.Path) -> None:
    """The negative control."""
    with pytest.raises(Survived, match="seeds 1 to 1"):
        catch(HARMLESS.ground, mutated(HARMLESS, tmp_path))


@pytest.mark.parametrize("old", ["FIRST = 0.05", "FIRST * 2"])
def test_a_mutant_that_is_broken_in_another_way_than_it_says_is_told_as_a_survivor(
    old: str, tmp_path: pathlib.Path
) -> None:
    """The negative control: an error of its own, at the import or later, is no evidence that anything looked."""
    clumsy = dataclasses.replace(HARMLESS, old=old, new=old.replace("0.05", "nobody").replace("FIRST *", "nobody *"))
    with pytest.raises(Survived, match="name 'nobody' is not defined"):
        catch(clumsy.ground, mutated(clumsy, tmp_path))
