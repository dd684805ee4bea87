"""`If-Match`: a change happens to what its asker saw, or not at all, also if it had to wait for its turn."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.daemon import RealDaemon, real_daemon
from tests.faces.wire import Answer, ask
from tests.needs import need_root

MARK = "holdfast-pool.json"
VOLUME = "/v1/pools/p/volumes/v"


@pytest.fixture(scope="module")
def served() -> Iterator[RealDaemon]:
    """One daemon with a pool `p` and a volume `v` in it."""
    need_root()
    with real_daemon() as daemon:
        daemon.with_pool().create_volume("p", "v", "1MiB", wait=30)
        yield daemon


def etag(served: RealDaemon, path: str = VOLUME) -> str:
    """Of now."""
    return ask(served, "GET", path).headers["etag"]


def label(served: RealDaemon, value: str, if_match: str, path: str = VOLUME) -> Answer:
    """Change the label `a`, with that If-Match."""
    body = f'{{"labels":{{"a":"{value}"}}}}'.encode()
    return ask(served, "PATCH", f"{path}?wait=30", body, If_Match=if_match)


def labels(served: RealDaemon, path: str = VOLUME) -> dict[str, Any]:
    """Of now."""
    return dict(ask(served, "GET", path).said["labels"])


@pytest.mark.parametrize("path", [VOLUME, "/v1/pools/p"])
def test_a_change_with_the_etag_of_now_is_done_and_makes_another(served: RealDaemon, path: str) -> None:
    before = etag(served, path)
    assert etag(served, path) == before
    assert label(served, "1", before, path).said["state"] == "done"
    assert etag(served, path) != before
    label(served, "2", before, path).problem(412, "stale")
    assert labels(served, path) == {"a": "1"}


def test_any_of_several_will_do_and_a_star_is_any(served: RealDaemon) -> None:
    label(served, "0", '"x", "y"').problem(412, "stale")
    assert label(served, "3", f'"x", {etag(served)},"y"').said["state"] == "done"
    assert label(served, "4", "*").said["state"] == "done"


def test_weak_and_malformed_ones_match_nothing(served: RealDaemon) -> None:
    now = etag(served)
    for other in (f"W/{now}", now.strip('"'), now.upper() + "x", now[:-2] + '"', "null", '""', f"{now}x"):
        label(served, "5", other).problem(412, "stale")
    assert labels(served) != {"a": "5"}


@pytest.mark.parametrize("header", ["", " ", ",", " , ,"])
def test_one_without_an_etag_is_no_permission(served: RealDaemon, header: str) -> None:
    for path in (VOLUME, "/v1/pools/p"):
        ask(served, "DELETE", path, If_Match=header).problem(400, "invalid")
        label(served, "5", header, path).problem(400, "invalid")


def test_a_deletion_of_what_changed_meanwhile_is_refused(served: RealDaemon) -> None:
    before = etag(served)
    label(served, "6", before)
    ask(served, "DELETE", f"{VOLUME}?wait=30", If_Match=before).problem(412, "stale")
    ask(served, "DELETE", "/v1/pools/p?wait=30", If_Match='"another"').problem(412, "stale")
    assert labels(served) == {"a": "6"}


def test_a_star_does_not_make_it_be_there(served: RealDaemon) -> None:
    label(served, "7", "*", f"{VOLUME}-other").problem(404, "not-found")


def test_the_etag_of_a_volume_is_not_that_of_another_of_its_name(served: RealDaemon) -> None:
    client = served.client()
    path = "/v1/pools/p/volumes/w"
    client.create_volume("p", "w", "1MiB", wait=30)
    old = etag(served, path)
    client.delete_volume("p", "w", wait=30)
    client.create_volume("p", "w", "1MiB", wait=30)
    label(served, "8", old, path).problem(412, "stale")


def test_one_that_becomes_stale_while_it_waits_is_not_done(served: RealDaemon) -> None:
    seen = etag(served)
    (served.pool / MARK).rename(served.root / MARK)
    try:
        first = ask(served, "PATCH", f"{VOLUME}?wait=30", b'{"name":"v2"}')
        assert first.said["state"] == "parked"
        second = ask(served, "PATCH", VOLUME, b'{"labels":{"a":"9"}}')
        third = ask(served, "DELETE", VOLUME, If_Match=seen)
        assert [(answer.status, answer.said["state"]) for answer in (second, third)] == [(202, "queued")] * 2
        ask(served, "DELETE", VOLUME, If_Match='"old"').problem(412, "stale")
        served.client().exit(first.said["id"], "cancel")
    finally:
        (served.root / MARK).rename(served.pool / MARK)
    served.settle()
    ended = [served.client().operation(answer.said["id"]) for answer in (first, second, third)]
    assert [op.state for op in ended] == ["undone", "done", "undone"]
    assert ended[2].error is not None
    assert (ended[2].error.code, labels(served)) == ("stale", {"a": "9"})
    assert ended[2].error.hint


def test_the_etag_of_an_operation_changes_with_it(served: RealDaemon) -> None:
    (served.pool / MARK).rename(served.root / MARK)
    path = f"/v1/operations/{served.client().create_volume('p', 'late', '1MiB', wait=30).id}"
    before = etag(served, path)
    (served.root / MARK).rename(served.pool / MARK)
    served.settle()
    assert etag(served, path) != before
    assert etag(served, path) == etag(served, path)
