"""What a drill made goes, however it ends; what cannot go is named."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from holdfast.drills import clearing
from holdfast.drills.scratch import staged
from holdfast.drills.stage import POOL, Stage
from holdfast.model.errors import DrillFailed
from holdfast.operations.attachment.mount import VolumeMount
from tests.daemon import mounts_below, scratch, wait_until
from tests.drills.place import PATIENCE, command, environment, left, tools

pytestmark = pytest.mark.root


@pytest.mark.parametrize(
    ("number", "status", "after"),
    [(signal.SIGINT, 130, after) for after in (0.0, 0.5, 1.2, 2.0)] + [(signal.SIGTERM, 143, 0.9)],
)
def test_a_drill_that_is_interrupted_clears_its_stage(number: int, status: int, after: float) -> None:
    """At any moment: where it is then does not matter, for nothing may be left in any case."""
    tools()
    with scratch() as root:
        process = subprocess.Popen(
            command("run", "--all"), env=environment(root / "tmp"), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True,
        )  # fmt: skip
        wait_until(lambda: bool(os.listdir(root / "tmp")), "the drill began")
        time.sleep(after)
        process.send_signal(number)
        out, err = process.communicate(timeout=PATIENCE)
        assert (process.returncode, left(root)) == (status, []), (out, err)


def test_an_interrupt_while_it_clears_is_heard_when_that_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    tools()
    with scratch() as root:
        monkeypatch.setenv("TMPDIR", str(root))
        clear = clearing.clear

        def interrupted(stage: Stage) -> list[str]:
            signal.raise_signal(signal.SIGINT)
            return clear(stage)

        monkeypatch.setattr(clearing, "clear", interrupted)
        with pytest.raises(KeyboardInterrupt), staged("dir", {}):
            pass
        assert os.listdir(root) == []


def _mounted(stage: Stage) -> Path:
    stage.do(stage.new("used"))
    where = Path(stage.path("mnt"))
    where.mkdir()
    stage.do(VolumeMount(pool=POOL, name="used", path=str(where)))
    return where


def test_what_somebody_uses_is_named_and_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    tools()
    with scratch() as root:
        monkeypatch.setenv("TMPDIR", str(root))
        with staged("dir", {}) as stage:
            where = _mounted(stage)
            file = os.open(where / "open", os.O_RDWR | os.O_CREAT)
        try:
            assert f"{where} is mounted" in stage.left
            assert mounts_below(where) == [str(where)]
            assert any("is busy" in each for each in stage.left), stage.left
        finally:
            os.close(file)
            subprocess.run(["umount", where], check=True)


def _interrupted() -> None:
    with staged("dir", {}) as stage:
        os.chdir(_mounted(stage))
        raise KeyboardInterrupt


def test_that_something_is_left_is_an_error_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    tools()
    with scratch() as root:
        monkeypatch.setenv("TMPDIR", str(root))
        here = os.getcwd()
        try:
            with pytest.raises(DrillFailed, match="is mounted"):
                _interrupted()
        finally:
            os.chdir(here)


def test_a_dead_control_plane_and_a_forgotten_device_are_cleared_too(monkeypatch: pytest.MonkeyPatch) -> None:
    tools()
    with scratch() as root:
        monkeypatch.setenv("TMPDIR", str(root))
        with staged("dir", {}) as stage:
            stage.do(stage.new("one"))
            image = stage.image("one").path
            subprocess.run(["losetup", "--find", image], check=True)
            assert [file for _, file in stage.loops()] == [image]
            stage.private.kill()
        assert (stage.left, left(root), os.listdir(root)) == ([], [], [])
