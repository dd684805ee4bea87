"""A script played against a real daemon: the same requests by its client, the same deaths, the same look at the end."""

import contextlib
import difflib
import time
from collections.abc import Iterator
from typing import NamedTuple

from holdfast.client import Client
from holdfast.host.linux import LINUX
from holdfast.model.errors import HoldfastError, NotFound, Unavailable
from holdfast.model.operations import OperationView
from holdfast.model.views import MountView
from holdfast.operations.attachment.mount import VolumeMount
from holdfast.operations.attachment.unmount import VolumeUnmount
from holdfast.operations.base import Asked
from holdfast.operations.pool.change import PoolChange
from holdfast.operations.pool.create import PoolCreate
from holdfast.operations.pool.delete import PoolDelete
from holdfast.operations.pool.forget import PoolForget
from holdfast.operations.volume.check import VolumeCheck
from holdfast.operations.volume.create import VolumeCreate
from holdfast.operations.volume.delete import VolumeDelete
from holdfast.operations.volume.label import VolumeLabel
from holdfast.operations.volume.rename import VolumeRename
from holdfast.operations.volume.trim import VolumeTrim
from holdfast.testing.simulation.script import Line, Script, placed, told
from holdfast.testing.simulation.script_hands import after
from holdfast.testing.simulation.script_state import State, read
from tests.daemon import PATIENCE, RealDaemon, real_daemon
from tests.simulation.real_world import Database, furnish

# Seconds for what the kernel lets go of by itself: a device that somebody lists at this moment.
SETTLE = 5.0


class Outcome(NamedTuple):
    """What became of a script: what was told, line by line, what the audit found, and the end."""

    told: list[str]
    findings: list[str]
    end: State


def expected(script: Script) -> Outcome:
    """What the simulation says."""
    return Outcome([line.told for line in script.lines], list(script.findings), script.end)


def difference(script: Script, found: Outcome) -> str:
    """Where the real machine differs from the simulated one, for people; an empty text if nowhere."""
    simulated, real = _shown(expected(script), script), _shown(found, script)
    return "\n".join(difflib.unified_diff(simulated, real, "simulated", "real", lineterm="", n=1))


def _shown(outcome: Outcome, script: Script) -> list[str]:
    said = [*outcome.told, *(["(never asked)"] * (len(script.lines) - len(outcome.told)))]
    shown = [
        f"{line.key} {line.request}{f', killed at {line.kill}' if line.kill else ''}: {answer}"
        for line, answer in zip(script.lines, said, strict=True)
    ]
    shown += [f"the audit finds {kind}" for kind in outcome.findings]
    for name, text in sorted(outcome.end.items()):
        shown += f"{name}: {text}".rstrip("\n").split("\n")
    return shown


class Player:
    """One script on one daemon."""

    def __init__(self, script: Script, daemon: RealDaemon) -> None:
        self._script = script
        self._daemon = daemon
        self._client = daemon.client()
        # An unmount is asked by the mount's id, which the records forget once it is done.
        self._mounts: dict[str, MountView] = {}

    def play(self) -> Outcome:
        """Ask everything, audit, stop the daemon, and look once the kernel let go of what it lets go of."""
        said = []
        for line in self._script.lines:
            said.append(self._line(line))
            if said[-1] == "done":
                after(line.request, LINUX, str(self._daemon.root))
            elif said[-1].startswith("not killed"):
                break
        findings: list[str] = sorted(found.kind for found in self._client.audit())
        self._daemon.stop()
        deadline = time.monotonic() + SETTLE
        while self.look() != self._script.end and time.monotonic() < deadline:
            time.sleep(0.05)
        return Outcome(said, findings, self.look())

    def look(self) -> State:
        """At the records of the stopped daemon, and at the world."""
        with contextlib.closing(Database(self._daemon.state / "holdfast.db")) as database:
            return read(database, LINUX, str(self._daemon.root))

    def _line(self, line: Line) -> str:
        if line.kill is None:
            return self._ask(line)
        self._daemon.arm(f"{line.kill.failpoint}:kill:{line.kill.nth}")
        try:
            return f"not killed, {self._ask(line)}"
        except Unavailable:
            assert self._daemon.ended() == -9, self._daemon.log_tail()
        self._daemon.disarm()
        self._daemon.start()
        return self._ask(line)

    def _ask(self, line: Line) -> str:
        try:
            view = self._sent(placed(line.request, str(self._daemon.root)), line.key)
        except Unavailable:
            raise
        except HoldfastError as error:
            return f"refused {error.code}"
        view = self._client.wait(view.id, PATIENCE)
        assert view.ended, f"{line.request} does not end: {view.state}, {view.reason}"
        return told(view)

    def _sent(self, asked: Asked, key: str) -> OperationView:
        client = self._client
        match asked:
            case PoolCreate():
                return client.create_pool(asked.name, asked.config, key=key)
            case PoolChange():
                return client.change_pool(asked.name, {"limit": asked.limit}, key=key)
            case PoolDelete():
                return client.delete_pool(asked.name, key=key)
            case PoolForget():
                return client.delete_pool(asked.name, forget=True, key=key)
            case _:
                return self._sent_of_volume(client, asked, key)

    def _sent_of_volume(self, client: Client, asked: Asked, key: str) -> OperationView:
        match asked:
            case VolumeCreate():
                return client.create_volume(asked.pool, asked.name, asked.size, asked.content, asked.fs, key=key)
            case VolumeDelete():
                return client.delete_volume(asked.pool, asked.name, key=key, if_match=asked.if_match)
            case VolumeRename():
                return client.rename_volume(asked.pool, asked.name, asked.new_name, key=key)
            case VolumeLabel():
                return client.label_volume(asked.pool, asked.name, asked.labels, key=key)
            case VolumeCheck():
                return client.check_volume(asked.pool, asked.name, key=key)
            case VolumeTrim():
                return client.trim_volume(asked.pool, asked.name, key=key)
            case VolumeMount():
                return client.mount(asked.pool, asked.name, asked.path, read_only=asked.read_only, key=key)
            case VolumeUnmount():
                return client.unmount(self._mount(asked.path, key), key=key)
            case _:
                raise NotImplementedError(f"{asked} is in no script")

    def _mount(self, path: str, key: str) -> MountView:
        if key not in self._mounts:
            found = self._client.mounts(path)
            if not found:
                raise NotFound(f"nothing is mounted at {path}")
            self._mounts[key] = found[0]
        return self._mounts[key]


@contextlib.contextmanager
def stage(script: Script) -> Iterator[tuple[Player, RealDaemon]]:
    """A machine of its own for the script, gone afterwards."""
    with real_daemon() as daemon:
        furnish(daemon.root, script.kinds)
        yield Player(script, daemon.start()), daemon
