"""The benchmark's own arithmetic, and that it measures what it says; no test here is decided by a timing."""

import os
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import pytest
from bench import bars, lxd, machine, ours, scale
from bench.daemon import Peer, running
from bench.face import BenchError, Face
from bench.load import Load, parallel, sequential
from bench.round import create, delete, later, names
from bench.run import options

from tests.conformance.dir_harness import run
from tests.needs import need, need_root
from tests.power.disks import Disk

Make = Callable[[Path], Peer]
MOST = bars.Bar("memory", "m", "m", at_least=False, limit=1)
LEAST = bars.Bar("creates", "r", "r", at_least=True, limit=5)


@pytest.fixture
def disk() -> Iterator[Path]:
    """Not tmpfs, and short enough for a socket's path."""
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="hf-") as name:
        yield Path(name)


@pytest.fixture(params=["holdfast", "lxd"])
def make(request: pytest.FixtureRequest) -> Make:
    need_root()
    if request.param == "lxd":
        need("lxd")
        return lxd.peer
    return ours.peer


def fail(_face: Face, name: str) -> None:
    raise BenchError(f"{name} cannot be made")


def test_a_bar_is_met_at_its_limit_and_missed_beyond_it() -> None:
    assert bars.judge(MOST, 3, 3).met
    assert not bars.judge(MOST, 3.01, 3).met
    assert bars.judge(LEAST, 15, 3).met
    assert not bars.judge(LEAST, 14.9, 3).met


def test_a_ratio_is_ours_over_theirs() -> None:
    assert bars.judge(LEAST, 10, 4).ratio == 2.5


def test_a_percentile_is_a_value_that_was_measured() -> None:
    assert later([5.0, 1.0, 4.0, 2.0, 3.0], 0.95) == 5.0
    assert later([float(n) for n in range(100)], 0.95) == 95.0


def test_rates_of_slices_count_requests_between_their_ends() -> None:
    first = [(0.0, n / 10) for n in range(1, 11)]  # ten in a second
    second = [(1.0, 1 + n / 5) for n in range(1, 11)]  # ten in two
    assert scale.rates(Load([*first, *second], 0.0), 2) == [10.0, 5.0]


def test_a_load_s_rate_is_from_the_first_begin_to_the_last_end() -> None:
    assert Load([(1.0, 1.5), (0.5, 2.0), (1.5, 2.5)], 0.0).rate == 1.5


def test_a_table_s_columns_are_aligned() -> None:
    lines = bars.table([("a", "b"), ("long", "c")]).splitlines()
    assert lines == ["a     b", "-------", "long  c"]


def test_more_volumes_than_a_page_has_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        options(["--volumes", "1001"])
    assert "volumes <= 1000" in capsys.readouterr().err


def test_memory_where_fsync_costs_nothing_is_no_place_to_measure() -> None:
    with pytest.raises(BenchError, match="fsync costs nothing"):
        machine.disk(Path("/dev/shm"))


def test_memory_is_of_a_process_and_its_children_each_shared_page_once() -> None:
    need_root()
    before = machine.memory(os.getpid())
    child = os.fork()
    if not child:
        signal.pause()
    try:
        mine = bytearray(64 << 20)
        assert machine.family(os.getpid()).count(child) == 1
        both = machine.memory(os.getpid())
        assert both.rss > before.rss + len(mine) + before.rss // 2
        assert before.pages + len(mine) // 2 < both.pages < before.pages + 2 * len(mine)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def test_a_peer_makes_lists_and_deletes_real_directories(make: Make, disk: Path) -> None:
    with running(make, disk) as peer:
        made = [
            *sequential(peer.face, create, names(0, 3)).requests,
            *parallel(peer.face, create, names(3, 20)).requests,
        ]
        assert len(made) == 20
        assert all(begin < end for begin, end in made)
        face = peer.face()
        assert face.count() == 20
        kept = list(peer.source.glob("volumes/*/data")) or list(peer.source.glob("custom/default_v*"))
        assert len(kept) == 20
        parallel(peer.face, delete, names(0, 20))
        assert face.count() == 0
        face.close()
        assert machine.memory(peer.pid).pss > 0


def test_a_restarted_peer_has_its_volumes(make: Make, disk: Path) -> None:
    with running(make, disk) as peer:
        sequential(peer.face, create, names(0, 2))
        before = peer.pid
        peer.stop()
        assert peer.start() > 0
        assert peer.pid != before
        face = peer.face()
        assert face.count() == 2
        face.close()


def test_nothing_is_left_of_a_peer_after_a_failure(make: Make, disk: Path) -> None:
    pids: list[int] = []

    def run() -> None:
        with running(make, disk) as peer:
            pids.extend(machine.family(peer.pid))
            parallel(peer.face, fail, names(0, 8))

    with pytest.raises(BenchError, match=r"a client failed: .* cannot be made"):
        run()
    assert not list(disk.iterdir())
    assert pids
    assert not [pid for pid in pids if os.path.exists(f"/proc/{pid}")]
    assert str(disk) not in Path("/proc/self/mountinfo").read_text()


class AtOnce:
    """A face of a daemon that has none."""

    def answers(self) -> bool:
        return True

    def close(self) -> None:
        pass


def idle(root: Path, *, env: dict[str, str] | None = None) -> Peer:
    return Peer("idle", ["sleep", "1000"], env or {}, cast("Callable[[], Face]", AtOnce), root)


def test_a_peer_holds_no_copy_of_anothers_disk_nor_of_what_is_mounted_in_it(disk: Path) -> None:
    need_root()
    other = Disk(disk / "other", disk / "image", "ext4").make()
    inner = other.where / "inner"
    inner.mkdir()
    run("mount", "--bind", str(inner), str(inner))
    peer = idle(disk)
    try:
        peer.start()
        assert str(other.where) not in Path(f"/proc/{peer.pid}/mountinfo").read_text()
        assert str(inner) in Path("/proc/self/mountinfo").read_text()
    finally:
        peer.stop()
        run("umount", "--recursive", str(other.where))


def test_a_peer_that_gets_no_namespaces_is_told_with_its_log(disk: Path, recwarn: pytest.WarningsRecorder) -> None:
    need_root()
    (disk / "bin").mkdir()
    (disk / "bin/ip").write_text("#!/bin/sh\necho no loopback today >&2\nexit 1\n")
    (disk / "bin/ip").chmod(0o755)
    peer = idle(disk, env={"PATH": f"{disk}/bin:{os.defpath}:/usr/sbin:/sbin"})
    with pytest.raises(BenchError, match="no loopback today"):
        peer.start()
    peer.stop()
    del peer
    assert not [each for each in recwarn if issubclass(each.category, ResourceWarning)]


def test_a_daemon_that_ends_at_once_is_told_with_its_log(disk: Path) -> None:
    need_root()

    def broken(root: Path) -> Peer:
        return Peer(
            "broken", ["sh", "-c", "echo no such luck; exit 3"], {}, lambda: lxd.LxdFace(str(root / "no")), root
        )

    with pytest.raises(BenchError, match="no such luck"), running(broken, disk):
        pass
    assert not list(disk.iterdir())
