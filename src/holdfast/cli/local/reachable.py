"""What the records say is still reachable: operations, their processes, pools with what is in them, attachments."""

from collections import Counter
from collections.abc import Callable
from typing import TypeVar

import msgspec

from holdfast.cli.local.known import Known
from holdfast.drivers.contract import Driver, PoolRef
from holdfast.drivers.registry import Drivers
from holdfast.host import mounttable, processes
from holdfast.host.children import ForkServerChildren
from holdfast.host.host import Host
from holdfast.model.errors import HoldfastError
from holdfast.model.observations import Absent, ForeignObject, Present, Unknown
from holdfast.model.resources import Pool
from holdfast.operations.refs import pool_ref
from holdfast.runtime.api import Runtime

T = TypeVar("T")
# How long a look at a disk may take, in seconds; one that is away for good never answers.
PATIENCE = 10.0


class Reachable(msgspec.Struct, frozen=True, kw_only=True):
    """One thing. `hinders` says whether the purge is refused for it, `remedy` what to do about it."""

    kind: str
    subject: str
    evidence: str
    hinders: bool = True
    remedy: str


def within(runtime: Runtime, seconds: float, look: Callable[[], T], otherwise: T) -> T:
    """What the look answers or raises, or `otherwise` if it does not in time; a thread that hangs is left behind."""
    found: list[T] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            found.append(look())
        except BaseException as error:  # noqa: BLE001 - kept, and raised below
            failed.append(error)

    if not runtime.spawn("purge-look", run).join(seconds):
        return otherwise
    for error in failed:
        raise error
    return found[0]


def recorded(runtime: Runtime, known: Known, private: tuple[str, ...]) -> list[Reachable]:
    """Everything in the records that is not over and done with, in the order in which one ends it."""
    return [*_stamp(known), *_operations(known), *_attachments(known), *_pools(runtime, known, private)]


def _stamp(known: Known) -> list[Reachable]:
    if not known.stamped:
        return []
    evidence = "a copy made by `holdfast db backup`: what was made after it is unknown"
    remedy = "Start the daemon and say by `holdfast resume` that it counts."
    return [Reachable(kind="database", subject="holdfast.db", evidence=evidence, remedy=remedy)]


def _operations(known: Known) -> list[Reachable]:
    found = []
    for row in known.operations:
        evidence = f"{row.kind} {row.ref_path}: {row.state}" + (f", {row.reason}" if row.reason else "")
        remedy = f"`holdfast op watch {row.id}` follows it to its end; retry, cancel and abandon are its exits."
        found.append(Reachable(kind="operation", subject=row.id, evidence=evidence, remedy=remedy))
    boot = processes.boot_id()
    for op, child in known.children:
        if child.boot == boot and processes.start_time(child.pid) == child.start:
            evidence = f"still acts for operation {op}"
            remedy = f"kill -9 {child.pid}, and wait until it is gone."
            found.append(Reachable(kind="process", subject=str(child.pid), evidence=evidence, remedy=remedy))
    return found


def _pools(runtime: Runtime, known: Known, private: tuple[str, ...]) -> list[Reachable]:
    if not known.pools:
        return []
    children = ForkServerChildren(runtime)  # drivers get the host that they expect, though nothing is changed
    try:
        drivers = Drivers.installed(Host(runtime, children, private))
        return [_pool(runtime, drivers, known, pool) for pool in known.pools]
    finally:
        children.close()


def _pool(runtime: Runtime, drivers: Drivers, known: Known, pool: Pool) -> Reachable:
    """It hinders even if it is empty or away: its mark would have no owner any more."""
    ref = pool_ref(pool, known.owner)
    volumes = sum(volume.parent == pool.uid for volume in known.volumes)
    silence = f"unknown: it did not answer within {PATIENCE:g} s", False
    there, reached = within(runtime, PATIENCE, lambda: _contents(drivers, ref), silence)
    delete, forget = f"`holdfast pool delete {pool.name}`", f"`holdfast pool forget {pool.name}`"
    if not reached:
        remedy = f"Bring it back and delete it by {delete}; if it is gone for good: {forget}."
    elif volumes:
        remedy = f"Delete its volumes, then {delete}; to leave their data where they are: {forget}."
    else:
        remedy = f"{delete}; to leave what is there: {forget}."
    evidence = f"volumes recorded: {volumes}; in {pool.spec.place}: {there}"
    return Reachable(kind="pool", subject=pool.name, evidence=evidence, remedy=remedy)


def _contents(drivers: Drivers, ref: PoolRef) -> tuple[str, bool]:
    """What is in the place, by its own word, and whether it can be reached."""
    try:
        driver: Driver = drivers.of(ref)
        match driver.look_pool(ref):
            case Present():
                counts = Counter(item.kind for item in driver.inventory(ref))
                return ", ".join(f"{kind}: {count}" for kind, count in sorted(counts.items())) or "nothing", True
            case Absent():
                return "its mark is gone", False
            case ForeignObject(reason) | Unknown(reason):
                return f"unknown: {reason}", False
    except HoldfastError as error:
        return f"unknown: {error.detail}", False
    except OSError as error:
        return f"unknown: {error.strerror}", False


def _attachments(known: Known) -> list[Reachable]:
    found = []
    table = mounttable.read()
    for attachment in known.attachments:
        path = attachment.spec.path
        top = mounttable.top_at(path, table)
        now = f"{top.fs} from {top.source} is mounted there" if top else "nothing is mounted there now"
        evidence = f"{known.name(attachment.parent)} is wanted there; {now}"
        remedy = f"`holdfast volume unmount {path}`"
        found.append(Reachable(kind="attachment", subject=path, evidence=evidence, remedy=remedy))
    return found
