"""`Idempotency-Key`: asked again it is done once; another request under it is refused; a forgotten one is new."""

from collections.abc import Iterator

import apsw
import pytest

from tests.daemon import RealDaemon, real_daemon
from tests.faces.wire import Answer, ask
from tests.needs import need_root

VOLUMES = "/v1/pools/p/volumes"


@pytest.fixture(scope="module")
def served() -> Iterator[RealDaemon]:
    """One daemon with a pool."""
    need_root()
    with real_daemon() as daemon:
        daemon.with_pool()
        yield daemon


def make(served: RealDaemon, name: str, key: str, size: str = "1MiB") -> Answer:
    """Create a volume under a key."""
    body = f'{{"name":"{name}","size":"{size}"}}'.encode()
    return ask(served, "POST", f"{VOLUMES}?wait=30", body, Idempotency_Key=key)


def test_the_same_request_is_done_once_and_answered_alike(served: RealDaemon) -> None:
    first, second = make(served, "once", "k1"), make(served, "once", "k1")
    assert first.said["state"] == "done"
    assert (second.status, second.said, second.headers["location"]) == (200, first.said, first.headers["location"])


def test_it_is_answered_from_the_journal_when_the_world_has_changed(served: RealDaemon) -> None:
    first = make(served, "gone", "k2")
    ask(served, "DELETE", f"{VOLUMES}/gone?wait=30", Idempotency_Key="k2d")
    assert make(served, "gone", "k2").said["id"] == first.said["id"]
    again = ask(served, "DELETE", f"{VOLUMES}/gone?wait=30", Idempotency_Key="k2d")
    assert (again.status, again.said["kind"], again.said["state"]) == (200, "volume.delete", "done")


def test_another_request_under_it_is_refused(served: RealDaemon) -> None:
    make(served, "mine", "k3")
    make(served, "mine", "k3", size="2MiB").problem(422, "idempotency-key-reused")
    make(served, "other", "k3").problem(422, "idempotency-key-reused")
    assert "other" not in [volume.name for volume in served.client().volumes("p")]


def test_a_key_is_of_its_path_and_method(served: RealDaemon) -> None:
    made = make(served, "scoped", "k4")
    for path in ("scoped", "mine"):
        answer = ask(served, "PATCH", f"{VOLUMES}/{path}?wait=30", b'{"labels":{"a":"b"}}', Idempotency_Key="k4")
        assert answer.said["state"] == "done"
        assert answer.said["id"] != made.said["id"]


def test_a_key_too_long_is_refused_and_the_longest_is_not(served: RealDaemon) -> None:
    make(served, "long", "k" * 256).problem(400, "invalid")
    assert make(served, "long", "k" * 255).said["state"] == "done"


def test_a_request_that_was_refused_may_be_corrected_under_its_key(served: RealDaemon) -> None:
    make(served, "bad name", "k5").problem(400, "invalid")
    assert make(served, "good-name", "k5").said["state"] == "done"


def test_a_key_that_was_forgotten_makes_a_new_request() -> None:
    need_root()
    with real_daemon() as daemon:
        daemon.with_pool()
        path = f"{VOLUMES}/v?wait=30"
        assert make(daemon, "v", "old").said["state"] == "done"
        labelled = ask(daemon, "PATCH", path, b'{"labels":{"a":"b"}}', Idempotency_Key="older").said["id"]
        assert daemon.stop() == 0
        database = apsw.Connection(str(daemon.state / "holdfast.db"))
        database.execute("DELETE FROM keys")  # as after seven days: tests/unit/engine/test_idempotency_keys.py
        database.close()
        daemon.start()
        make(daemon, "v", "old").problem(409, "exists")
        again = ask(daemon, "PATCH", path, b'{"labels":{"c":"d"}}', Idempotency_Key="older").said
        assert (again["state"], again["id"] != labelled) == ("done", True)
        assert "level=error" not in daemon.log_tail()
