"""The simulated state directory keeps what the daemon relies on of the real one."""

from collections.abc import Callable
from pathlib import Path

import pytest

from holdfast.model.errors import DatabaseDamaged
from holdfast.records.statedir import Home, StateDir
from holdfast.testing.simulation.home import RecordsDisk, SimulatedHome

Open = Callable[[], Home]


class Real:
    """On a real directory."""

    def __init__(self, path: Path) -> None:
        self._path = path / "state"

    def open(self) -> Home:
        """By a daemon."""
        return StateDir(str(self._path))

    def make_database(self) -> None:
        """As SQLite does."""
        (self._path / "holdfast.db").write_bytes(b"something")

    def lose_database(self) -> None:
        """Somebody removes it."""
        (self._path / "holdfast.db").unlink()

    def replace(self, _home: Home) -> None:
        """Somebody puts another lock file in its place."""
        (self._path / "lock").unlink()
        (self._path / "lock").touch()


class Simulated:
    """On the records' disk."""

    def __init__(self, _path: Path) -> None:
        self._disk = RecordsDisk()

    def open(self) -> Home:
        """By a daemon."""
        return SimulatedHome(self._disk, lambda: None)

    def make_database(self) -> None:
        """As SQLite does."""
        self._disk.create("holdfast.db").write(b"something", 0)

    def lose_database(self) -> None:
        """Somebody removes it."""
        self._disk.delete("holdfast.db")

    def replace(self, home: Home) -> None:
        """It says so."""
        assert isinstance(home, SimulatedHome)
        home.replaced = "it was replaced"


@pytest.fixture(params=[Real, Simulated], ids=["real", "simulated"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Real | Simulated:
    made: Real | Simulated = request.param(tmp_path)
    return made


def test_a_new_one_has_no_database_and_a_lost_one_is_no_new_beginning(place: Real | Simulated) -> None:
    home = place.open()
    home.check_database()
    place.make_database()
    home.watch_database()
    home.check_database()
    place.lose_database()
    with pytest.raises(DatabaseDamaged):
        home.check_database()
    home.close()


def test_the_reserve_is_given_once_and_made_again(place: Real | Simulated) -> None:
    home = place.open()
    assert home.make_reserve()
    assert home.has_reserve
    assert home.release_reserve()
    assert not home.has_reserve
    assert not home.release_reserve()
    assert home.make_reserve()
    assert home.has_reserve
    home.close()


def test_it_notices_that_it_was_replaced(place: Real | Simulated) -> None:
    home = place.open()
    place.make_database()
    home.watch_database()
    assert home.lost() == ""
    place.replace(home)
    assert home.lost()
    home.close()
