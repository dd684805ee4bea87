"""The main job, before one's eyes: `make demo`.

In a scratch directory: a daemon, a pool, three volumes, real files through real mounts; the daemon is
killed in the middle of a create and of a delete, started again, and ends what it had begun. Every line with a
✔ was checked. Exit status 0 means that all of them were seen; the first that is not stops the demo.
"""

import contextlib
import hashlib
import io
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import apsw

from holdfast.client import Client
from holdfast.model.errors import HoldfastError, Unavailable
from holdfast.model.operations import OperationView

BIN = Path(sys.executable).with_name("holdfast")
FILES = 4000
PATIENCE = 30.0


class NotSeen(Exception):
    """What should have been seen was not."""


# -- telling ---------------------------------------------------------------------------------------


def title(text: str) -> None:
    print(f"\n{text}", flush=True)


def say(text: str) -> None:
    print(f"   {text}", flush=True)


def check(seen: bool, what: str, otherwise: str = "") -> None:
    """Print what was seen, or stop."""
    if not seen:
        raise NotSeen(f"{what}{': ' if otherwise else ''}{otherwise}")
    print(f"   ✔ {what}", flush=True)


# -- the world, asked directly and not through Holdfast ---------------------------------------------


def mounts_below(path: Path) -> list[str]:
    """Mount points at or below `path`, deepest last."""
    points = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    return sorted(point for point in points if point == str(path) or point.startswith(f"{path}/"))


def loops_below(path: Path) -> list[str]:
    """Loop devices whose file lies (or lay) below `path`."""
    found = []
    for node in Path("/sys/block").glob("loop*"):
        with contextlib.suppress(OSError):
            if (node / "loop/backing_file").read_text().startswith(f"{path}/"):
                found.append(f"/dev/{node.name}")
    return found


def alive(process: tuple[int, str]) -> bool:
    """Whether the very process (pid and start time) still runs."""
    return process_of(process[0]) == process


def process_of(pid: int) -> tuple[int, str] | None:
    """Pid and start time, which no other process shares; None if it is gone or only waits to be reaped."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in ("Z", "X") else (pid, fields[19])


def family(pid: int) -> list[tuple[int, str]]:
    """A process and its descendants."""
    own = process_of(pid)
    found = [own] if own else []
    with contextlib.suppress(OSError):
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            found += family(int(child))
    return found


def wait_until(condition: Callable[[], bool], seconds: float = PATIENCE) -> bool:
    """Whether it came true in time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


# -- the demo's place, and its daemon ----------------------------------------------------------------


