"""Loop devices that go by themselves: whoever copies the mounts of this machine holds those in them for a moment."""

import contextlib
import time
from pathlib import Path

# Seconds that a copy may live: until its maker drops what is not his.
MOMENT = 3.0


def loops_below(path: Path) -> list[str]:
    """Loop devices whose file lies (or lay) below `path`, once none lingers there, or a moment later."""
    end = time.monotonic() + MOMENT
    while True:
        found = [
            node for node in Path("/sys/block").glob("loop*") if _reads(node, "backing_file").startswith(f"{path}/")
        ]
        if time.monotonic() > end or not any(_lingers(node) for node in found):
            return [f"/dev/{node.name}" for node in found]
        time.sleep(0.02)


def _lingers(node: Path) -> bool:
    """Whether it goes with its last user, and is mounted nowhere that we see."""
    mounted = (line.rpartition(" - ")[2].split()[1] for line in Path("/proc/self/mountinfo").read_text().splitlines())
    return _reads(node, "autoclear") == "1" and f"/dev/{node.name}" not in mounted


def _reads(node: Path, name: str) -> str:
    with contextlib.suppress(OSError):
        return (node / "loop" / name).read_text().strip()
    return ""
