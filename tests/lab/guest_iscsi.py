"""The transport iscsi on a real kernel: tgtd and iscsid in the guest of `make lab-iscsi`, all on loopback.

It is no test module by its name: outside of the guest there is no iSCSI, and its daemons are nobody's business.
"""

import contextlib
import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from holdfast.drivers.contract import Absent, Present
from holdfast.drivers.transports import iscsi
from holdfast.drivers.transports.iscsi import Iscsi
from holdfast.host import formats
from holdfast.host.children import ForkServerChildren
from holdfast.host.host import Host
from holdfast.model.errors import Again, Foreign, HoldfastError
from holdfast.runtime.threads import ThreadRuntime
from holdfast.testing.conformance.harness import Keeper

SCRATCH = Path(os.environ.get("HOLDFAST_SCRATCH", "/nonexistent"))
IQN, PORTAL = "iqn.2026-01.net.holdfast:target", "127.0.0.1:3260"
SERIAL, OTHER = "0123456789ABCDEF01234567", "0123456789ABCDEF0123456F"
UUID = "0123456789abcdef0123456789abcdef"
CONFIG = """
node.startup = manual
node.leading_login = No
node.session.timeo.replacement_timeout = 3
node.conn[0].timeo.login_timeout = 5
node.conn[0].timeo.noop_out_interval = 1
node.conn[0].timeo.noop_out_timeout = 1
node.session.err_timeo.abort_timeout = 3
node.session.err_timeo.lu_reset_timeout = 3
"""


def run(*command: str) -> str:
    """A program of the system; its output."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


def until(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    """Wait for it."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.2)


class Target:
    """tgtd with one target, whose one unit has a serial that can be changed."""

    def __init__(self) -> None:
        self.image = SCRATCH / "unit.img"
        with self.image.open("wb") as file:
            file.truncate(64 << 20)
        self.process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self, serial: str = SERIAL) -> None:
        """And wait until it answers."""
        self.process = subprocess.Popen(["tgtd", "-f", "--iscsi", f"portal={PORTAL}"], stderr=subprocess.DEVNULL)
        ready = ["tgtadm", "--op", "show", "--mode", "sys"]
        until(lambda: subprocess.run(ready, capture_output=True, timeout=10).returncode == 0)
        run("tgtadm", "--lld", "iscsi", "--op", "new", "--mode", "target", "--tid", "1", "-T", IQN)
        run("tgtadm", "--lld", "iscsi", "--op", "bind", "--mode", "target", "--tid", "1", "-I", "ALL")
        self.unit(serial)

    def unit(self, serial: str) -> None:
        """The one unit."""
        run(
            "tgtadm", "--lld", "iscsi", "--op", "new", "--mode", "logicalunit", "--tid", "1", "--lun", "1",
            "-b", str(self.image),
        )  # fmt: skip
        run(
            "tgtadm", "--lld", "iscsi", "--op", "update", "--mode", "logicalunit", "--tid", "1", "--lun", "1",
            "--params", f"scsi_sn={serial}",
        )  # fmt: skip

    def kill(self) -> None:
        """SIGKILL."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()


@pytest.fixture(scope="module", autouse=True)
def initiator() -> Iterator[None]:
    """iscsid, with quick time-outs, and files that are the guest's alone."""
    run("mount", "-t", "tmpfs", "tmpfs", "/etc/iscsi")
    Path("/run/lock").mkdir(exist_ok=True)
    Path("/etc/iscsi/initiatorname.iscsi").write_text("InitiatorName=iqn.2026-01.net.holdfast:guest\n")
    Path("/etc/iscsi/iscsid.conf").write_text(CONFIG)
    process = subprocess.Popen(["iscsid", "-f"])
    try:
        yield
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def target() -> Iterator[Target]:
    found = Target()
    try:
        yield found
    finally:
        subprocess.run(["iscsiadm", "-m", "node", "--logout"], capture_output=True, timeout=60)
        subprocess.run(["iscsiadm", "-m", "node", "--op", "delete"], capture_output=True, timeout=60)
        found.kill()


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    runtime = ThreadRuntime()
    children = ForkServerChildren(runtime)
    yield Host(runtime, children, ())
    children.close()


def targets(portal: str = PORTAL, iqn: str = IQN) -> Callable[[], list[dict[str, str]]]:
    """As an array tells them."""
    return lambda: [{"iqn": iqn, "portal": portal}]


