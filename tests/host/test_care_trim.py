"""Trimming a mounted file system: only the volume's own, proven on the mount that is held."""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.host.children import ForkServerChildren
from holdfast.model.errors import Again, Refused
from holdfast.model.resources import FileSystem
from tests.host.care import SYSTEMS, mounted, write
from tests.host.parts import MIB, UUID, Keeper, bind, eventually, formatted, opened, run, unmount


def trim(children: ForkServerChildren, image: str, at: str, fs: FileSystem) -> int:
    with opened(image) as fd:
        found = children.run(Keeper(), "trim", {"path": at, "fs": fs, "uuid": UUID}, (fd,))
    assert isinstance(found, int)
    return found


def allocated(image: str) -> int:
    with opened(image) as fd:
        os.fsync(fd)
        return os.fstat(fd).st_blocks * 512


# loop(4): LOOP_CTL_ADD and LOOP_CTL_REMOVE.
ADD, REMOVE = 0x4C80, 0x4C81


@contextlib.contextmanager
def without_discard(image: str) -> Iterator[str]:
    """The image on a loop device of its own that knows no discard; where it is mounted.

    A device that was denied discards keeps that for all its users to come, so it goes with the test.
    """
    number = 1000 + os.getpid() % 30_000
    device, at = f"/dev/loop{number}", f"{image}.at"
    os.mkdir(at)
    with opened("/dev/loop-control") as control:
        fcntl.ioctl(control, ADD, number)
        try:
            run("losetup", device, image)
            Path(f"/sys/block/loop{number}/queue/discard_max_bytes").write_text("0")
            run("mount", device, at)
            yield at
        finally:
            run("umount", at, check=False)
            run("losetup", "-d", device, check=False)
            assert eventually(lambda: removed(control, number))


def removed(control: int, number: int) -> bool:
    """Whether the device, in which somebody who lists all may look for a moment, is gone."""
    with contextlib.suppress(OSError):
        fcntl.ioctl(control, REMOVE, number)
    return not os.path.exists(f"/sys/block/loop{number}")


@pytest.mark.parametrize("fs", SYSTEMS)
def test_what_a_deleted_file_took_goes_back_to_the_disk(
    children: ForkServerChildren, scratch: str, fs: FileSystem
) -> None:
    image = formatted(children, f"{scratch}/disk", fs, 24 * MIB if fs == "ext4" else 0)
    with mounted(image) as at:
        write(at, "kept", MIB)
        write(at, "large", 12 * MIB)
        os.unlink(f"{at}/large")
        run("sync", "-f", at)
        before = allocated(image)
        trimmed = trim(children, image, at, fs)
        assert trimmed >= 12 * MIB
        end = time.monotonic() + 30
        while allocated(image) > before - 11 * MIB:
            # xfs frees a deleted file in the background, and does not trim what its log still holds as busy.
            assert time.monotonic() < end, "what was deleted does not go back"
            run("sync", "-f", at)
            trim(children, image, at, fs)
        assert os.path.getsize(f"{at}/kept") == MIB
    run({"ext4": "e2fsck", "xfs": "xfs_repair", "btrfs": "btrfs"}[fs], *({"btrfs": ["check"]}.get(fs, ["-n"])), image)


def test_what_is_mounted_there_instead_is_not_trimmed(children: ForkServerChildren, scratch: str) -> None:
    image, other = (formatted(children, f"{scratch}/{name}", "ext4") for name in ("disk", "other"))
    with mounted(other) as at:
        write(at, "large", MIB)
        os.unlink(f"{at}/large")
        run("sync", "-f", at)
        before = allocated(other)
        with pytest.raises(Again, match="changed meanwhile"):
            trim(children, image, at, "ext4")
        assert allocated(other) == before
        assert trim(children, other, at, "ext4") > 0, "the control: it could have been trimmed"


def test_nothing_mounted_and_a_covered_mount_are_not_trimmed(children: ForkServerChildren, scratch: str) -> None:
    image = formatted(children, f"{scratch}/disk", "ext4")
    os.mkdir(f"{scratch}/other")
    with mounted(image) as at:
        bind(f"{scratch}/other", at)
        try:
            with pytest.raises(Again, match="changed meanwhile"):
                trim(children, image, at, "ext4")
        finally:
            unmount(at)
        assert trim(children, image, at, "ext4") >= 0
    with pytest.raises(Again, match="changed meanwhile"):
        trim(children, image, at, "ext4")


@pytest.mark.parametrize("fs", SYSTEMS)
def test_a_device_that_knows_no_discard_is_a_refusal(
    children: ForkServerChildren, scratch: str, fs: FileSystem
) -> None:
    image = formatted(children, f"{scratch}/disk", fs)
    with without_discard(image) as at, pytest.raises(Refused, match="knows no discard") as caught:
        trim(children, image, at, fs)
    assert caught.value.hint
    with mounted(image) as at:
        assert trim(children, image, at, fs) > 0, "the control: it was the device"
