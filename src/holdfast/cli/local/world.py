"""What the kernel shows of a member, whatever its records say: mounts, devices, and files in its directories."""

import os
import re
from collections.abc import Iterator

import msgspec

from holdfast.cli.local.known import Known
from holdfast.cli.local.own import guests, strangers
from holdfast.cli.local.places import Place
from holdfast.cli.local.reachable import PATIENCE, Reachable, within
from holdfast.control.audit_devices import device_findings
from holdfast.drivers.dir.marks import OBJECT_MARK, ObjectMark
from holdfast.host import loops, mounttable
from holdfast.host.facts import Mount
from holdfast.host.linux import LINUX
from holdfast.host.mounttable import is_under
from holdfast.runtime.api import Runtime

# A volume's directory, and what of it is ever mounted or attached.
_VOLUME = re.compile(r"(.*/volumes/[0-9a-f]{32})/(?:data|disk\.raw)(?:/.*)?")


def present(runtime: Runtime, known: Known, state: Place, run: Place) -> list[Reachable]:
    """Everything there now. Raises OSError if the kernel cannot be asked."""
    inside = [*_inside(state.path, "state"), *_inside(run.path, "run")]
    silence = [
        Reachable(
            kind="unknown", subject="mounts and devices", evidence=f"the disk of one did not answer in {PATIENCE:g} s",
            remedy="See which one hangs (findmnt, losetup -l), and bring its disk back or unmount it.",
        )
    ]  # fmt: skip
    ours = within(runtime, PATIENCE, lambda: _volumes(known), silence)
    unique = {(each.kind, each.subject): each for each in (*ours, *inside)}
    return [*unique.values(), *_files(state, run)]


def _inside(path: str, what: str) -> Iterator[Reachable]:
    for mount in mounttable.below(path):
        itself = mount.path == path
        where = f"is the {what} directory itself" if itself else f"lies inside the {what} directory"
        remedy = f"umount {mount.path}" + ("; what is on it stays on it." if itself else "")
        evidence = f"{mount.fs} from {mount.source}; it {where}"
        yield Reachable(kind="mount", subject=mount.path, evidence=evidence, remedy=remedy)


def _volumes(known: Known) -> list[Reachable]:
    """Mounts and loop devices of volumes: of those whose mark names this member as owner, and of those recorded."""
    table = mounttable.read()
    found = {
        subject: (device, f"the volume at {where}", list[str]())
        for device, subject, where in _owned(known.owner, table)
    }
    for finding, uid, _ in device_findings(LINUX, known.pools, [*known.volumes, *known.snapshots], []):
        wanted = [attachment.spec.path for attachment in known.attachments if attachment.parent == uid]
        found[finding.subject] = finding.kind == "leaked-device", f"the volume {known.name(uid)}", wanted
    return [
        _device(subject, volume, wanted, table) if device else _mount(subject, volume, wanted)
        for subject, (device, volume, wanted) in found.items()
    ]


def _mount(path: str, volume: str, wanted: list[str]) -> Reachable:
    remedy = f"`holdfast volume unmount {path}`" if path in wanted else f"umount {path}"
    return Reachable(kind="mount", subject=path, evidence=f"{volume} is mounted there", remedy=remedy)


def _device(node: str, volume: str, wanted: list[str], table: list[Mount]) -> Reachable:
    number = int(node.removeprefix("/dev/loop"))
    at = [mount.path for mount in table if mount.device == (loops.MAJOR, number) or mount.source == node]
    evidence = f"{volume} is attached to it" + (f"; mounted at {', '.join(at)}" if at else "")
    remedy = f"losetup -d {node}, when nothing uses it (lsblk {node})."
    if wanted:
        remedy = "Its last unmount detaches it: " + ", ".join(f"`holdfast volume unmount {path}`" for path in wanted)
    elif at:
        remedy = f"umount {' '.join(at)}; then, if it is still there: {remedy}"
    return Reachable(kind="device", subject=node, evidence=evidence, remedy=remedy)


def _owned(owner: str, table: list[Mount]) -> Iterator[tuple[bool, str, str]]:
    """Records can be older than the world, and then know nothing of a volume that is in use."""
    for loop in loops.attached():
        volume = _VOLUME.fullmatch(loop.file)
        if volume and _may_be_of(owner, volume[1]):
            yield True, loop.path, volume[1]
    for mount in table:
        volume = _VOLUME.fullmatch(mount.root)
        for home in table if volume else []:
            if volume and home.device == mount.device and is_under(volume[1], home.root):
                path = home.path.rstrip("/") + volume[1].removeprefix(home.root.rstrip("/"))
                if _may_be_of(owner, path):
                    yield False, mount.path, path
                    break


def _may_be_of(owner: str, volume: str) -> bool:
    """Whether the mark in a volume's directory names that owner; also where it cannot be read."""
    try:
        with open(os.path.join(volume, OBJECT_MARK), "rb") as file:
            return msgspec.json.decode(file.read(), type=ObjectMark).owner == owner
    except (FileNotFoundError, NotADirectoryError):
        return False
    except (OSError, msgspec.MsgspecError):
        return True


def _files(state: Place, run: Place) -> Iterator[Reachable]:
    for name in strangers(state):
        path = os.path.join(state.path, name)
        yield Reachable(
            kind="file",
            subject=path,
            evidence="no file of Holdfast's",
            remedy=f"Move it away, or `holdfast rm {path}`.",
        )
    for name in guests(run):
        path = os.path.join(run.path, name)
        yield Reachable(
            kind="file", subject=path, evidence="no file of Holdfast's", hinders=False,
            remedy="None needed: it stays, and so does its directory.",
        )  # fmt: skip
