"""The plans under test: every operation, forward, and driven into its undo."""

import errno
import json
import os
import shutil
from collections.abc import Callable

from holdfast.control.daemon import Daemon
from holdfast.host import loops, syscalls
from holdfast.model.resources import Attachment, Volume
from holdfast.operations.attachment.mount import MountRestore, VolumeMount
from holdfast.operations.attachment.release import DeviceRelease
from holdfast.operations.attachment.unmount import VolumeUnmount
from holdfast.operations.base import Asked
from holdfast.operations.pool.adopt import PoolAdopt
from holdfast.operations.pool.create import PoolCreate
from holdfast.operations.pool.delete import PoolDelete
from holdfast.operations.pool.forget import PoolForget
from holdfast.operations.pool.import_ import PoolImport
from holdfast.operations.snapshot.create import SnapshotCreate
from holdfast.operations.snapshot.delete import SnapshotDelete
from holdfast.operations.snapshot.mount import SnapshotMount
from holdfast.operations.snapshot.rename import SnapshotRename
from holdfast.operations.snapshot.restore import SnapshotRestore
from holdfast.operations.volume.check import VolumeCheck
from holdfast.operations.volume.clone import VolumeClone
from holdfast.operations.volume.create import VolumeCreate
from holdfast.operations.volume.delete import VolumeDelete
from holdfast.operations.volume.rename import VolumeRename
from holdfast.operations.volume.resize import VolumeResize
from holdfast.operations.volume.trim import VolumeTrim
from holdfast.records import resources
from holdfast.testing.matrix import Scenario
from tests.crash.array_scenarios import array_scenarios
from tests.crash.btrfs_scenarios import btrfs_scenarios
from tests.crash.csi_scenarios import csi_scenarios

SIZES = {"ext4": "2MiB", "xfs": "300MiB", "btrfs": "120MiB", None: "1MiB"}
# Of the doubles of plans that copy: many failpoints, at which little differs from what the rest has.
FEW = 0.2
# An ext4 grows only for who has CAP_SYS_RESOURCE, which a container has not.
LARGER = {"xfs": "316MiB", "btrfs": "256MiB", None: "2MiB"}


