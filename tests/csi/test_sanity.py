"""The public conformance suite of CSI, over a real daemon's socket: mounts and devices, on each kind of pool."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.csi.plugin import kubelet, with_csi
from tests.daemon import Disk, real_daemon
from tests.needs import need, need_root

MIB = 1 << 20
# What the suite asks for beyond version 1.12 of CSI, or of a plugin that says how many volumes a node may have; see
# docs/kubernetes.md.
SKIPPED = {
    "ControllerListVolumeHealth not supported", "ControllerGetVolumeHealth not supported",
    "NodeGetVolumeHealth not supported", "NodeGetStorageHealth not supported",
    "SNAPSHOT_ACCESSIBILITY_CONSTRAINTS not supported", "testnodevolumeattachlimit not enabled",
}  # fmt: skip


def sanity() -> str:
    """The suite, as it was set up."""
    found = Path(sys.executable).with_name("csi-sanity")
    return str(found) if found.exists() else need("csi-sanity")


@pytest.mark.parametrize("access", ["mount", "block"])
@pytest.mark.parametrize("fs", ["ext4", "xfs", "btrfs"])
def test_the_public_suite_finds_nothing(fs: str, access: str) -> None:
    need_root()
    need(f"mkfs.{fs}")
    suite = sanity()
    with real_daemon() as daemon:
        Disk(daemon.root, "disk", 1024, daemon.pool, fs).mount()
        if fs == "btrfs":
            subprocess.run(["btrfs", "quota", "enable", daemon.pool], check=True)
        with_csi(daemon).with_pool("btrfs" if fs == "btrfs" else "dir")
        mutable = daemon.root / "mutable.yaml"
        mutable.write_text("label.tier: gold\n")
        at = kubelet(daemon)
        done = subprocess.run(
            [
                suite, f"-csi.endpoint=unix://{daemon.run}/csi.sock", f"-csi.mountdir={at}/pods",
                f"-csi.stagingdir={at}/staging", f"-csi.testvolumesize={32 * MIB}",
                f"-csi.testvolumeexpandsize={64 * MIB}", f"-csi.testvolumeaccesstype={access}",
                f"-csi.testvolumemutableparameters={mutable}", "-ginkgo.no-color", "-ginkgo.vv",
            ],
            capture_output=True, text=True, timeout=300,
        )  # fmt: skip
        said = done.stdout
        assert done.returncode == 0, "\n".join(line for line in said.splitlines() if "FAIL" in line)
        counted = re.search(r"(\d+) Passed \| 0 Failed", said)
        assert counted, said[-2000:]
        assert int(counted[1]) >= 94
        assert set(re.findall(r"^ +\[SKIPPED\] ([^/\n]+)$", said, re.MULTILINE)) <= SKIPPED
        assert daemon.client().audit() == []
        assert not list(daemon.client().volumes("p"))