class Place:
    """The scratch directory, the daemon in it, and everything that must be gone afterwards."""

    def __init__(self) -> None:
        base = os.environ.get("TMPDIR") or "/var/tmp"
        self.root = Path(tempfile.mkdtemp(prefix="holdfast-demo-", dir=os.path.realpath(base)))
        self.pool, self.mnt, self.state = self.root / "pool", self.root / "mnt", self.root / "state"
        self.run = self.root / "run"
        self.address = f"unix:{self.run}/holdfast.sock"
        self.environment = {**os.environ, "HOLDFAST_ADDRESS": self.address, "PYTHONIOENCODING": "utf-8"}
        self.client = Client(self.address)
        self.daemon: subprocess.Popen[bytes] | None = None
        self.processes: set[tuple[int, str]] = set()

    def start(self, failpoint: str = "") -> None:
        """Start the daemon and wait until it answers."""
        with (self.root / "log").open("ab") as log:
            self.daemon = subprocess.Popen(
                [BIN, "serve", "--state", self.state, "--run", self.run],
                env={**os.environ, "HOLDFAST_FAILPOINT": failpoint},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        if not wait_until(self._answers):
            raise NotSeen(f"the daemon does not answer; its log says:\n{(self.root / 'log').read_text()[-2000:]}")
        self.processes |= set(family(self.daemon.pid))

    def _answers(self) -> bool:
        assert self.daemon is not None
        if self.daemon.poll() is not None:
            raise NotSeen(f"the daemon ended; its log says:\n{(self.root / 'log').read_text()[-2000:]}")
        try:
            return bool(self.client.status().version)
        except Unavailable:
            return False

    def stop(self) -> int:
        """SIGTERM; the exit status."""
        assert self.daemon is not None
        self.daemon.terminate()
        status = self.daemon.wait(PATIENCE)
        self.daemon = None
        return status

    def died(self) -> bool:
        """Whether the daemon was ended by SIGKILL."""
        assert self.daemon is not None
        return self.daemon.wait(PATIENCE) == -signal.SIGKILL

    def holdfast(self, *words: str) -> int:
        """Run a command as a person would, and show it; the exit status."""
        print(f"   $ holdfast {' '.join(words).replace(str(self.root), '…')}", flush=True)
        done = subprocess.run(
            [BIN, *words],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            timeout=PATIENCE,
        )
        for line in done.stdout.replace(str(self.root), "…").splitlines():
            say(f"  {line}")
        return done.returncode

    def do(self, *words: str) -> None:
        """Run a command that must succeed."""
        if status := self.holdfast(*words):
            raise NotSeen(f"`holdfast {' '.join(words)}` ended with status {status}")

    @contextlib.contextmanager
    def watching(self, op: str) -> Iterator[subprocess.Popen[str]]:
        """Run `holdfast op watch` beside the block, from its first lines to its end."""
        say(f"$ holdfast op watch {op}")
        watch = subprocess.Popen(
            [BIN, "op", "watch", op],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
        )
        assert watch.stdout is not None
        try:
            say(f"  {watch.stdout.readline().rstrip()}")
            yield watch
            for line in watch.stdout:
                say(f"  {line.rstrip()}".replace(str(self.root), "…"))
            watch.wait(PATIENCE)
        finally:
            watch.kill()
            watch.wait()

    def journal(self) -> list[tuple[str, str, str]]:
        """Unfinished operations (id, kind, state), by a copy of the database: no daemon need be asked."""
        with tempfile.TemporaryDirectory(dir=self.root) as peek:
            for name in ("holdfast.db", "holdfast.db-wal"):
                with contextlib.suppress(FileNotFoundError):
                    shutil.copy(self.state / name, peek)
            copy = apsw.Connection(f"{peek}/holdfast.db")
            rows = copy.execute(
                "SELECT id, kind, state FROM operations WHERE state NOT IN ('done', 'undone', 'abandoned')"
            ).fetchall()
            copy.close()
        return [(str(op), str(kind), str(state)) for op, kind, state in rows]

    def volumes_on_disk(self) -> list[str]:
        """What lies in the pool, whole or not."""
        return sorted(os.listdir(self.pool / "volumes"))

    def clean(self) -> None:
        """Leave nothing, whatever happened."""
        self.client.close()
        if self.daemon is not None:
            self.daemon.kill()
            self.daemon.wait()
        wait_until(lambda: not any(map(alive, self.processes)), 5)
        for point in reversed(mounts_below(self.root)):
            subprocess.run(["umount", point], check=False)
        for loop in loops_below(self.root):
            subprocess.run(["losetup", "-d", loop], check=False, capture_output=True)
        # Mount-safe: whatever could not be unmounted is not reached. A pool would be refused, so its mark goes first.
        (self.pool / "holdfast-pool.json").unlink(missing_ok=True)
        subprocess.run([BIN, "rm", self.root, "--yes"], check=False, stdout=subprocess.DEVNULL)


# -- the acts ------------------------------------------------------------------------------------------


def begin(place: Place) -> None:
    title("1. A daemon on its embedded database, and a pool")
    place.pool.mkdir()
    place.start()
    check(place.client.status().unfinished == 0, "the daemon answers")
    place.do("pool", "create", "demo", "--driver", "dir", "--set", f"source={place.pool}")
    check((place.pool / "holdfast-pool.json").is_file(), "the directory bears the pool's mark")


def make_volumes(place: Place) -> None:
    title("2. A directory, an ext4 file system and a block device, mounted")
    place.do("volume", "create", "demo/site", "--size", "1GiB")
    place.do("volume", "create", "demo/db", "--size", "256MiB", "--content", "filesystem", "--fs", "ext4")
    place.do("volume", "create", "demo/disk", "--size", "32MiB", "--content", "block")
    for name in ("site", "db"):
        (place.mnt / name).mkdir(parents=True)
    (place.mnt / "disk").touch()
    for name in ("site", "db", "disk"):
        place.do("volume", "mount", f"demo/{name}", str(place.mnt / name))
    wanted = [str(place.mnt / name) for name in ("db", "disk", "site")]
    check(mounts_below(place.mnt) == wanted, "the kernel shows all three mounts")
    check((place.mnt / "disk").is_block_device(), "the third is a block device")


def write(place: Place) -> dict[Path, str]:
    """Write through the mounts; the sha256 of each file."""
    title("3. Real data through the mounts")
    sums: dict[Path, str] = {}
    for number in range(1, 9):
        for name in ("site", "db"):
            path = place.mnt / name / f"file-{number}"
            sums[path] = put(path, os.urandom(512 * 1024))
    sums[place.mnt / "disk"] = put(place.mnt / "disk", os.urandom(32 << 20))
    check(read_sums(sums) == sums, f"{len(sums) - 1} files and a whole device written; their sha256 noted")
    return sums


def put(path: Path, content: bytes) -> str:
    """Write and sync; the sha256."""
    with path.open("r+b" if path.exists() else "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return hashlib.sha256(content).hexdigest()


def read_sums(paths: dict[Path, str]) -> dict[Path, str]:
    return {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def crash(place: Place, failpoint: str, words: list[str]) -> str:
    """Restart the daemon so that it kills itself at the failpoint, run the command; the operation's id."""
    place.stop()
    place.start(f"{failpoint}:kill")
    status = place.holdfast(*words)
    check(place.died(), "SIGKILL ended the daemon in the middle of it")
    check(status == Unavailable.exit, "the command does not claim success")
    found = place.journal()
    kind = f"{words[0]}.{words[1]}"
    check([row[1] for row in found] == [kind], f"its journal holds one unfinished operation, {kind}", str(found))
    return found[0][0]


def resume(place: Place, op: str) -> OperationView:
    """Start the daemon again and follow the operation to its end, with the command that people use."""
    say("Starting the daemon again; nobody asks it anything but to be watched:")
    place.start()
    return ended(place, op, place.holdfast("op", "watch", op))


def ended(place: Place, op: str, status: int) -> OperationView:
    """The interrupted operation, which must be done."""
    view = place.client.operation(op)
    check(status == 0 and view.state == "done", f"the same operation {op[:8]}… is done", view.reason)
    check(place.journal() == [], "nothing is unfinished")
    return view


def resume_without_disk(place: Place, op: str) -> None:
    """The same, but the pool is away at first: nothing follows from that, and it goes on by itself."""
    say("Taking the pool's directory away, as a disk that is not mounted yet, and starting the daemon again:")
    away = place.root / "away"
    place.pool.rename(away)
    place.start()
    parked = wait_until(lambda: place.client.operation(op).state == "parked")
    check(parked, "the operation is parked, and waits for the world")
    place.do("op", "show", op)
    say("Bringing the directory back while watching:")
    with place.watching(op) as watch:
        away.rename(place.pool)
    ended(place, op, watch.returncode)


def interrupted_create(place: Place, sums: dict[Path, str]) -> None:
    title("4. SIGKILL in the middle of a create, while mkfs runs")
    words = ["volume", "create", "demo/late", "--size", "64MiB", "--content", "filesystem", "--fs", "ext4"]
    op = crash(place, "child.mkfs-ext4.after", words)
    half = [name for name in place.volumes_on_disk() if name.startswith(".making.")]
    check(len(half) == 1 and op in half[0], "a half-made volume lies in the pool; its name says whose it is")
    check(read_sums(sums) == sums, "the mounts live on without a daemon, and all checksums are equal")
    view = resume(place, op)
    check(view.steps[0].attempt > 1, "what was half-made was discarded, and the volume made anew")
    check(place.client.volume("demo", "late").ready, "demo/late is ready")
    whole = all(re.fullmatch("[0-9a-f]{32}", name) for name in place.volumes_on_disk())
    check(whole and len(place.volumes_on_disk()) == 4, "four whole volumes in the pool, and nothing half-made")


def interrupted_delete(place: Place, sums: dict[Path, str]) -> None:
    title("5. SIGKILL in the middle of a delete")
    place.do("volume", "create", "demo/old", "--size", "1GiB")
    (place.mnt / "old").mkdir()
    place.do("volume", "mount", "demo/old", str(place.mnt / "old"))
    for number in range(FILES):
        (place.mnt / "old" / f"{number}").write_bytes(b"x")
    place.do("volume", "unmount", str(place.mnt / "old"))
    op = crash(place, "tree.remove.after", ["volume", "delete", "demo/old", "--yes"])
    trash = [name for name in place.volumes_on_disk() if name.startswith(".removing.")]
    check(len(trash) == 1, "the volume is half-deleted, out of sight under a name that says whose it is")
    left = sum(len(files) for _, _, files in os.walk(place.pool / "volumes" / trash[0]))
    check(left == FILES, f"{FILES + 1 - left} of its {FILES + 1} files is gone, {left} are left")
    resume_without_disk(place, op)
    check(
        not [n for n in place.volumes_on_disk() if n.startswith(".")],
        "all of it is gone, and only then its record",
    )
    names = [volume.name for volume in place.client.volumes("demo")]
    check(names == ["db", "disk", "late", "site"], f"the others are there: {', '.join(names)}")
    check(read_sums(sums) == sums, "all checksums are equal")


def audit(place: Place) -> None:
    title("6. The audit: records against the pool, the mounts and the loop devices, both ways")
    place.do("audit")
    check(place.client.audit() == [], "it finds nothing")


def end(place: Place) -> None:
    title("7. Everything deleted, and nothing left")
    for name in ("site", "db", "disk"):
        place.do("volume", "unmount", str(place.mnt / name))
    for name in ("site", "db", "disk", "late"):
        place.do("volume", "delete", f"demo/{name}", "--yes")
    place.do("pool", "delete", "demo", "--yes")
    check(place.client.audit() == [], "the audit finds nothing")
    check(place.stop() == 0, "the daemon stops on SIGTERM with status 0")
    check(mounts_below(place.root) == [], "no mount", ", ".join(mounts_below(place.root)))
    check(
        wait_until(lambda: not loops_below(place.root), 5),
        "no loop device",
        ", ".join(loops_below(place.root)),
    )
    check(os.listdir(place.pool) == [], "no file in the pool's directory", ", ".join(os.listdir(place.pool)))
    left = [pid for pid, start in place.processes if alive((pid, start))]
    check(wait_until(lambda: not any(map(alive, place.processes)), 5), "no process", f"pids {left}")


def job(place: Place) -> None:
    """The whole of it."""
    begin(place)
    make_volumes(place)
    sums = write(place)
    interrupted_create(place, sums)
    interrupted_delete(place, sums)
    audit(place)
    end(place)


def _terminated(_number: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt


def main() -> int:
    if os.geteuid() != 0:
        print("The demo mounts file systems, so it needs root.", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, _terminated)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    started = time.monotonic()
    place = Place()
    print(f"Holdfast: the main job, in the scratch directory {place.root} (… below)", flush=True)
    try:
        job(place)
    except NotSeen as error:
        print(f"   ✘ NOT SEEN: {error}", flush=True)
        return 1
    except (HoldfastError, OSError, subprocess.SubprocessError) as error:
        print(f"   ✘ It failed: {error}", flush=True)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted; cleaning up.", flush=True)
        return 130
    finally:
        place.clean()
    if place.root.exists():
        print(f"   ✘ {place.root} could not be removed", flush=True)
        return 1
    print(f"\nAll of it was seen, in {time.monotonic() - started:.1f} s.", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
