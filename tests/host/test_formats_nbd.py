"""A real block path that fails: nbdkit's error filter, nbdfuse, and a loop device."""

import os
import subprocess

import pytest

from holdfast.host import formats
from holdfast.host.children import ForkServerChildren
from holdfast.model.errors import Again
from tests.host.parts import MIB, UUID, Keeper, attached, digest, eventually, opened, run, sparse
from tests.needs import need


@pytest.mark.parametrize("error", ["EIO", "ESHUTDOWN"])
def test_a_device_on_a_failing_nbd_export_is_unknown(
    children: ForkServerChildren, keeper: Keeper, scratch: str, error: str
) -> None:
    nbdkit, nbdfuse = need("nbdkit"), need("nbdfuse")
    backing, socket, at = sparse(f"{scratch}/disk", 64 * MIB), f"{scratch}/socket", f"{scratch}/at"
    trigger = f"{scratch}/trigger"
    os.mkdir(at)
    server = subprocess.Popen(
        [nbdkit, "-f", "-U", socket, "--filter=error", "file", backing, f"error-pread={error}",
         "error-pread-rate=100%", f"error-file={trigger}"], stderr=subprocess.DEVNULL,
    )  # fmt: skip
    client = None
    before = digest(backing)
    try:
        assert eventually(lambda: os.path.exists(socket))
        client = subprocess.Popen([nbdfuse, f"{at}/disk", f"nbd+unix:///?socket={socket}"], stderr=subprocess.DEVNULL)
        assert eventually(lambda: os.path.exists(f"{at}/disk"))
        sparse(trigger, 0)
        with (
            attached(f"{at}/disk") as device,
            opened(device) as fd,
            pytest.raises(Again, match="a read failed"),
        ):
            formats.make(children, keeper, fd, "ext4", UUID, "never")
        assert digest(backing) == before
        os.unlink(trigger)
        with attached(f"{at}/disk") as device, opened(device) as fd:
            formats.make(children, keeper, fd, "ext4", UUID, "never")
    finally:
        run("umount", at, check=False)
        if client is not None:
            client.kill()
            client.wait()
        server.kill()
        server.wait()
    assert digest(backing) != before
