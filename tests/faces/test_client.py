"""Both clients before a real daemon: every method, every route, pages, filters, conditions."""

import inspect
import re
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from holdfast.client import Client, calls, ended_well
from holdfast.client.calls import Call
from holdfast.model.errors import Exists, InUse, Invalid, NotFound, OperationFailed, Stale, Waiting, WrongState
from holdfast.model.views import MountView
from tests.daemon import RealDaemon
from tests.needs import need
from tests.unit.client.fake import Either

METHODS = {name for name in vars(Client) if not name.startswith("_")}


class Recorded(Either):
    """Notes what it was asked."""

    def __init__(self, kind: str, address: str, **options: Any) -> None:
        super().__init__(kind, address, **options)
        self.asked: set[str] = set()

    def ask(self, method: str, *args: Any, **options: Any) -> Any:
        self.asked.add(method)
        return super().ask(method, *args, **options)

    def done(self, method: str, *args: Any, **options: Any) -> None:
        """A change that ends well."""
        assert ended_well(self.ask(method, *args, **options)).ended


@pytest.fixture(params=["sync", "async"])
def client(request: pytest.FixtureRequest, daemon: RealDaemon) -> Iterator[Recorded]:
    """Of either kind; the daemon runs."""
    with ExitStack() as stack:
        found = Recorded(str(request.param), daemon.start().address)
        stack.callback(found.close)
        yield found


def test_every_method_does_what_it_says(daemon: RealDaemon, client: Recorded) -> None:
    need("mkfs.ext4")
    _pools(daemon, client)
    _volumes(client)
    _snapshots(daemon, client)
    _mounts(daemon, client)
    _operations(client)
    _tokens(client)
    _the_daemon(daemon, client)
    client.done("delete_volume", "p", "w")
    client.done("delete_pool", "p")
    client.done("delete_pool", "q", forget=True)
    client.done("import_pool", "r", {"source": str(daemon.root / "q")}, labels={"tier": "slow"})
    assert [(each.name, each.labels) for each in client.ask("pools")] == [("r", {"tier": "slow"})]
    client.done("adopt", "r")
    assert client.ask("deleted", "r") == []
    with pytest.raises(NotFound):
        client.ask("recover", "r", "0" * 32)
    client.done("delete_pool", "r")
    assert client.ask("pools") == []
    assert client.asked >= METHODS - {"run", "close", "events"}


def _pools(daemon: RealDaemon, client: Recorded) -> None:
    (daemon.root / "q").mkdir()
    client.done("create_pool", "p", {"source": str(daemon.pool)}, limit="1GiB", labels={"tier": "fast"})
    client.done("create_pool", "q", {"source": str(daemon.root / "q")})
    client.done("change_pool", "p", {"limit": 1 << 29, "labels": {"rack": "7"}})
    pool = client.ask("pool", "p")
    assert (pool.limit, pool.labels) == (1 << 29, {"tier": "fast", "rack": "7"})
    assert [each.name for each in client.ask("pools")] == ["p", "q"]
    assert [each.name for each in client.ask("pools", "ready", {"rack": "7", "tier": None})] == ["p"]
    with pytest.raises(Stale):
        client.ask("change_pool", "p", {"limit": None}, if_match='"nothing"')
    with pytest.raises(Exists):
        client.ask("create_pool", "p", {"source": str(daemon.pool)})


def _volumes(client: Recorded) -> None:
    client.done("create_volume", "p", "v", "8MiB", "filesystem", "ext4", labels={"app": "shop"})
    client.done("label_volume", "p", "v", {"app": None, "step": "2"})
    client.done("rename_volume", "p", "v", "w")
    client.done("check_volume", "p", "w")
    volume = client.ask("volume", "p", "w")
    assert (volume.size, volume.fs, volume.labels) == (8 << 20, "ext4", {"step": "2"})
    assert "Checked" in [condition.type for condition in volume.conditions]
    assert client.ask("usage", "p", "w").apparent >= 8 << 20
    assert [each.name for each in client.ask("volumes", "p", "", {"step": "2"})] == ["w"]
    assert client.ask("volumes", "p", "", {"app": None}) == []
    with pytest.raises(NotFound):
        client.ask("volume", "p", "v")
    assert client.ask("connections", "p", "w") == []
    with pytest.raises(Invalid):
        client.ask("disconnect", "p", "w", "esx-17")
    client.done("create_volume", "p", "tree", "1MiB")
    client.done("resize_volume", "p", "tree", "2MiB")
    client.done("clone_volume", "p", "tree", "twin", labels={"of": "tree"})
    sizes = {each.name: each.size for each in client.ask("volumes", "p")}
    assert sizes == {"tree": 2 << 20, "twin": 2 << 20, "w": 8 << 20}
    client.done("delete_volume", "p", "twin")


def _snapshots(daemon: RealDaemon, client: Recorded) -> None:
    client.done("create_snapshot", "p", "tree", "s", labels={"app": "shop"}, protected=True)
    (snapshot,) = client.ask("snapshots", "p", "tree", "", {"app": "shop"})
    assert (snapshot.taken, snapshot.protected, snapshot.mounts) == ("idle", True, ())
    client.done("change_snapshot", "p", "tree", "s", {"protected": False, "labels": {"app": None}})
    client.done("change_snapshot", "p", "tree", "s", {"name": "t"})
    with pytest.raises(Stale):
        client.ask("change_snapshot", "p", "tree", "t", {"protected": True}, if_match='"nothing"')
    assert client.ask("snapshot", "p", "tree", "t").labels == {}
    assert client.ask("snapshot_usage", "p", "tree", "t").complete
    client.done("mount_snapshot", "p", "tree", "t", str(daemon.mnt))
    (mount,) = client.ask("mounts_of", "p", "tree")
    assert (mount.snapshot, mount.read_only) == ("t", True)
    client.done("unmount", mount)
    client.done("restore_snapshot", "p", "tree", "t")
    client.done("delete_snapshot", "p", "tree", "t")
    client.done("delete_volume", "p", "tree")


