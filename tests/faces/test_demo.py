"""`make demo`: it sees all it promises, twice, and leaves nothing, even when it is stopped half-way."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DEMO = [sys.executable, str(ROOT / "lab/demo.py")]


@pytest.fixture
def scratch() -> Iterator[Path]:
    if os.geteuid() != 0:
        if os.environ.get("CI"):
            pytest.fail("the demo needs root, and CI has to have it")
        pytest.skip("the demo mounts file systems, so it needs root")
    place = Path(tempfile.mkdtemp(prefix="demo-", dir="/var/tmp"))  # short: a socket's path has 107 bytes
    yield place
    assert os.listdir(place) == [], "the demo left something in its scratch directory"
    assert str(place) not in Path("/proc/self/mountinfo").read_text(), "the demo left a mount"
    for node in Path("/sys/block").glob("loop*/loop/backing_file"):
        assert not node.read_text().startswith(str(place)), "the demo left a loop device"
    place.rmdir()


def _run(scratch: Path) -> str:
    env = {**os.environ, "TMPDIR": str(scratch)}
    done = subprocess.run(DEMO, env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.root
def test_the_demo_sees_all_it_promises_twice_in_a_row(scratch: Path) -> None:
    for _ in range(2):
        said = _run(scratch)
        for what in (
            "✔ SIGKILL ended the daemon in the middle of it",
            "✔ the operation is parked, and waits for the world",
            "✔ what was half-made was discarded, and the volume made anew",
            "✔ all checksums are equal",
            "✔ it finds nothing",
            "✔ no process",
            "All of it was seen",
        ):
            assert what in said


@pytest.mark.root
def test_a_demo_stopped_half_way_leaves_nothing(scratch: Path) -> None:
    env = {**os.environ, "TMPDIR": str(scratch)}
    with subprocess.Popen(DEMO, env=env, stdout=subprocess.PIPE, text=True) as demo:
        assert demo.stdout is not None
        for line in demo.stdout:
            if line.startswith("3. "):
                demo.terminate()
        assert demo.wait(60) == 130