def scenarios(scratch: str, *, every: bool) -> list[Scenario]:
    """All plans over one scratch path; `every` adds the slow file systems."""
    pool = PoolCreate(name="p", config={"source": f"{scratch}/pool"})
    second = PoolCreate(name="q", config={"source": f"{scratch}/second"})
    path = f"{scratch}/mnt/at"

    def make(content: str, fs: str | None = None) -> VolumeCreate:
        return VolumeCreate(pool="p", name="v", size=SIZES[fs], content=content, fs=fs)  # type: ignore[arg-type]

    def mount(read_only: bool = False) -> VolumeMount:
        return VolumeMount(pool="p", name="v", path=path, read_only=read_only)

    directory, ext4, block = make("directory"), make("filesystem", "ext4"), make("block")
    xfs = make("filesystem", "xfs")
    delete = VolumeDelete(pool="p", name="v")
    rename = VolumeRename(pool="p", name="v", new_name="w")
    unmount = VolumeUnmount(path=path)
    check, trim = VolumeCheck(pool="p", name="v"), VolumeTrim(pool="p", name="v")
    resize = VolumeResize(pool="p", name="v", size=LARGER[None])
    grow = VolumeResize(pool="p", name="v", size=LARGER["xfs"])
    take, other = SnapshotCreate(pool="p", volume="v", name="s"), SnapshotCreate(pool="p", volume="v", name="t")
    restore, show = (
        SnapshotRestore(pool="p", volume="v", name="s"),
        SnapshotMount(pool="p", volume="v", name="s", path=path),
    )
    forget = PoolForget(name="p")
    back = PoolImport(name="p", config={"source": f"{scratch}/pool"}, take_over=True)
    full, denied, sick = errno.ENOSPC, errno.EPERM, errno.EIO

    def plain(
        name: str, setup: tuple[Asked, ...], request: Asked | Callable[[Daemon], Asked], **more: object
    ) -> Scenario:
        return Scenario(name, setup, request, **more)  # type: ignore[arg-type]

    found = [
        plain("pool-create", (), pool),
        plain("pool-create-undo", (), pool, weather=(("pool.sync.before", full),)),
        plain("pool-create-early-undo", (), pool, weather=(("pool.publish.before", full),)),
        plain("pool-delete", (pool,), PoolDelete(name="p")),
        plain("pool-forget", (pool,), PoolForget(name="p"), between=_unmark),
        plain("volume-create-directory", (pool,), directory),
        plain("volume-create-directory-undo", (pool,), directory, weather=(("volume.publish.before", full),)),
        plain(
            "volume-create-late-undo",
            (pool,),
            directory,
            weather=(("volume.publish.after", full), ("journal.none", 0)),
        ),
        plain("volume-create-ext4", (pool,), ext4),
        plain("volume-create-ext4-undo", (pool,), ext4, weather=(("volume.publish.before", full),)),
        plain("volume-create-block", (pool,), block),
        plain(
            "volume-create-cancel",
            (pool,),
            directory,
            weather=(("volume.publish.before", sick),),
            cancel=True,
        ),
        plain("volume-delete-directory", (pool, directory), delete, between=_fill),
        plain("volume-delete-block", (pool, block), delete),
        plain("volume-rename", (pool, directory), rename),
        plain("volume-rename-undo", (pool, directory), rename, weather=(("volume.rename-publish.before", full),)),
        plain("mount-directory", (pool, directory), mount(), prepare=directory_at),
        plain(
            "mount-directory-undo",
            (pool, directory),
            mount(),
            prepare=directory_at,
            weather=(("child.mount-tree.after", denied), ("child.mount-tree.before", denied)),
        ),
        plain("mount-read-only", (pool, directory), mount(read_only=True), prepare=directory_at),
        plain("mount-ext4", (pool, ext4), mount(), prepare=directory_at),
        plain("mount-block", (pool, block), mount(), prepare=file_at),
        plain(
            "mount-block-undo",
            (pool, block),
            mount(),
            prepare=file_at,
            weather=(("child.mount-node.before", denied),),
        ),
        plain("unmount-directory", (pool, directory, mount()), unmount, prepare=directory_at),
        plain("unmount-ext4", (pool, ext4, mount()), unmount, prepare=directory_at),
        plain("unmount-block", (pool, block, mount()), unmount, prepare=file_at),
        plain(
            "unmount-block-undo",
            (pool, block, mount()),
            unmount,
            prepare=file_at,
            weather=(("child.loop-detach.before", denied),),
        ),
        plain("rename-then-mount-queued", (pool, directory), rename, beside=(mount(),), prepare=directory_at),
    ]
    found += [
        plain(
            "mount-restore",
            (pool, directory, mount()),
            _restore,
            prepare=directory_at,
            between=unmount_by_hand,
            crooked=True,
        ),
        plain(
            "mount-restore-block",
            (pool, block, mount()),
            _restore,
            prepare=file_at,
            between=unmount_by_hand,
            crooked=True,
        ),
        plain("device-release", (pool, block), _release, between=attach_by_hand, crooked=True),
    ]
    found += [
        plain("volume-check-damaged", (pool, ext4), check, between=_damage),
        plain("volume-check-undo", (pool, ext4), check, between=attach_by_hand, crooked=True),
        plain("volume-trim", (pool, ext4, mount()), trim, prepare=directory_at),
        plain(
            "volume-trim-undo",
            (pool, ext4, mount()),
            trim,
            prepare=directory_at,
            weather=(("child.trim.before", errno.EOPNOTSUPP),),
        ),
        plain("pool-import", (pool, directory, take, forget), back, crooked=True),
        plain("pool-import-of-another", (pool, directory, take, forget), back, between=_disown, crooked=True),
        plain("pool-adopt", (pool, directory), PoolAdopt(name="p"), between=_orphan, crooked=True),
        plain("resize-directory", (pool, directory), resize),
        plain("resize-block-mounted", (pool, block, mount()), resize, prepare=file_at),
        plain("rename-mounted", (pool, ext4, mount()), rename, prepare=directory_at),
    ]
    found += [
        plain("snapshot-directory", (pool, directory), take, between=_fill, share=FEW),
        plain("snapshot-ext4", (pool, ext4), take, share=FEW),
        plain("snapshot-ext4-mounted", (pool, ext4, mount()), take, prepare=directory_at, share=FEW),
        plain(
            "snapshot-ext4-mounted-undo",
            (pool, ext4, mount()),
            take,
            prepare=directory_at,
            weather=(("volume.publish.before", full),),
            share=FEW,
        ),
        plain("snapshot-block-mounted", (pool, block, mount()), take, prepare=file_at, share=FEW),
        plain(
            "snapshot-delete",
            (pool, ext4, take),
            SnapshotDelete(pool="p", volume="v", name="s"),
            twin="volume-delete-block",
        ),
        plain(
            "snapshot-rename",
            (pool, directory, take),
            SnapshotRename(pool="p", volume="v", name="s", new_name="t"),
            twin="volume-rename",
        ),
        plain("snapshot-mount-directory", (pool, directory, take), show, prepare=directory_at, twin="mount-read-only"),
        plain("snapshot-mount-ext4", (pool, ext4, take), show, prepare=directory_at, twin="mount-ext4"),
        plain("snapshot-mount-block", (pool, block, take), show, prepare=file_at, twin="mount-block"),
        plain("snapshot-unmount-ext4", (pool, ext4, take, show), unmount, prepare=directory_at, twin="unmount-ext4"),
        plain("restore-directory", (pool, directory, take), restore, between=_fill, share=FEW),
        plain("restore-ext4", (pool, ext4, take, other), restore, share=FEW),
        plain(
            "clone-directory",
            (pool, directory),
            VolumeClone(pool="p", source="v", name="w"),
            between=_fill,
            twin="snapshot-directory",
        ),
        plain(
            "clone-ext4-mounted",
            (pool, ext4, mount()),
            VolumeClone(pool="p", source="v", name="w"),
            prepare=directory_at,
            share=FEW,
        ),
        plain(
            "clone-of-snapshot",
            (pool, ext4, take),
            VolumeClone(pool="p", source="v", snapshot="s", name="w"),
            share=FEW,
        ),
        plain(
            "clone-larger",
            (pool, block),
            VolumeClone(pool="p", source="v", name="w", size="2MiB"),
            share=FEW,
        ),
        plain(
            "clone-elsewhere",
            (pool, second, ext4, mount()),
            VolumeClone(pool="p", source="v", name="v", to="q"),
            prepare=directory_at,
            share=FEW,
        ),
        plain("restore-undo", (pool, directory, take), restore, weather=(("volume.mark.before", full),), share=FEW),
    ]
    found += [*btrfs_scenarios(scratch, _fill), *csi_scenarios(scratch)]
    found += array_scenarios(scratch, directory_at, file_at, unmount_by_hand, _restore)
    if every:
        found.append(plain("volume-check-ext4", (pool, ext4), check, between=_watch))
        found.append(plain("unmount-renamed", (pool, ext4, mount(), rename), unmount, prepare=directory_at))
        for fs in ("xfs", "btrfs"):
            volume = make("filesystem", fs)
            more = (
                plain(f"volume-create-{fs}", (pool,), volume, twin="volume-create-ext4"),
                plain(f"mount-{fs}", (pool, volume), mount(), prepare=directory_at, twin="mount-ext4"),
                plain(f"volume-check-{fs}", (pool, volume), check, between=_watch, twin="volume-check-ext4"),
                plain(f"volume-trim-{fs}", (pool, volume, mount()), trim, prepare=directory_at, twin="volume-trim"),
            )
            found.extend(more)
        found.append(plain("resize-xfs", (pool, xfs), grow, share=0.02))
        found.append(plain("resize-xfs-mounted", (pool, xfs, mount()), grow, prepare=directory_at, share=0.02))
        larger = VolumeResize(pool="p", name="v", size=LARGER["btrfs"])
        btrfs = (pool, make("filesystem", "btrfs"), mount())
        found.append(plain("resize-btrfs-mounted", btrfs, larger, prepare=directory_at, twin="resize-xfs-mounted"))
    return found


