"""What a drill refuses, before it made anything there."""

import subprocess

import pytest

from holdfast.cli.local.drill import run
from holdfast.model.errors import Forbidden, Foreign, Invalid, NotFound
from tests.daemon import checksums, fill, real_daemon, scratch
from tests.drills.place import drill, left, tools
from tests.lingering import loops_below
from tests.needs import need_root
from tests.unit.nobody import unprivileged

ONE = "longhorn-14042"


@pytest.mark.root
def test_a_place_that_is_not_empty_is_refused_and_left_as_it_is() -> None:
    tools()
    with scratch() as root:
        place = root / "place"
        place.mkdir()
        precious = fill(place)
        done = drill(root / "tmp", "run", ONE, "--set", f"source={place}")
        assert (done.status, checksums(place), left(root)) == (Foreign.exit, precious, [])
        assert f"{place} is not empty" in done.err


@pytest.mark.root
def test_the_devices_of_others_stay_attached() -> None:
    """Also where the drill ends before it has a place, and where all loop devices of its place are others'."""
    tools()
    with scratch() as root:
        place = root / "place"
        place.mkdir()
        (place / "image").write_bytes(bytes(1 << 20))
        subprocess.run(["losetup", "--find", place / "image"], check=True)
        device = loops_below(root)
        assert len(device) == 1
        for source in (place, "/no/such/place"):
            assert drill(root / "tmp", "run", ONE, "--set", f"source={source}").status != 0
            assert loops_below(root) == device


@pytest.mark.root
def test_a_pool_is_no_place_nor_is_anything_in_it() -> None:
    tools()
    with real_daemon() as daemon, scratch() as root:
        client = daemon.with_pool()
        before = checksums(daemon.pool)
        for place, error in ((daemon.pool, Foreign), (daemon.pool / "volumes", Invalid)):
            done = drill(root / "tmp", "run", ONE, "--set", f"source={place}")
            assert (done.status, left(root)) == (error.exit, []), done
        assert checksums(daemon.pool) == before
        assert not client.audit()


@pytest.mark.root
@pytest.mark.parametrize(
    ("args", "error", "says"),
    [
        (("no-such-drill",), NotFound, "There is no drill 'no-such-drill'."),
        ((), Invalid, "wants a NAME, or --all"),
        (("--all", ONE), Invalid, "wants a NAME, or --all"),
        ((ONE, "--pool-driver", "zfs"), Invalid, "There is no driver 'zfs'."),
        ((ONE, "--set", "source=/no/such/place"), Invalid, "cannot be used"),
        ((ONE, "--set", "place=/"), Invalid, "does not know 'place'"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_left(args: tuple[str, ...], error: type[Invalid], says: str) -> None:
    need_root()
    with scratch() as root:
        done = drill(root / "tmp", "run", *args)
        assert (done.status, left(root)) == (error.exit, [])
        assert says in done.err


@pytest.mark.root
def test_without_roots_rights_it_says_so() -> None:
    with unprivileged(), pytest.raises(Forbidden, match="only root may"):
        run(ONE)
