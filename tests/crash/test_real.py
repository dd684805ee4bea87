"""Histories of the real daemon: each operation, killed at the failpoints it visits, and left to finish.

Theory of operation. A history builds a small world (a bystander volume with files, mounted; then what the
operation needs), kills the daemon at one failpoint of the operation, starts it again, waits until everything
ended, and asks the same request again with its key. Then it looks at the world directly. The failpoints are
those that one unharmed run of the operation visits, so a new one is covered at once.
"""

import contextlib
import functools
import os
import sqlite3
from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest

from holdfast.client import Client
from holdfast.model.errors import Unavailable
from holdfast.model.operations import OperationView
from holdfast.model.resources import Content, FileSystem
from holdfast.model.views import MountView
from tests.daemon import RealDaemon, checksums, fill, mounts_below, real_daemon, run, temporary_below, wait_until
from tests.lingering import loops_below
from tests.needs import need, need_root

KEY = "the same key"
PROOF = bool(os.environ.get("HOLDFAST_PROOF"))
# Histories of each operation in `make test`: evenly spaced failpoints. `make proof` takes all.
SLOTS = 6
CONTENTS: dict[Content, FileSystem | None] = {"directory": None, "filesystem": "ext4", "block": None}


class Deed(NamedTuple):
    """An operation: what must be there first, how it is asked, whether `v` is there and mounted when done."""

    before: Callable[[RealDaemon, Client], None]
    ask: Callable[[RealDaemon, Client], OperationView]
    volume: tuple[bool, bool] = (False, False)
    mounted: tuple[bool, bool] = (False, False)


def _create(content: Content) -> Callable[[RealDaemon, Client], OperationView]:
    return lambda _, client: client.create_volume("p", "v", "4MiB", content, CONTENTS[content], key=KEY)


def _with_volume(content: Content) -> Callable[[RealDaemon, Client], None]:
    def before(daemon: RealDaemon, client: Client) -> None:
        client.create_volume("p", "v", "4MiB", content, CONTENTS[content])
        if content == "directory":
            fill(daemon.pool / "volumes" / client.volume("p", "v").uid / "data", "v")
        point = daemon.mnt / "v"
        if content == "block":
            with (daemon.pool / "volumes" / daemon.uid("v") / "disk.raw").open("r+b") as disk:
                disk.write(b"precious")
            point.touch()
        else:
            point.mkdir()

    return before


def _mount(daemon: RealDaemon, client: Client) -> OperationView:
    return client.mount("p", "v", str(daemon.mnt / "v"), key=KEY)


def _with_mount(content: Content) -> Callable[[RealDaemon, Client], None]:
    def before(daemon: RealDaemon, client: Client) -> None:
        _with_volume(content)(daemon, client)
        contents_of_v(daemon, client)
        client.mount("p", "v", str(daemon.mnt / "v"))

    return before


# An unmount is asked by the mount's id, which the record forgets when it is done; so it is kept here.
_ASKED: dict[str, MountView] = {}


def _unmount(daemon: RealDaemon, client: Client) -> OperationView:
    found = client.mounts(str(daemon.mnt / "v"))
    if found:
        _ASKED[str(daemon.root)] = found[0]
    return client.unmount(_ASKED[str(daemon.root)], key=KEY)


def _nothing(_: RealDaemon, __: Client) -> None:
    pass


def _second_pool(daemon: RealDaemon, client: Client) -> OperationView:
    (daemon.root / "second").mkdir(exist_ok=True)
    return client.create_pool("q", {"source": str(daemon.root / "second")}, key=KEY)


def _with_second_pool(daemon: RealDaemon, client: Client) -> None:
    (daemon.root / "second").mkdir()
    client.create_pool("q", {"source": str(daemon.root / "second")})


DEEDS = {
    "pool-create": Deed(_nothing, _second_pool),
    "pool-delete": Deed(_with_second_pool, lambda _, client: client.delete_pool("q", key=KEY)),
    "rename": Deed(
        _with_volume("directory"),
        lambda _, client: client.rename_volume("p", "v", "w", key=KEY),
        (True, True),
    ),
}
for _content in CONTENTS:
    DEEDS[f"create-{_content}"] = Deed(_nothing, _create(_content), (False, True))
    DEEDS[f"delete-{_content}"] = Deed(
        _with_volume(_content), lambda _, client: client.delete_volume("p", "v", key=KEY), (True, False)
    )
    DEEDS[f"mount-{_content}"] = Deed(_with_volume(_content), _mount, (True, True), (False, True))
    DEEDS[f"unmount-{_content}"] = Deed(_with_mount(_content), _unmount, (True, True), (True, False))


@contextlib.contextmanager
def world(deed: Deed) -> Iterator[tuple[RealDaemon, Client, dict[str, str]]]:
    """A daemon with a mounted bystander, and what the deed needs; the bystander's checksums."""
    with real_daemon() as daemon:
        client = daemon.with_pool()
        client.create_volume("p", "bystander", "1GiB")
        (daemon.mnt / "bystander").mkdir()
        client.mount("p", "bystander", str(daemon.mnt / "bystander"))
        precious = fill(daemon.mnt / "bystander", "precious")
        deed.before(daemon, client)
        yield daemon, client, precious