def _unmark(scratch: str) -> None:
    """The place is gone for good: what is there afterwards is nobody's."""
    os.rename(f"{scratch}/pool", f"{scratch}/gone")
    os.mkdir(f"{scratch}/pool")


def _restore(daemon: Daemon) -> Asked:
    return MountRestore(attachment=daemon.records.read(lambda tx: resources.page(tx, Attachment))[0].uid)


def _release(daemon: Daemon) -> Asked:
    return DeviceRelease(volume=daemon.records.read(lambda tx: resources.page(tx, Volume))[0].uid)


def unmount_by_hand(scratch: str) -> None:
    syscalls.umount(f"{scratch}/mnt/at")


def _orphan(scratch: str) -> None:
    """A second volume, of which nothing is recorded."""
    volumes, uid = f"{scratch}/pool/volumes", "0" * 31 + "f"
    (known,) = os.listdir(volumes)
    shutil.copytree(f"{volumes}/{known}", f"{volumes}/{uid}")
    mark = json.loads(_mark(f"{volumes}/{uid}"))
    with open(f"{volumes}/{uid}/object.json", "w") as file:
        json.dump({**mark, "uid": uid, "name": "w"}, file)


def _disown(scratch: str) -> None:
    """All of it is another installation's, unfinished things too."""
    found = [f"{scratch}/pool/holdfast-pool.json"]
    volumes = f"{scratch}/pool/volumes"
    found += [f"{volumes}/{uid}/object.json" for uid in os.listdir(volumes)]
    for path in found:
        with open(path) as file:
            mark = json.load(file)
        with open(path, "w") as file:
            json.dump({**mark, "owner": "e" * 32}, file)


