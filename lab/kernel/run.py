"""`make lab-kernel`: the host layer's tests on Linux 6.1, in a User-mode Linux guest.

The guest's root is this machine's, by hostfs, so its root could write the real one. It gets tmpfs over the
places where programs write, and a disk of its own (ext4) as scratch; the virtual environment is only read.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
DEADLINE = 600.0
MEMORY = "1536M"
DISK = 3 << 30
# What differs between kernels: mounts, loop devices, children, removal. Signatures are bytes, the same
# everywhere.
TESTS = ("test_mount*.py", "test_loops*.py", "test_trees*.py", "test_children*.py", "test_formats_make.py")
# And what needs a capability that a container's root has not: an ext4 grows while it is in use.
_KERNELS = "tests/conformance/kernels/test_kernels.py::TestFileSystems"
CAPABLE = (f"{_KERNELS}::test_a_mounted_file_system_grows_with_its_device_and_loses_nothing[linux-ext4]",)
# Its own exit status, where pytest gave none: as timeout(1) and the shell do.
NO_STATUS, TIMED_OUT = 125, 124


def make_disk(path: Path) -> None:
    """A sparse ext4 disk for the guest's scratch."""
    with path.open("wb") as file:
        file.truncate(DISK)
    subprocess.run(["/usr/sbin/mkfs.ext4", "-q", "-F", "-E", "nodiscard", str(path)], check=True)


def make_preload(path: Path) -> None:
    """What lets the guest run on any processor."""
    subprocess.run(["cc", "-shared", "-fPIC", "-O", "-o", str(path), str(HERE / "xstate.c"), "-ldl"], check=True)


def command(job: Path) -> list[str]:
    """The guest's command line; what the kernel does not know of it becomes init's environment."""
    return [
        "linux.uml", f"mem={MEMORY}", "root=/dev/root", "rootfstype=hostfs", "rootflags=/", "rw",
        f"ubdb={job / 'disk'}", f"init={HERE / 'init.sh'}", f"HOLDFAST_JOB={job}",
        f"HOLDFAST_PYTHON={sys.executable}", "con=null", "con0=null,fd:1", "quiet",
    ]  # fmt: skip


def boot(job: Path) -> int:
    """Run the guest until it powers off; pytest's status, as the guest wrote it."""
    # A session of its own: the guest is several processes, and all of them end with it.
    guest = subprocess.Popen(
        command(job), stdin=subprocess.DEVNULL, stderr=subprocess.STDOUT, start_new_session=True,
        env={**os.environ, "TMPDIR": str(job), "LD_PRELOAD": str(job / "preload.so")},
    )  # fmt: skip
    try:
        guest.wait(DEADLINE)
    except subprocess.TimeoutExpired:
        print(f"The guest did not end within {DEADLINE:g} s.")
        return TIMED_OUT
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(guest.pid, signal.SIGKILL)
        guest.wait()
    status = job / "status"
    return int(status.read_text()) if status.exists() else NO_STATUS


def main(arguments: list[str]) -> int:
    """Boot it; `arguments` go to pytest; tests named there replace the usual choice."""
    if shutil.which("linux.uml") is None:
        print("linux.uml is not installed (Debian package user-mode-linux).")
        return NO_STATUS
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(TIMED_OUT))  # the guest ends with us, however we end
    job = Path(tempfile.mkdtemp(prefix="holdfast-kernel-", dir="/var/tmp"))
    try:
        make_disk(job / "disk")
        make_preload(job / "preload.so")
        usual = sorted(str(path) for each in TESTS for path in (ROOT / "tests" / "host").glob(each))
        usual += CAPABLE
        named = any(not argument.startswith("-") for argument in arguments)
        (job / "arguments").write_text("\0".join(arguments if named else [*arguments, *usual]))
        return boot(job)
    finally:
        shutil.rmtree(job, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
