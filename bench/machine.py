"""What is asked of the machine: the memory of processes, the disk, and what a durable write costs on it."""

import mmap
import os
import statistics
import subprocess
import time
from pathlib import Path
from typing import NamedTuple

from bench.face import BenchError

# Where fsync does nothing, nobody's durability costs anything.
NOT_A_DISK = {"tmpfs", "ramfs", "overlay"}


_PRESENT = 1 << 63
_FRAME = (1 << 55) - 1


class Memory(NamedTuple):
    """Bytes of a daemon and its children.

    `rss` and `peak` (VmHWM) are sums that count what they share more than once. `pss` is a sum too, but gives away a
    part of what other programs happen to map as well: the same interpreter, run by somebody else. `pages` is what they
    all map, each physical page once, whoever else maps it.
    """

    rss: int
    pss: int
    pages: int
    peak: int


def family(pid: int) -> list[int]:
    """A process and all below it."""
    children = Path(f"/proc/{pid}/task").glob("*/children")
    return [pid, *(each for file in children for child in file.read_text().split() for each in family(int(child)))]


def _fields(path: str) -> dict[str, int]:
    found = {}
    for line in Path(path).read_text().splitlines():
        name, _, value = line.partition(":")
        if value.endswith(" kB"):
            found[name] = int(value.split()[0]) << 10
    return found


def _frames(pid: int) -> set[int]:
    """The physical pages that a process maps, as proc_pid_pagemap(5) numbers them."""
    found: set[int] = set()
    with open(f"/proc/{pid}/pagemap", "rb", buffering=0) as pagemap:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            if line.endswith("[vsyscall]"):  # the kernel's own, at an address beyond the table
                continue
            start, end = (int(address, 16) // mmap.PAGESIZE for address in line.split()[0].split("-"))
            entries = memoryview(os.pread(pagemap.fileno(), (end - start) * 8, start * 8)).cast("Q")
            found.update(entry & _FRAME for entry in entries if entry & _PRESENT)
    return found


def memory(pid: int) -> Memory:
    """Of a daemon and its children now, as proc(5) has it. Needs root."""
    rss, pss, peak, frames = 0, 0, 0, set[int]()
    for each in family(pid):
        found = _fields(f"/proc/{each}/smaps_rollup")
        rss, pss = rss + found["Rss"], pss + found["Pss"]
        peak += _fields(f"/proc/{each}/status")["VmHWM"]
        frames |= _frames(each)
    return Memory(rss, pss, len(frames) * mmap.PAGESIZE, peak)


def disk(path: Path) -> dict[str, object]:
    """The file system at `path`, and the median seconds of appending 4 KiB to a file durably."""
    if not path.is_dir():
        raise BenchError(f"{path} is not a directory")
    said = subprocess.run(["findmnt", "-no", "FSTYPE,SOURCE", "-T", path], capture_output=True, text=True, check=True)
    kind, _, source = said.stdout.strip().partition(" ")
    if kind in NOT_A_DISK:
        raise BenchError(f"{path} is on {kind}, where fsync costs nothing; name a directory on a disk with --scratch")
    return {"filesystem": kind, "source": source.strip(), "fsync_s": _fsync(path)}


def _fsync(path: Path, times: int = 50) -> float:
    took = []
    file = path / f"holdfast-bench-fsync-{os.getpid()}"
    fd = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        for _ in range(times):
            begin = time.monotonic()
            os.write(fd, bytes(4096))
            os.fsync(fd)
            took.append(time.monotonic() - begin)
    finally:
        os.close(fd)
        file.unlink()
    return statistics.median(took)


def about(path: Path) -> dict[str, object]:
    """Where it was measured."""
    return {
        "processors": os.cpu_count(),
        "load_before": os.getloadavg()[0],
        "kernel": os.uname().release,
        **disk(path),
    }