def _mark(directory: str) -> str:
    with open(f"{directory}/object.json") as file:
        return file.read()


def _disk(scratch: str) -> str:
    volumes = f"{scratch}/pool/volumes"
    return f"{volumes}/{os.listdir(volumes)[0]}/disk.raw"


def _watch(scratch: str) -> None:
    """The very image is a bystander: nothing writes to it."""
    os.link(_disk(scratch), f"{scratch}/other/disk")


def _damage(scratch: str) -> None:
    """The table of inodes, which lies behind the superblock and the descriptors, is gone from 64 KiB on."""
    with open(_disk(scratch), "r+b") as disk:
        disk.seek(64 << 10)
        disk.write(bytes(192 << 10))
    _watch(scratch)


def attach_by_hand(scratch: str) -> None:
    image = os.open(_disk(scratch), os.O_RDWR)
    os.close(loops.attach(image, autoclear=False))
    os.close(image)


def directory_at(scratch: str) -> None:
    os.mkdir(f"{scratch}/mnt/at")


def file_at(scratch: str) -> None:
    with open(f"{scratch}/mnt/at", "wb"):
        pass


def _fill(scratch: str) -> None:
    """A tree inside the volume, and a bystander that a symlink in it points to."""
    volumes = f"{scratch}/pool/volumes"
    (volume,) = [uid for uid in os.listdir(volumes) if '"of"' not in _mark(f"{volumes}/{uid}")]
    data = f"{volumes}/{volume}/data"
    for name in ("a/b/c", "d"):
        os.makedirs(f"{data}/{name}")
        with open(f"{data}/{name}/file", "w") as file:
            file.write(name)
    with open(f"{scratch}/other/precious", "w") as file:
        file.write("precious")
    os.symlink(f"{scratch}/other", f"{data}/link")
