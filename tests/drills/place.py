"""Running drills as people do, and what must be as it was afterwards."""

import contextlib
import json
import os
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

from holdfast.drills.catalogue import DRILLS
from tests.daemon import BIN, mounts_below, wait_until
from tests.lingering import loops_below
from tests.needs import need, need_root

NAMES = [drill.name for drill in DRILLS]
# The longest that a run may take on a machine that has much else to do; seconds.
PATIENCE = 300.0


class Ended(NamedTuple):
    """A run that is over."""

    status: int
    out: str
    err: str

    @property
    def reports(self) -> list[dict[str, Any]]:
        """What `-o json` says."""
        found: list[dict[str, Any]] = json.loads(self.out)
        return found


def tools() -> None:
    """What drills need."""
    need_root()
    need("mkfs.ext4")
    need("openssl")


def command(*args: str | Path) -> list[str]:
    """`holdfast drill …`."""
    return [str(BIN), "drill", *(str(arg) for arg in args)]


def environment(temporary: Path, **more: str) -> dict[str, str]:
    """The drill's own directory is made below `temporary`."""
    temporary.mkdir(exist_ok=True)
    return {**os.environ, "TMPDIR": str(temporary), **more}


def drill(temporary: Path, *args: str | Path, **more: str) -> Ended:
    """Run one; what is left in `temporary` is the drill's."""
    env = environment(temporary, **more)
    done = subprocess.run(command(*args), env=env, capture_output=True, text=True, timeout=PATIENCE)
    return Ended(done.returncode, done.stdout, done.stderr)


def left(root: Path) -> list[str]:
    """Mounts and loop devices below `root`, files in the drills' own directory, processes that name it.

    A fork server whose control plane was killed needs a moment to see it.
    """
    own = root / "tmp"
    with contextlib.suppress(AssertionError):
        wait_until(lambda: not processes(str(own)), "they end")
    files = [str(path) for path in own.rglob("*")] if own.exists() else []
    return [*mounts_below(root / "tmp"), *loops_below(root), *files, *processes(str(own))]


def processes(named: str) -> list[str]:
    """Those whose command line names it."""
    found = []
    for pid in filter(str.isdecimal, os.listdir("/proc")):
        try:
            said = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue  # it is over
        if named in said:
            found.append(f"{pid}: {said}")
    return found
