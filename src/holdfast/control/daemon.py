"""One member's control plane, without faces: what is made in which order, started, and stopped in reverse."""

import os
from collections.abc import Callable
from typing import TypeVar

import msgspec
import structlog

from holdfast.control.audit import Audit
from holdfast.control.auditor import Auditor
from holdfast.control.connections import Connections
from holdfast.control.counters import Counters
from holdfast.control.expiry import Expiry
from holdfast.control.loops import Rounds
from holdfast.control.preview import Preview
from holdfast.control.reconcile import Reconciler
from holdfast.control.repair import Repair
from holdfast.control.tokens import Tokens
from holdfast.drivers.registry import Drivers
from holdfast.engine.engine import Engine
from holdfast.engine.observer import Observer
from holdfast.host.children import Children, ForkServerChildren
from holdfast.host.host import Host
from holdfast.host.kernel import Kernel
from holdfast.host.linux import LINUX
from holdfast.model.errors import Invalid, NoSpace, Unavailable
from holdfast.model.operations import ENDED
from holdfast.model.resources import Member, MemberSpec
from holdfast.operations.base import Desk
from holdfast.operations.look import Looks
from holdfast.operations.registry import codec
from holdfast.records import resources
from holdfast.records.contract import Tx
from holdfast.records.sqlite import SqliteRecords
from holdfast.records.statedir import Home, StateDir
from holdfast.runtime.api import Runtime

log = structlog.get_logger()
T = TypeVar("T")
# Seconds between two looks whether a full disk has room for the start to go on.
ROOM = 0.5


class Settings(msgspec.Struct, frozen=True):
    """Where things are (paths are made canonical), how many operations run at once, seconds between own audits."""

    state: str = "/var/lib/holdfast"
    run: str = "/run/holdfast"
    threads: int = 8
    audit_every: float = 3600.0


def die(reason: str) -> None:
    """Stop this very moment: what is durable is right, and a restart resumes from it."""
    log.critical("the daemon stops", reason=reason)
    os._exit(70)


class Daemon:
    """See the module; faces get one and call its parts. `home` and `vfs` are the simulation's."""

    def __init__(
        self,
        runtime: Runtime,
        settings: Settings,
        *,
        children: Children | None = None,
        drivers: Callable[[Host], Drivers] = Drivers.installed,
        fatal: Callable[[str], None] = die,
        observer: Observer | None = None,
        kernel: Kernel = LINUX,
        home: Home | None = None,
        vfs: str | None = None,
    ) -> None:
        self.runtime = runtime
        self._fatal = fatal
        self.settings = settings
        state, run = kernel.realpath(settings.state), kernel.realpath(settings.run)
        if home is None:
            os.makedirs(run, mode=0o755, exist_ok=True)
        self.state_dir: Home = home or StateDir(state)
        # Before any thread: the daemon itself never forks.
        self.children = children or ForkServerChildren(runtime)
        self.records = self._with_room(lambda: self._open(vfs))
        member = self._with_room(self._member)
        self.host = Host(runtime, self.children, (state, run), kernel)
        self.drivers = drivers(self.host)
        tools: dict[type, object] = {Host: self.host, Drivers: self.drivers}
        self.engine = Engine(
            runtime, self.records, codec(), tools, self.children.prove_dead, member=member.uid, owner=member.uid,
            threads=settings.threads, fatal=fatal, admit=self._admit, observer=observer,
        )  # fmt: skip
        self.desk = Desk(self.host, self.drivers, self.records)
        self.looks = Looks(self.records, self.host, self.drivers, member.uid)
        self.counters = Counters(self.records, self.drivers, self.engine, member.uid)
        self.member = member
        self.connections = Connections(self.records, self.drivers, member.uid, member.uid, runtime.now)
        audit = Audit(self.records, self.host, self.drivers, self.looks, self.connections, member.uid, member.uid)
        self.repair = Repair(audit, self.engine, self.records, self.drivers, self.connections, member.uid)
        reconciler = Reconciler(runtime, self.records, self.looks, self.engine)
        expiry = Expiry(runtime, self.records, self.engine)
        self.rounds = Rounds(
            runtime, self.engine, reconciler, self.counters, self.connections, expiry, self._keep_reserve
        )
        self.engine.watch.add_all(self._changed)
        self.auditor = Auditor(runtime, self.repair, settings.audit_every)
        self.preview = Preview(self.records, self.drivers, member.uid)
        self.tokens = Tokens(runtime, self.records)
        self.started = runtime.now()

    def _with_room(self, act: Callable[[], T]) -> T:
        """A start on a full disk waits for room: whoever started it anew would find the same disk."""
        told = False
        while True:
            try:
                return act()
            except NoSpace as error:
                if not told:
                    log.warning("the start waits for room", error=error.detail, hint=error.hint)
                told = True
                self.runtime.sleep(ROOM)

    def _changed(self, _op: str, state: str) -> None:
        self.rounds.changed()
        if state in ENDED and self.connections.changed():
            self.rounds.wake()

    def _open(self, vfs: str | None) -> SqliteRecords:
        self.state_dir.check_database()
        twice = bool(os.environ.get("HOLDFAST_TEST_TWICE"))
        records = SqliteRecords(
            self.runtime, self.state_dir.database, guard=self.state_dir, fatal=self._fatal, twice=twice,
            vfs=vfs,
        )  # fmt: skip
        self.state_dir.watch_database()
        return records

    def _member(self) -> Member:
        """This machine's record, made at the first start; its uid is the owner of all that is made here."""
        uid, now, hostname = self.runtime.new_id(), self.runtime.now(), os.uname().nodename

        def fn(tx: Tx) -> Member:
            found = resources.page(tx, Member)
            if found:
                return found[0]
            member = Member(uid=uid, name=hostname, created=now, spec=MemberSpec(hostname=hostname), status=None)
            resources.insert(tx, member)
            return member

        return self.records.write(fn)

    def _check_state(self) -> None:
        """A directory that is gone would look like a full disk; it is the end instead."""
        lost = self.state_dir.lost()
        if lost:
            self._fatal(lost)
            raise Unavailable(lost)

    def _admit(self) -> None:
        self._check_state()
        if not self.state_dir.has_reserve and not self.state_dir.make_reserve():
            raise NoSpace(
                f"The disk of {self.state_dir.path} is full; running operations go on, new ones are refused.",
                "Free space there.",
            )

    def _keep_reserve(self) -> bool:
        self._check_state()
        return self.state_dir.has_reserve or self.state_dir.make_reserve()

    def backup(self, path: str) -> None:
        """A stamped copy of the database, made while it is in use."""
        if not path.startswith("/") or not path.isprintable():
            raise Invalid(f"The path {ascii(path)} is not absolute, or has control characters.", "Choose another.")
        self.records.backup(path)

    def start(self) -> None:
        """Check that the database is the current one, count on, resume, and begin the rounds."""
        self.engine.suspended = self.counters.check()
        if self.engine.suspended:
            log.warning("suspended", reason=self.engine.suspended)
        else:
            self._with_room(self.counters.advance)
        self._with_room(self.engine.start)
        self.rounds.start()
        self.auditor.start()

    def stop(self) -> None:
        """End the steps under way and leave mounts alone; what is unfinished resumes at the next start."""
        self.auditor.stop()
        self.rounds.stop()
        self.engine.stop()
        self.records.close()
        if isinstance(self.children, ForkServerChildren):
            self.children.close()
        self.state_dir.close()
