"""`holdfast purge` of what is not a state directory: refused, with what to write instead, and nothing is removed."""

from pathlib import Path

import pytest

from tests.daemon import RealDaemon, checksums, fill
from tests.faces.test_purge import Ended, files, stopped


def refused(root: Path, state: Path | str, runs: Path | str, status: int) -> str:
    """It ends so, with a hint, and changes nothing below `root`."""
    before = files(root)
    done = Ended(state, runs, yes=True)
    assert done.status == status, done.said
    assert done.hint
    assert files(root) == before
    return done.said


@pytest.mark.parametrize("path", ["", "state", "./state", "{}/state/../state", "{}/state/.", "{}/sta\nte", "/.."])
def test_a_path_that_is_not_absolute_and_plain_is_refused(place: Path, path: str) -> None:
    (place / "state").mkdir()
    (place / "state" / "holdfast.db").write_text("precious")
    refused(place, path.format(place), place / "run", 2)
    refused(place, place / "state", path.format(place) or "x", 2)


def test_the_root_directory_is_refused(place: Path) -> None:
    assert "root directory" in refused(place, "/", place, 14)
    assert "root directory" in refused(place, place / "none", "//", 14)


def test_a_symlink_is_refused_and_named(place: Path) -> None:
    (place / "real").mkdir()
    fill(place / "real")
    (place / "link").symlink_to(place / "real")
    for path in (place / "link", f"{place}/link/"):
        assert f"--state {place}/real" in refused(place, path, place / "run", 2)
        assert f"--run {place}/real" in refused(place, place / "none", path, 2)


@pytest.mark.parametrize(("state", "runs"), [("s", "s/run"), ("r/state", "r"), ("both", "both")])
def test_directories_inside_each_other_are_no_daemons(place: Path, state: str, runs: str) -> None:
    assert "inside each other" in refused(place, place / state, place / runs, 2)


def test_a_file_is_refused(place: Path) -> None:
    (place / "file").write_text("precious")
    assert "not a directory" in refused(place, place / "file", place / "run", 2)
    assert "not a directory" in refused(place, place / "none", place / "file", 2)


def test_a_directory_of_somebody_else_is_refused(place: Path) -> None:
    fill(place)
    (place / "made").touch()
    assert "not a state directory" in refused(place, place, f"{place}-run", 2)


@pytest.mark.parametrize("name", ["audit.log", "lock", "reserve", "holdfast.db"])
def test_a_file_of_one_of_its_names_does_not_make_a_directory_its_own(place: Path, name: str) -> None:
    (place / name).write_text("precious")
    (place / "audit.log.1").write_text("who did what")
    assert Ended(place, f"{place}-run", yes=True).status in (2, 14)
    assert (place / name).read_text() == "precious"


def test_a_pool_is_refused_in_either_place(daemon: RealDaemon) -> None:
    client = daemon.with_pool()
    client.create_volume("p", "v", "1MiB")
    daemon.stop()
    kept = checksums(daemon.pool)
    for state, runs in ((daemon.pool, daemon.run), (daemon.state, daemon.pool)):
        assert "is a pool" in refused(daemon.root, state, runs, 14)
    assert checksums(daemon.pool) == kept


def test_a_run_directory_of_somebody_else_loses_nothing(daemon: RealDaemon, place: Path) -> None:
    member = stopped(daemon)
    (place / "holdfast.sock").write_text("no socket")
    assert str(place / "holdfast.sock") in Ended(member.state, place, dry_run=True).said
    fill(place)
    kept = checksums(place)
    assert Ended(member.state, place, yes=True).status == 0
    assert checksums(place) == kept
    assert not member.state.exists()


def test_a_parent_that_is_a_symlink_is_followed(daemon: RealDaemon) -> None:
    member = stopped(daemon)
    (member.root / "link").symlink_to(member.root)
    assert Ended(member.root / "link/state", member.root / "link/run", yes=True).status == 0
    assert not member.state.exists()
    assert not member.run.exists()