@functools.cache
def visited(name: str) -> tuple[str, ...]:
    """The failpoints that one unharmed run of the operation visits, each visit with its number."""
    with world(DEEDS[name]) as (daemon, client, _):
        trace = daemon.root / "trace"
        daemon.arm(f"trace={trace}")
        assert DEEDS[name].ask(daemon, client).state == "done"
        client.close()
        daemon.kill()
        seen: dict[str, int] = {}
        found = []
        for line in trace.read_text().split():
            seen[line] = seen.get(line, 0) + 1
            found.append(f"{line}:kill:{seen[line]}")
    return tuple(found)


def chosen(name: str, slot: int) -> list[str]:
    """The failpoints of a slot: in `make proof` all, else one (and both names of one commit count once)."""
    every = visited(name)
    if not PROOF:
        every = tuple(point for point in every if not point.startswith("records.commit"))
    chunk = every[slot * len(every) // SLOTS : (slot + 1) * len(every) // SLOTS]
    return list(chunk) if PROOF else [chunk[list(DEEDS).index(name) % len(chunk)]]


@pytest.mark.root
@pytest.mark.parametrize("slot", range(SLOTS))
@pytest.mark.parametrize("name", DEEDS)
def test_an_operation_killed_at_a_failpoint_ends_after_a_restart_and_nothing_is_lost_or_left(
    name: str, slot: int
) -> None:
    need_root()
    need("mkfs.ext4")
    for failpoint in chosen(name, slot):
        with world(DEEDS[name]) as (daemon, client, precious):
            history(daemon, client, DEEDS[name], failpoint)
            assert checksums(daemon.mnt / "bystander") == precious
            daemon.stop()
            assert claims(daemon) == 0, failpoint


def history(daemon: RealDaemon, client: Client, deed: Deed, failpoint: str) -> None:
    """Killed at the failpoint, started again, asked again; then all is as an undisturbed run leaves it."""
    earlier = {op.id for op in client.operations(limit=1000)}
    contents = contents_of_v(daemon, client)
    daemon.arm(failpoint)
    with contextlib.suppress(Unavailable):
        deed.ask(daemon, client)
    assert daemon.ended() == -9, failpoint
    daemon.disarm()
    daemon.start()
    left = [op for op in daemon.settle() if op.id not in earlier]
    assert len(left) <= 1, failpoint
    assert client.audit() == [], failpoint
    first, second = deed.ask(daemon, client), deed.ask(daemon, client)
    assert first.id == second.id, failpoint
    assert not left or left[0].id == first.id, failpoint
    assert first.state in ("done", "undone"), failpoint
    done = first.state == "done"
    assert client.audit() == [], failpoint
    compare(daemon, client, there=deed.volume[done], mounted=deed.mounted[done])
    if contents and deed.volume[done]:
        assert contents_of_v(daemon, client) == contents, failpoint


def contents_of_v(daemon: RealDaemon, client: Client) -> dict[str, str]:
    """Checksums of the volume's files, wherever it is visible; a file system is mounted for it, by hand."""
    found = [volume for volume in client.volumes("p") if volume.name != "bystander"]
    if not found:
        return {}
    where = daemon.pool / "volumes" / found[0].uid
    if found[0].content == "directory":
        return checksums(where / "data")
    if found[0].content == "block":
        return {"disk.raw": checksums(where)["disk.raw"]}
    if found[0].mounts:
        return checksums(daemon.mnt / "v")
    point = daemon.root / "by-hand"
    point.mkdir(exist_ok=True)
    run("mount", "-o", "loop", where / "disk.raw", point)
    files = checksums(point) or fill(point, "v")
    run("umount", point)
    wait_until(lambda: loops_below(daemon.root) == [], "the loop device goes with its mount", 5)
    return files


def compare(daemon: RealDaemon, client: Client, *, there: bool, mounted: bool) -> None:
    """Look at the world directly: volumes, mounts, loop devices and temporary files are the expected ones."""
    recorded = {volume.uid: volume for volume in client.volumes("p")}
    assert len(recorded) == 1 + there
    assert set(os.listdir(daemon.pool / "volumes")) == set(recorded)
    points = [str(daemon.mnt / "bystander"), *([str(daemon.mnt / "v")] if mounted else [])]
    assert sorted(mounts_below(daemon.root)) == points
    devices = any(volume.content != "directory" for volume in recorded.values()) and mounted
    wait_until(lambda: len(loops_below(daemon.root)) == devices, "loop devices are just those of the mounts", 5)
    assert temporary_below(daemon.pool) == []
    assert os.listdir(daemon.run) == ["holdfast.sock"]
    for pool in client.pools():
        assert pool.ready, pool.reason
    if (daemon.root / "second").exists():
        marked = (daemon.root / "second" / "holdfast-pool.json").exists()
        assert marked == any(pool.name == "q" for pool in client.pools())
        assert temporary_below(daemon.root / "second") == []


def claims(daemon: RealDaemon) -> int:
    """How many the database of a stopped daemon holds."""
    with contextlib.closing(sqlite3.connect(daemon.state / "holdfast.db")) as database:
        return int(database.execute("SELECT count(*) FROM claims").fetchone()[0])
