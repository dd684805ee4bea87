"""Lists: whole and in order over any number of pages, narrowed by state and labels; and what a label may be."""

import json
import urllib.parse
from collections.abc import Iterator

import pytest

from tests.daemon import RealDaemon, real_daemon
from tests.faces.wire import ask
from tests.needs import need_root

MARK = "holdfast-pool.json"
VOLUMES = "/v1/pools/p/volumes"
NAMES = [f"v{number}" for number in range(25)]


def of(name: str) -> dict[str, str]:
    """The labels of a volume."""
    number = int(name[1:])
    return {"parity": "odd" if number % 2 else "even", **({"third": ""} if number % 3 == 0 else {})}


@pytest.fixture(scope="module")
def served() -> Iterator[RealDaemon]:
    """One daemon with many labelled volumes, and one volume that is being made for ever."""
    need_root()
    with real_daemon() as daemon:
        client = daemon.with_pool()
        for name in NAMES:
            client.create_volume("p", name, "1MiB", labels=of(name), wait=30)
        (daemon.pool / MARK).rename(daemon.root / MARK)
        client.create_volume("p", "v99", "1MiB", labels={"parity": "odd"}, wait=30)
        yield daemon


def every(served: RealDaemon, path: str, limit: int, **query: list[str]) -> list[str]:
    """All names, page by page; each page but the last is full."""
    seen: list[str] = []
    cursor = None
    while True:
        more: dict[str, list[str]] = {"cursor": [cursor]} if cursor else {}
        asked = urllib.parse.urlencode({"limit": limit, **query, **more}, doseq=True)
        page = ask(served, "GET", f"{path}?{asked}").said
        seen += [item.get("name") or item["id"] for item in page["items"]]
        cursor = page["next"]
        if cursor is None:
            return seen
        assert len(page["items"]) == limit


@pytest.mark.parametrize("limit", [1, 4, 25, 26, 27, 1000])
def test_all_pages_together_are_all_in_the_order_of_their_names(served: RealDaemon, limit: int) -> None:
    assert every(served, VOLUMES, limit) == sorted([*NAMES, "v99"])


@pytest.mark.parametrize("limit", [1, 3, 1000])
def test_a_label_narrows_all_pages(served: RealDaemon, limit: int) -> None:
    odd = [name for name in NAMES if of(name)["parity"] == "odd"]
    third = [name for name in NAMES if "third" in of(name)]
    assert every(served, VOLUMES, limit, label=["parity=odd"]) == sorted([*odd, "v99"])
    assert every(served, VOLUMES, limit, label=["third"]) == sorted(third)
    assert every(served, VOLUMES, limit, label=["third="]) == sorted(third)
    assert every(served, VOLUMES, limit, label=["third", "parity=odd"]) == sorted(set(odd) & set(third))
    assert every(served, VOLUMES, limit, label=["parity"]) == sorted([*NAMES, "v99"])
    for nothing in ("parity=Odd", "parity=", "odd", "third=x", "parity=od"):
        assert every(served, VOLUMES, limit, label=[nothing]) == []


def test_a_state_narrows_too(served: RealDaemon) -> None:
    assert every(served, VOLUMES, 7, state=["ready"]) == sorted(NAMES)
    assert every(served, VOLUMES, 7, state=["making"]) == ["v99"]
    assert every(served, VOLUMES, 7, state=["abandoned"]) == []
    assert every(served, VOLUMES, 7, state=["making"], label=["parity=even"]) == []
    assert every(served, "/v1/pools", 7, state=["ready"]) == ["p"]
    assert every(served, "/v1/pools", 7, label=["none"]) == []


def test_operations_come_newest_first(served: RealDaemon) -> None:
    whole = ask(served, "GET", "/v1/operations?limit=1000").said["items"]
    assert len(whole) == len(NAMES) + 2
    assert [op["created_at"] for op in whole] == sorted((op["created_at"] for op in whole), reverse=True)
    for limit in (1, 5, len(whole), 1000):
        assert every(served, "/v1/operations", limit) == [op["id"] for op in whole]
    assert every(served, "/v1/operations", 5, state=["parked"]) == [whole[0]["id"]]
    assert every(served, "/v1/operations", 5, state=["done"]) == [op["id"] for op in whole[1:]]
    uid = ask(served, "GET", f"{VOLUMES}/v7").said["uid"]
    assert len(every(served, "/v1/operations", 5, resource=[uid])) == 1


def test_a_page_goes_on_after_what_was_deleted(served: RealDaemon) -> None:
    page = ask(served, "GET", f"{VOLUMES}?limit=3").said
    after = ask(served, "GET", f"{VOLUMES}?limit=3&cursor={page['next']}x").said
    assert after["items"][0]["name"] > page["items"][-1]["name"]


@pytest.mark.parametrize(
    "labels",
    [
        {"": "x"}, {"a b": "x"}, {"ä": "x"}, {"a" * 64: "x"}, {"a": "x" * 256}, {"a/": "x"}, {"/a": "x"}, {"a=b": "x"},
        {"a": "x\ny"}, {"a": "x\x00"}, {f"n{number}": "" for number in range(65)},
    ],
    ids=lambda labels: ascii(labels)[:20],
)  # fmt: skip
def test_a_label_that_is_none_is_refused(served: RealDaemon, labels: dict[str, str]) -> None:
    body = json.dumps({"name": "labelled", "size": "1MiB", "labels": labels}).encode()
    ask(served, "POST", VOLUMES, body).problem(400, "invalid")
    ask(served, "PATCH", f"{VOLUMES}/v1", json.dumps({"labels": labels}).encode()).problem(400, "invalid")


def test_labels_are_merged_removed_and_counted_together(served: RealDaemon) -> None:
    client = served.client()
    client.label_volume("p", "v2", {"a": "1", "b": "2"}, wait=30)
    assert client.label_volume("p", "v2", {"a": None, "c": "3", "never": None}, wait=30).state == "done"
    assert client.volume("p", "v2").labels == {**of("v2"), "b": "2", "c": "3"}
    many = {f"n{number}": "" for number in range(62)}
    body = json.dumps({"labels": many}).encode()
    ask(served, "PATCH", f"{VOLUMES}/v2?wait=30", body).problem(400, "invalid")
    assert client.label_volume("p", "v2", {**many, "b": None, "c": None}, wait=30).state == "done"
    assert "v2" in every(served, VOLUMES, 1000, label=["n61"])
    client.label_volume("p", "v2", dict.fromkeys(many), wait=30)
    assert every(served, VOLUMES, 1000, label=["n61"]) == []


def test_a_value_may_be_any_line_of_text(served: RealDaemon) -> None:
    value = "größe = 1; 'quoted' \"twice\" %s ? &=/"
    served.client().label_volume("p", "v4", {"example.com/note": value}, wait=30)
    assert served.client().volume("p", "v4").labels["example.com/note"] == value
    assert every(served, VOLUMES, 5, label=[f"example.com/note={value}"]) == ["v4"]
