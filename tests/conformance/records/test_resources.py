"""Resources: rows with names, pages and sums."""

import msgspec
import pytest

from holdfast.model.conditions import Condition
from holdfast.model.errors import Exists, NotFound
from holdfast.model.resources import Pool, Volume
from holdfast.records import resources
from holdfast.records.contract import Records, Tx
from tests.conformance.records.rows import pool, snapshot, volume


def test_a_row_comes_back_as_it_went_in(records: Records) -> None:
    conditions = (Condition("Mounted", True, 12.25, "a \u00fcnicode 'reason' with \"quotes\" and ?%s"),)
    put = msgspec.structs.replace(volume("v", "name", size=(1 << 60)), conditions=conditions)
    records.write(lambda tx: resources.insert(tx, put))
    assert records.read(lambda tx: resources.by_uid(tx, Volume, "v")) == put
    assert records.read(lambda tx: resources.by_name(tx, Volume, "p", "name")) == put


def test_a_look_for_another_kind_finds_nothing(records: Records) -> None:
    records.write(lambda tx: resources.insert(tx, volume("v", "name")))
    assert records.read(lambda tx: resources.by_uid(tx, Pool, "v")) is None
    assert records.read(lambda tx: resources.by_name(tx, Pool, "p", "name")) is None


def test_a_name_is_unique_among_its_kind_below_its_parent(records: Records) -> None:
    records.write(lambda tx: resources.insert(tx, volume("v", "name")))
    with pytest.raises(Exists):
        records.write(lambda tx: resources.insert(tx, volume("w", "name")))
    records.write(lambda tx: resources.insert(tx, volume("w", "name", parent="q")))
    records.write(lambda tx: resources.insert(tx, pool("x", "name")))
    assert records.read(lambda tx: len(resources.page(tx, Volume))) == 2


def test_an_update_moves_the_name_and_frees_the_old_one(records: Records) -> None:
    records.write(lambda tx: resources.insert(tx, volume("v", "old")))
    records.write(lambda tx: resources.update(tx, volume("v", "new")))
    assert records.read(lambda tx: resources.by_name(tx, Volume, "p", "old")) is None
    records.write(lambda tx: resources.insert(tx, volume("w", "old")))


def test_an_update_of_what_is_not_there_is_not_found(records: Records) -> None:
    with pytest.raises(NotFound):
        records.write(lambda tx: resources.update(tx, volume("v", "name")))


def test_a_deletion_is_repeatable(records: Records) -> None:
    records.write(lambda tx: resources.insert(tx, volume("v", "name")))
    for _ in range(2):
        records.write(lambda tx: resources.delete(tx, "v"))
    assert records.read(lambda tx: resources.page(tx, Volume)) == []


NAMES = ["Z", "a", "a-b", "a.b", "a0", "aB", "a_b", "ab", "b", "B", "0", "zz", "Aa"]


def test_pages_go_in_bytewise_order(records: Records) -> None:
    def fn(tx: Tx) -> None:
        for name in NAMES:
            resources.insert(tx, volume(f"uid-{name}", name))

    records.write(fn)
    seen: list[str] = []
    while True:
        after = seen[-1] if seen else ""
        page = records.read(lambda tx: resources.page(tx, Volume, "p", after, most=3))  # noqa: B023 - run at once
        if not page:
            break
        seen += [found.name for found in page]
    assert seen == sorted(NAMES, key=str.encode)
    assert [v.name for v in records.read(lambda tx: resources.page(tx, Volume))] == seen


def test_what_is_provisioned_is_the_sum_of_a_pools_own_volumes(records: Records) -> None:
    assert records.read(lambda tx: resources.provisioned(tx, "p")) == 0

    def fn(tx: Tx) -> None:
        resources.insert(tx, volume("a", "a", size=1))
        resources.insert(tx, volume("b", "b", size=(3 << 30) + 5))
        resources.insert(tx, volume("c", "c", parent="q", size=7))

    records.write(fn)
    assert records.read(lambda tx: resources.provisioned(tx, "p")) == (3 << 30) + 6
    records.write(lambda tx: resources.update(tx, volume("a", "a", size=11)))
    assert records.read(lambda tx: resources.provisioned(tx, "p")) == (3 << 30) + 16


def test_a_sum_may_be_larger_than_a_machine_word(records: Records) -> None:
    """Sixteen advisory volumes of an exbibyte: 2^64."""

    def fn(tx: Tx) -> None:
        for n in range(16):
            resources.insert(tx, volume(f"v{n}", f"v{n}", size=1 << 60))

    records.write(fn)
    assert records.read(lambda tx: resources.provisioned(tx, "p")) == 1 << 64


def test_children_are_told_by_kind(records: Records) -> None:
    records.write(lambda tx: resources.insert(tx, volume("v", "v")))
    assert records.read(lambda tx: resources.has_children(tx, Volume, "p"))
    assert not records.read(lambda tx: resources.has_children(tx, Pool, "p"))


def test_snapshots_of_all_volumes_are_paged_by_volume_and_name_and_found_by_name(records: Records) -> None:
    rows = [("1", "b", "v"), ("2", "a", "w"), ("3", "a", "v"), ("4", "Z", "w"), ("5", "a", "x")]

    def fill(tx: Tx) -> None:
        resources.insert(tx, volume("v", "a"))
        for uid, name, parent in rows:
            resources.insert(tx, snapshot(uid, name, parent))

    records.write(fill)
    found: list[str] = []
    parent = after = ""
    while page := records.read(lambda tx: resources.snapshots(tx, parent, after, 2)):  # noqa: B023 - at once
        found += [each.uid for each in page]
        parent, after = page[-1].parent, page[-1].name
    assert found == ["3", "1", "4", "2", "5"]
    of_one = records.read(lambda tx: resources.snapshots(tx, "w", "Z", 5, "w"))
    assert [each.uid for each in of_one] == ["2"]
    named = records.read(lambda tx: resources.snapshots_named(tx, "a"))
    assert [each.uid for each in named] == ["3", "2", "5"]
