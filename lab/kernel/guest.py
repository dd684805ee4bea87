"""Inside the guest: load the modules the tests need, then become pytest."""

import ctypes
import os
import platform
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
MODULES = ("drivers/block/loop.ko", "fs/fuse/fuse.ko")
# For tests that are named so, with what these need.
MORE = {"guest_iscsi.py": ("drivers/scsi/sd_mod.ko", "drivers/scsi/iscsi_tcp.ko")}
# finit_module(2); the machine need not have kmod.
FINIT_MODULE = {"x86_64": 313, "aarch64": 273}


def load(module: str) -> None:
    """Load a module of the running kernel."""
    path = Path("/usr/lib/uml/modules") / platform.release() / "kernel" / module
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    libc = ctypes.CDLL(None, use_errno=True)
    try:
        if libc.syscall(FINIT_MODULE[platform.machine()], fd, b"", 0) < 0:
            print(f"{module} could not be loaded: {os.strerror(ctypes.get_errno())}")
    finally:
        os.close(fd)


def with_needed(module: str) -> list[str]:
    """The module behind those that it needs (depmod(8): modules.dep has the nearest one first)."""
    lines = (Path("/usr/lib/uml/modules") / platform.release() / "modules.dep").read_text().splitlines()
    needed = next(line.partition(": ")[2] for line in lines if line.startswith(f"kernel/{module}:"))
    return [*(each.removeprefix("kernel/") for each in reversed(needed.split())), module]


def main(job: Path) -> int:
    """pytest's status."""
    chosen = [text for text in (job / "arguments").read_text().split("\0") if text]
    more = [module for name, modules in MORE.items() if any(name in text for text in chosen) for module in modules]
    for module in dict.fromkeys([*MODULES, *(each for one in more for each in with_needed(one))]):
        load(module)
    if not chosen:  # else pytest would take every test there is, on this machine's own files
        print("The guest was told no tests.")
        return 2
    environment = {
        **os.environ, "HOLDFAST_SCRATCH": "/mnt/scratch", "TMPDIR": "/mnt/scratch", "HOME": "/tmp",
        "PYTHONDONTWRITEBYTECODE": "1", "CI": "1",
    }  # fmt: skip
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--durations=5", *chosen]
    return subprocess.run(command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL).returncode


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
