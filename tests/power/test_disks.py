"""That a disk whose power was cut is back only once nobody holds what was cut off."""

import subprocess
import time
from pathlib import Path

import pytest

from tests.needs import need, need_root
from tests.power.disks import Disk

HELD = 1.0


@pytest.mark.root
@pytest.mark.parametrize("fs", ["ext4", "xfs"])
def test_a_disk_is_back_once_no_copy_of_its_old_mount_is_left(tmp_path: Path, fs: str) -> None:
    need_root()
    need(f"mkfs.{fs}")
    disk = Disk(tmp_path / "disk", tmp_path / "image", fs).make()
    try:
        (disk.where / "file").write_text("durable")
        disk.sync()
        _comes_back(disk)
        assert (disk.where / "file").read_text() == "durable"
    finally:
        subprocess.run(["umount", disk.where], check=True)


def _comes_back(disk: Disk) -> None:
    """While another holds a copy of its mount."""
    begun = time.monotonic()
    copy = subprocess.Popen(
        ["unshare", "--mount", "--propagation", "private", "sh", "-c", f"echo ready; exec sleep {HELD}"],
        stdout=subprocess.PIPE,
    )
    with copy:
        assert copy.stdout is not None
        copy.stdout.readline()
        disk.cut()
        disk.back()
        assert time.monotonic() - begun > HELD
