"""systemd takes the unit; under it mounts outlive the daemon and are the host's; the daemon obeys its protocol."""

import re
import socket
import subprocess
from pathlib import Path

from holdfast.cli.main import app
from holdfast.config.options import OPTIONS
from holdfast.model.config import Config
from tests.daemon import BIN, PATIENCE, RealDaemon, mounts_below
from tests.needs import need

UNIT = Path(__file__).resolve().parents[2] / "packaging/systemd/holdfast.service"
COMMAND = "/usr/local/bin/holdfast"
# What systemd.exec(5), systemd.service(5) and systemd.kill(5) know to make no mount namespace. A directive that is not
# here is looked up there first.
HARMLESS = {
    "Type", "NotifyAccess", "ExecStart", "Restart", "RestartSec", "WatchdogSec", "Environment", "TimeoutStopSec",
    "TimeoutStartSec", "KillMode", "OOMPolicy", "OOMScoreAdjust", "StateDirectory", "StateDirectoryMode",
    "RuntimeDirectory", "RuntimeDirectoryMode", "RuntimeDirectoryPreserve", "LimitNOFILE",
}  # fmt: skip


def directives(section: str) -> list[tuple[str, str]]:
    text = re.search(rf"^\[{section}\]$(.*?)(^\[|\Z)", UNIT.read_text(), flags=re.MULTILINE | re.DOTALL)
    assert text is not None
    return re.findall(r"^(\w+)=(.*)$", text[1], flags=re.MULTILINE)


def verify(directory: Path, text: str) -> subprocess.CompletedProcess[str]:
    """systemd wants the command to be there: it is the tree's own here."""
    unit = directory / UNIT.name
    unit.write_text(text.replace(COMMAND, str(BIN)))
    return subprocess.run(
        [need("systemd-analyze"), "verify", "--man=no", "--recursive-errors=no", str(unit)],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip


def test_systemd_takes_the_unit_without_a_word(tmp_path: Path) -> None:
    done = verify(tmp_path, UNIT.read_text())
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_systemd_would_have_said_what_is_wrong(tmp_path: Path) -> None:
    done = verify(tmp_path, UNIT.read_text().replace("KillMode=process", "KillMode=proces"))
    assert "kill mode" in done.stderr


def test_no_directive_makes_a_mount_namespace_of_its_own() -> None:
    assert {name for name, _ in directives("Service")} <= HARMLESS


def test_only_the_daemon_is_signalled_so_that_mounts_and_their_servers_outlive_it() -> None:
    service = dict(directives("Service"))
    assert service["KillMode"] == "process"
    assert service["OOMPolicy"] == "continue"


def test_the_run_directory_outlives_the_daemon() -> None:
    assert dict(directives("Service"))["RuntimeDirectoryPreserve"] == "yes"


def test_its_directories_are_the_configurations_defaults_and_the_records_are_private() -> None:
    service, daemon = dict(directives("Service")), Config().daemon
    assert f"/var/lib/{service['StateDirectory']}" == daemon.state
    assert f"/run/{service['RuntimeDirectory']}" == daemon.run
    assert service["StateDirectoryMode"] == "0700"


def test_the_manager_is_told_when_it_serves_and_whether_it_is_stuck() -> None:
    service = dict(directives("Service"))
    assert (service["Type"], service["NotifyAccess"]) == ("notify", "main")
    assert int(service["WatchdogSec"]) >= 10


def test_it_is_started_again_after_every_failure_however_often() -> None:
    assert dict(directives("Service"))["Restart"] == "on-failure"
    assert dict(directives("Unit"))["StartLimitIntervalSec"] == "0"


def test_it_is_stopped_before_file_systems_are_unmounted() -> None:
    after = {target for name, value in directives("Unit") if name == "After" for target in value.split()}
    assert {"local-fs.target", "remote-fs.target"} <= after


def test_it_may_have_as_many_descriptors_as_the_configuration_can_ask_for_connections() -> None:
    most = OPTIONS["limits.connections"].most
    assert most is not None
    assert int(dict(directives("Service"))["LimitNOFILE"]) > most


def test_it_runs_a_command_that_there_is() -> None:
    command, verb = dict(directives("Service"))["ExecStart"].split()
    assert command == COMMAND
    assert verb in list(app)


def heard_until(manager: socket.socket, what: str) -> list[str]:
    """What a manager hears, up to `what`; no later than its patience."""
    heard: list[str] = []
    while not heard or not heard[-1].startswith(what):
        heard.append(manager.recv(4096).decode())
    return heard


def test_a_daemon_tells_its_manager_that_it_serves_lives_and_stops_and_its_mounts_stay(
    daemon: RealDaemon, place: Path
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.settimeout(PATIENCE)
        manager.bind(str(place / "notify"))
        daemon.env |= {"NOTIFY_SOCKET": str(place / "notify"), "WATCHDOG_USEC": "200000"}
        client = daemon.with_pool()
        assert heard_until(manager, "READY=1")[0].startswith("READY=1")
        heard_until(manager, "WATCHDOG=1")
        heard_until(manager, "WATCHDOG=1")
        assert client.create_volume("p", "v", "1MiB").state == "done"
        (daemon.mnt / "v").mkdir()
        assert client.mount("p", "v", str(daemon.mnt / "v")).state == "done"
        client.close()
        assert daemon.stop() == 0
        assert heard_until(manager, "STOPPING=1")
        assert mounts_below(daemon.mnt) == [str(daemon.mnt / "v")]


def test_no_child_of_the_daemon_can_speak_to_its_manager(daemon: RealDaemon, place: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(place / "notify"))
        daemon.env |= {"NOTIFY_SOCKET": str(place / "notify"), "WATCHDOG_USEC": "60000000"}
        daemon.start()
        assert daemon.process is not None
        pid = daemon.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        assert children
        for child in children:
            environment = Path(f"/proc/{child}/environ").read_bytes()
            assert b"NOTIFY_SOCKET=" not in environment
            assert b"WATCHDOG_USEC=" not in environment
