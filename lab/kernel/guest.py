"""Inside the guest: load the modules the tests need, then become pytest."""

import ctypes
import os
import platform
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
MODULES = ("drivers/block/loop.ko", "fs/fuse/fuse.ko")
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


def main(job: Path) -> int:
    """pytest's status."""
    for module in MODULES:
        load(module)
    chosen = [text for text in (job / "arguments").read_text().split("\0") if text]
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
