"""The matrix itself: it plays the same each time, its children really die, and it is not blind."""

import os
import pathlib
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from holdfast.host import children, loops
from holdfast.records import claims
from holdfast.testing.forked import BLOCK, forked, killed, tear
from holdfast.testing.matrix import Broken, Fault, Passed, Witness, moments
from tests.crash.test_matrix import find
from tests.crash.test_pairs import Duel
from tests.crash.test_pairs import find as find_pair
from tests.crash.theatre import SHM, Theatre

UUID = "6f1c4d0e2b7a4c9d8e3f5a6b7c8d9e0f"
HALF = Fault("child.mkfs-ext4.before", 1, "child-half")

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")


@pytest.fixture
def scratch() -> str:
    return str(SHM / f"holdfast-matrix-{os.getpid()}")


@pytest.fixture
def theatre(scratch: str, request: pytest.FixtureRequest) -> Iterator[Theatre]:
    found = Theatre(find(request.param, scratch), scratch)
    yield found
    found.close()


@pytest.fixture
def image(tmp_path: pathlib.Path) -> Iterator[int]:
    fd = os.open(tmp_path / "image", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    os.ftruncate(fd, 2 << 20)
    yield fd
    os.close(fd)


@pytest.mark.parametrize("theatre", ["pool-forget", "mount-ext4", "volume-delete-directory"], indirect=True)
def test_a_stage_laid_out_anew_is_as_it_was(theatre: Theatre) -> None:
    first, second = theatre.play().breaker.visits, theatre.play().breaker.visits
    assert first == second
    assert len(first) > 5


def test_a_child_killed_at_its_gate_has_done_nothing(image: int) -> None:
    assert killed("idle", "loop-attach", {"read_only": False}, (image,)) == (b"", -signal.SIGKILL)
    assert loops.of_backing(loops.backing_of(image)) == []


def test_half_of_what_was_written_is_the_half_in_front(image: int) -> None:
    for at in range(0, 10 * BLOCK, 2 * BLOCK):
        os.pwrite(image, b"x" * BLOCK, at)
    tear(image)
    assert [at // BLOCK for at in range(0, 10 * BLOCK, BLOCK) if any(os.pread(image, BLOCK, at))] == [0, 2]


def test_a_half_made_file_system_says_its_uuid_and_is_not_whole(image: int) -> None:
    args = {"fs": "ext4", "uuid": UUID}
    assert killed("half", "mkfs-ext4", args, (image,)) == (b"", -signal.SIGKILL)
    assert os.pread(image, 16, 1024 + 0x68).hex() == UUID
    assert forked("fsck-ext4", {"fs": "ext4"}, (image,))[1] != 0


def test_one_moment_is_what_lies_between_two_effects_while_no_time_passes() -> None:
    write = ["journal.intent.before", "records.commit.before", "records.commit.after", "journal.intent.after"]
    visits = [*write, "volume.mkdir.before", "volume.mkdir.after", *write, "child.umount.before"]
    goes_on = [False, True, False, True, True, False, True, True, False, True, False]
    assert moments(Passed(visits, [1.0] * 10 + [2.0])) == goes_on


@pytest.mark.parametrize("theatre", ["volume-create-ext4-undo"], indirect=True)
def test_what_goes_on_within_one_moment_is_seen(theatre: Theatre, monkeypatch: pytest.MonkeyPatch) -> None:
    witness = Witness()
    passed = theatre.play(witness=witness).breaker.passed
    witness.check(passed)
    monkeypatch.setattr("holdfast.testing.matrix.faults._GO_ON", ())
    with pytest.raises(Broken, match=r"between .*tree.remove.after"):
        witness.check(passed)


@pytest.mark.parametrize("theatre", ["volume-create-ext4"], indirect=True)
def test_a_death_of_mkfs_that_is_taken_for_success_is_noticed(
    theatre: Theatre, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer_of = children.answer_of

    def deaf(work: str, raw: bytes, status: int) -> Any:
        return answer_of(work, raw, max(status, 0))

    assert theatre.play((HALF,)).breaker.fired == 1
    monkeypatch.setattr("holdfast.testing.universe.answer_of", deaf)
    with pytest.raises(Broken, match="is not whole"):
        theatre.play((HALF,))


@pytest.mark.parametrize(
    ("name", "at"),
    [
        ("rename+rename-directory", "volume.rename-write.before"),
        ("delete+mount-directory", "volume.hide.before"),
        ("rename+delete-directory", "journal.end.before"),
    ],
)
def test_without_claims_two_operations_get_in_each_others_way(
    name: str, at: str, scratch: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold = (Fault(at, 1, "hold"),)
    duel = Duel(find_pair(name, scratch), scratch)
    try:
        duel.play()
        duel.play(swapped=True)
        duel.play(hold)
        monkeypatch.setattr(claims, "blocker", lambda _tx, _op: "")
        with pytest.raises(Broken, match=r"like neither order|the audit found"):
            duel.play(hold)
    finally:
        duel.close()
