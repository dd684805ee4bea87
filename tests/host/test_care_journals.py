"""Whether a journal waits to be replayed is told from the disk, as the kernel and the tools tell it."""

import os

import pytest

from holdfast.host.children import ForkServerChildren
from holdfast.host.journals import needs_replay
from holdfast.model.resources import FileSystem
from tests.host.care import SYSTEMS, mounted, sound, unreplayed, write
from tests.host.parts import formatted, opened, run, sparse
from tests.needs import need


def waits(image: str, fs: FileSystem) -> bool:
    with opened(image, os.O_RDONLY) as fd:
        return needs_replay(fd, fs)


@pytest.mark.parametrize("fs", SYSTEMS)
def test_what_was_never_mounted_and_what_was_unmounted_has_nothing_to_replay(
    children: ForkServerChildren, scratch: str, fs: FileSystem
) -> None:
    assert not waits(formatted(children, f"{scratch}/new", fs), fs)
    assert not waits(sound(children, f"{scratch}/used", fs), fs)


@pytest.mark.parametrize("fs", SYSTEMS)
def test_what_lost_its_power_has_until_it_was_mounted_again(
    children: ForkServerChildren, scratch: str, fs: FileSystem
) -> None:
    image = unreplayed(children, f"{scratch}/disk", fs)
    assert waits(image, fs)
    with mounted(image):
        pass
    assert not waits(image, fs)


def test_an_xfs_log_that_went_round_is_read_as_xfs_repair_reads_it(scratch: str) -> None:
    """Records of 256 KiB fill the log of 64 MiB quickly; each round is a new cycle number."""
    need("xfs_repair")
    image, copy = sparse(f"{scratch}/disk", 320 << 20), f"{scratch}/copy"
    run("mkfs.xfs", "-q", "-l", "su=256k,size=64m", image)
    rounds = set()
    for syncs in (0, 1, 150, 150, 3):
        with mounted(image) as at:
            for number in range(syncs):
                write(at, f"file{number}", 100)
            run("cp", image, copy)
        for path in (copy, image):
            said = run("xfs_repair", "-n", "-f", path, check=False)
            assert waits(path, "xfs") == ("ALERT" in said.stdout + said.stderr), (path, syncs)
        assert not waits(image, "xfs")
        with open(image, "rb") as file:
            rounds.add(_cycle(file.read(512), image))
    assert len(rounds) > 1, "the log did not go round"


def _cycle(superblock: bytes, image: str) -> int:
    """How often the log was begun anew: the second word of its first record's header, or the first of another block."""
    start, group = int.from_bytes(superblock[48:56], "big"), int.from_bytes(superblock[84:88], "big")
    block, bits = int.from_bytes(superblock[4:8], "big"), superblock[124]
    with open(image, "rb") as file:
        file.seek(((start >> bits) * group + (start & ((1 << bits) - 1))) * block)
        head = file.read(8)
    return int.from_bytes(head[4:8] if head[:4] == b"\xfe\xed\xba\xbe" else head[:4], "big")
