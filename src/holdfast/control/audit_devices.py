"""Mounts and loop devices of our volumes that no attachment wants."""

import re

from holdfast.host import loops
from holdfast.host.facts import Mount
from holdfast.host.kernel import Kernel
from holdfast.model.resources import Attachment, Finding, Pool, Snapshot, Volume

Object = Volume | Snapshot


def device_findings(
    kernel: Kernel, pools: list[Pool], objects: list[Object], attachments: list[Attachment]
) -> list[tuple[Finding, str, Object | None]]:
    """(finding, uid of the object, its record if there is one) for every stale mount and leaked device."""
    sources = tuple(f"{pool.spec.place}/" for pool in pools if pool.spec.place.startswith("/"))
    known = {row.uid: row for row in objects}
    wanted = {(attachment.parent, attachment.spec.path) for attachment in attachments}
    # An orchestrator binds what was published to it again, below directories of its own.
    handed = {attachment.parent for attachment in attachments if attachment.spec.use == "publish"}
    found: list[tuple[Finding, str, Object | None]] = []
    table = kernel.mounts()
    devices: dict[int, str] = {}
    for loop in loops.attached(kernel):
        match = loops.OURS.search(loop.file)
        if match and (match[1] in known or loop.file.startswith(sources)):
            devices[loop.number] = match[1]
            wanted_here = any(parent == match[1] for parent, _ in wanted)
            # An unmounted one goes by itself with its last user, who may be somebody that only lists devices.
            if not wanted_here and (not loop.autoclear or loops.stays(loop, kernel)):
                remedy = "--repair detaches it." if match[1] in known else "losetup -d detaches it."
                evidence = f"attached to {loop.file}, which nobody wants"
                finding = Finding(kind="leaked-device", subject=loop.path, evidence=evidence, remedy=remedy)
                found.append((finding, match[1], known.get(match[1])))
    for mount in table:
        uid = _volume_of(mount, devices, known)
        volume = known.get(uid or "")
        if volume is not None and volume.spec.content == "block" and mount.fs != "devtmpfs":
            continue  # what people mount of their own device
        if uid is not None and uid not in handed and (uid, mount.path) not in wanted:
            evidence = f"volume {uid} is mounted here, and no record wants it"
            remedy = f"Unmount it when nobody uses it: umount {mount.path}"
            found.append((Finding(kind="stale-mount", subject=mount.path, evidence=evidence, remedy=remedy), uid, None))
    return found


def _volume_of(mount: Mount, devices: dict[int, str], known: dict[str, Object]) -> str | None:
    match = loops.OURS.search(mount.root)
    if match and match[2] == "data" and match[1] in known:
        return match[1]
    if mount.device[0] == 7 and mount.device[1] in devices:
        return devices[mount.device[1]]
    node = re.fullmatch(r"/dev/loop(\d+)", mount.source) or re.fullmatch(r"/loop(\d+)", mount.root)
    return devices.get(int(node[1])) if node else None