def found(transport: Iscsi, serial: str = SERIAL) -> str:
    """The disk is here; its path."""
    transport.find({}, serial, targets(), Keeper())
    until(lambda: isinstance(transport.look({}, serial), Present))
    seen = transport.look({}, serial)
    assert isinstance(seen, Present)
    return seen.facts.path


def test_a_disk_is_attached_formatted_written_detached_and_found_again(host: Host, target: Target) -> None:
    transport, keeper = Iscsi(host), Keeper()
    assert transport.initiators({}) == ("iqn.2026-01.net.holdfast:guest",)
    assert isinstance(transport.look({}, SERIAL), Absent)
    found(transport)
    fd = transport.open({}, SERIAL)
    formats.make(host.children, keeper, fd, "ext4", UUID, "never")
    at = SCRATCH / "at"
    at.mkdir(exist_ok=True)
    for content in ("", "a tenant's"):
        place = os.open(at, os.O_PATH | os.O_DIRECTORY)
        args = {"fs": "ext4", "uuid": UUID, "read_only": False}
        host.children.run(keeper, "mount-device", args, (fd, place))
        os.close(place)
        assert (at / "file").read_text() == content if content else not (at / "file").exists()
        (at / "file").write_text("a tenant's")
        os.close(fd)
        with pytest.raises(Again, match=rf"device busy: .* is held by the mount at {at}"):
            transport.remove({}, SERIAL, keeper)
        run("umount", str(at))
        transport.remove({}, SERIAL, keeper)
        assert isinstance(transport.look({}, SERIAL), Absent)
        found(transport)
        fd = transport.open({}, SERIAL)
    os.close(fd)
    transport.remove({}, SERIAL, keeper)


def test_a_login_that_is_refused_says_so(host: Host, target: Target) -> None:
    transport = Iscsi(host)
    with pytest.raises(Again, match="No iSCSI portal of the array could be used: iscsi-login"):
        transport.find({}, SERIAL, targets(iqn=f"{IQN}.nobody"), Keeper())
    assert isinstance(transport.look({}, SERIAL), Absent)


def test_a_portal_that_never_answers_is_given_up_in_time(
    host: Host, target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(iscsi, "LOGIN", 2.0)
    transport, begun = Iscsi(host), time.monotonic()
    with socket.create_server(("127.0.0.1", 3261)), pytest.raises(Again, match="did not answer within 2 s"):
        transport.find({}, SERIAL, targets("127.0.0.1:3261"), Keeper())
    assert time.monotonic() - begun < 20
    assert found(transport), "one portal that hangs is in nobody's way"
    transport.remove({}, SERIAL, Keeper())


def test_a_target_that_is_killed_amid_writes_keeps_its_device_in_sight_until_it_is_back(
    host: Host, target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(iscsi, "SCAN", 4.0)
    transport, keeper = Iscsi(host), Keeper()
    path = found(transport)
    fd = os.open(path, os.O_RDWR)
    target.kill()
    os.pwrite(fd, b"x" * (1 << 20), 1 << 20)
    with contextlib.suppress(OSError):
        os.close(fd)
    with pytest.raises((HoldfastError, OSError)):  # hung, failed or refused: whatever, it is told
        transport.remove({}, SERIAL, keeper)
    assert isinstance(transport.look({}, SERIAL), Present), "it is still in sight"
    target.start()

    def removed() -> bool:
        with contextlib.suppress(Exception):
            transport.remove({}, SERIAL, keeper)
        return isinstance(transport.look({}, SERIAL), Absent)

    until(removed, 60)


def test_another_disk_under_a_number_that_was_used_before_is_not_ours(host: Host, target: Target) -> None:
    transport = Iscsi(host)
    path = found(transport)
    run("tgtadm", "--lld", "iscsi", "--op", "update", "--mode", "logicalunit", "--tid", "1", "--lun", "1",
        "--params", f"scsi_sn={OTHER}")  # fmt: skip
    Path(f"/sys/block/{Path(path).name}/device/rescan").write_text("1")
    until(lambda: isinstance(transport.look({}, OTHER), Present))
    assert isinstance(transport.look({}, SERIAL), Absent)
    with pytest.raises((Again, Foreign)):
        transport.open({}, SERIAL)
    transport.remove({}, SERIAL, Keeper())
    assert isinstance(transport.look({}, OTHER), Present), "what is not ours was left alone"
    transport.remove({}, OTHER, Keeper())
