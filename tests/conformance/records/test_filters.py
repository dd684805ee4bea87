"""Lists narrowed by state and labels, page by page; labels are rows of their own that follow their resource."""

import msgspec
import pytest

from holdfast.model.resources import Volume, VolumeSpec, labels_of, state_of
from holdfast.records import resources
from holdfast.records.contract import Records, Tx
from holdfast.records.resources import Filter
from tests.conformance.records.rows import pool, volume


def labelled(uid: str, name: str, parent: str = "p", **labels: str) -> Volume:
    """A volume."""
    found = volume(uid, name, parent)
    spec: VolumeSpec = msgspec.structs.replace(found.spec, labels=labels)
    return msgspec.structs.replace(found, spec=spec)


def ready(found: Volume) -> Volume:
    """The same, made."""
    return msgspec.structs.replace(found, status=msgspec.structs.replace(found.status, ready=True))


def names(records: Records, filter_: Filter, most: int = 2) -> list[str]:
    """All pages."""
    seen: list[str] = []
    while True:
        after = seen[-1] if seen else ""
        page = records.read(lambda tx: resources.search(tx, Volume, "p", filter_, after, most))  # noqa: B023 - at once
        if not page:
            return seen
        seen += [found.name for found in page]


@pytest.fixture
def filled(records: Records) -> Records:
    """Volumes a to f; others elsewhere."""

    def fn(tx: Tx) -> None:
        for name, found in {
            "a": ready(labelled("1", "a", tier="ssd", app="shop")), "b": labelled("2", "b", tier="ssd"),
            "c": ready(labelled("3", "c", tier="hdd", app="")), "d": ready(labelled("4", "d")),
            "e": ready(labelled("5", "e", tier="ssd", app="shop")), "f": labelled("6", "f", tier="SSD"),
        }.items():  # fmt: skip
            assert found.name == name
            resources.insert(tx, found)
        resources.insert(tx, ready(labelled("7", "a", "q", tier="ssd")))
        resources.insert(tx, pool("8", "p"))

    records.write(fn)
    return records


@pytest.mark.parametrize("most", [1, 2, 5, 6, 100])
def test_a_filter_narrows_every_page_and_keeps_the_order(filled: Records, most: int) -> None:
    for filter_, wanted in (
        (Filter(), "abcdef"),
        (Filter("ready"), "acde"),
        (Filter("making"), "bf"),
        (Filter("abandoned"), ""),
        (Filter("", (("tier", None),)), "abcef"),
        (Filter("", (("tier", "ssd"),)), "abe"),
        (Filter("", (("app", ""),)), "c"),
        (Filter("", (("tier", "ssd"), ("app", None))), "ae"),
        (Filter("", (("tier", "ssd"), ("tier", "hdd"))), ""),
        (Filter("ready", (("tier", "ssd"),)), "ae"),
        (Filter("making", (("app", None),)), ""),
    ):
        assert "".join(names(filled, filter_, most)) == wanted, filter_


def test_labels_follow_each_update_and_go_with_their_resource(filled: Records) -> None:
    ssd = Filter("", (("tier", "ssd"),))
    filled.write(lambda tx: resources.update(tx, ready(labelled("1", "a", tier="nvme"))))
    assert names(filled, ssd) == ["b", "e"]
    assert names(filled, Filter("", (("app", "shop"),))) == ["e"]
    filled.write(lambda tx: resources.update(tx, ready(labelled("2", "b2", tier="ssd"))))
    assert names(filled, Filter("ready", (("tier", "ssd"),))) == ["b2", "e"]
    filled.write(lambda tx: resources.delete(tx, "5"))
    filled.write(lambda tx: resources.insert(tx, labelled("5", "e")))
    assert names(filled, ssd) == ["b2"]


def test_what_is_searched_is_what_the_resource_says(filled: Records) -> None:
    for found in filled.read(lambda tx: resources.page(tx, Volume, "p")):
        same = Filter(state_of(found), tuple(labels_of(found).items()))
        assert found.name in names(filled, same)


def test_text_that_looks_like_sql_is_text(records: Records) -> None:
    value = "'; DROP TABLE labels; -- % _ ? {} \\"
    records.write(lambda tx: resources.insert(tx, labelled("1", "a", note=value)))
    records.write(lambda tx: resources.insert(tx, labelled("2", "b", note="x")))
    assert names(records, Filter("", (("note", value),))) == ["a"]
    assert names(records, Filter("", (("note", "%"),))) == []