def _mounts(daemon: RealDaemon, client: Recorded) -> None:
    client.done("mount", "p", "w", str(daemon.mnt), read_only=False)
    (mount,) = client.ask("mounts_of", "p", "w")
    assert mount.mounted
    assert client.ask("mounts", str(daemon.mnt)) == client.ask("mounts") == [mount]
    assert client.ask("mount_by_id", "p", "w", mount.id) == mount
    client.done("trim_volume", "p", "w")
    with pytest.raises(InUse):
        client.ask("delete_volume", "p", "w")
    client.done("unmount", mount)
    assert client.ask("mounts") == []


def _operations(client: Recorded) -> None:
    newest, *others = client.ask("operations", resource=client.ask("volume", "p", "w").uid)
    assert newest.kind.startswith("volume.")
    assert others
    assert client.ask("operations", "parked") == []
    assert client.ask("operation", newest.id) == client.ask("wait", newest.id, 30) == newest
    assert client.ask("exit", newest.id, "retry") == newest
    for verb in ("cancel", "abandon"):
        with pytest.raises(WrongState):
            client.ask("exit", newest.id, verb, "why not")
    stream = client.events(str(newest.changed - 1))
    assert [event.kind for event in (stream.next(), stream.next()) if event] == ["ready", "operation"]
    stream.close()


def _tokens(client: Recorded) -> None:
    made = client.ask("create_token", "t", "operator", 3600)
    assert made.secret
    assert client.ask("tokens") == [made.token]
    assert client.ask("revoke_token", "t") == made.token
    assert client.ask("tokens") == []


def _the_daemon(daemon: RealDaemon, client: Recorded) -> None:
    assert client.ask("health").ready
    assert client.ask("status").volumes == 1
    assert client.ask("resume_preview").operations == []
    assert not client.ask("resume").suspended
    assert "holdfast_" in client.ask("metrics")
    assert client.ask("audit") == client.ask("audit", repair=True) == []
    assert client.ask("backup", str(daemon.root / "copy.db")).uid == client.ask("status").uid
    assert (daemon.root / "copy.db").exists()


def test_an_operation_that_failed_or_waits_raises_when_it_shall_have_ended_well(
    daemon: RealDaemon, client: Recorded
) -> None:
    client.done("create_pool", "p", {"source": str(daemon.pool)})
    failed = client.ask("create_volume", "p", "v", "512KiB", "filesystem", "ext4")
    with pytest.raises(OperationFailed, match="at least"):
        ended_well(failed)
    daemon.pool.rename(daemon.root / "away")
    parked = client.ask("create_volume", "p", "v", "1MiB")
    assert parked.state == "parked"
    with pytest.raises(Waiting) as caught:
        ended_well(parked)
    assert parked.id in caught.value.hint
    cancelled = client.ask("exit", parked.id, "cancel")
    (daemon.root / "away").rename(daemon.pool)
    assert client.ask("wait", cancelled.id, 30).state == "undone"


def test_a_list_longer_than_a_page_comes_whole_and_once(
    daemon: RealDaemon, client: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.done("create_pool", "p", {"source": str(daemon.pool)})
    monkeypatch.setattr(calls, "PAGE", 4)
    for number in range(9):
        labels = {"even": "yes"} if number % 2 == 0 else {}
        client.done("create_volume", "p", f"v{number}", "1MiB", labels=labels)
    names = [volume.name for volume in client.ask("volumes", "p")]
    assert sorted(names) == [f"v{number}" for number in range(9)]
    even = [volume.name for volume in client.ask("volumes", "p", "ready", {"even": "yes"})]
    assert sorted(even) == [f"v{number}" for number in range(0, 9, 2)]


def _all_calls() -> Iterator[Call[Any]]:
    """One of every function of `calls`, each argument its own name."""
    variants: dict[str, list[dict[str, Any]]] = {
        "exit_": [{"verb": verb} for verb in ("retry", "cancel", "abandon")],
        "volume_verb": [{"verb": verb} for verb in ("check", "trim")],
        "audit": [{"repair": False}, {"repair": True}],
        "unmount": [{"found": MountView(
            id="id", pool="pool", volume="volume", path="/", read_only=False, mounted=True, reason="",
        )}],
    }  # fmt: skip
    for name, function in inspect.getmembers(calls, inspect.isfunction):
        if function.__module__ == calls.__name__ and not name.startswith("_"):
            needed = {
                each.name: None if each.name == "wait" else each.name
                for each in inspect.signature(function).parameters.values()
                if each.default is inspect.Parameter.empty
            }
            for given in variants.get(name, [{}]):
                yield function(**{**needed, **given})


def test_every_route_has_a_call_and_every_call_a_route(daemon: RealDaemon) -> None:
    described = daemon.start().client().run(Call(kind=dict[str, Any], path="/openapi.json"))
    routes = {
        (method.upper(), path): re.compile(re.sub(r"\{\w+\}", "[^/]+", path))
        for path, item in described["paths"].items()
        for method in item
        if method in ("get", "post", "put", "patch", "delete")
    }
    called = set()
    for call in _all_calls():
        met = {route for route, path in routes.items() if route[0] == call.method and path.fullmatch(call.path)}
        assert len(met) == 1, f"{call.method} {call.path} is {met}"
        called |= met
    assert set(routes) - called == set()
