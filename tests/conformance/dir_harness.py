"""The dir driver on a real file system."""

import contextlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from holdfast.drivers.contract import PoolRef, VolumeRef
from holdfast.drivers.dir.driver import DirDriver
from holdfast.host.children import Children
from holdfast.host.host import Host
from holdfast.runtime.threads import ThreadRuntime
from holdfast.testing.conformance.harness import OTHER_OWNER, OWNER, Harness, Kind

MIB = 1 << 20
KINDS = (Kind("directory", None, MIB), Kind("block", None, MIB), Kind("filesystem", "ext4", 8 * MIB))
TENANTS = b"a tenant's data"


class HurriedRuntime(ThreadRuntime):
    """Real threads, and a clock that can be made to leap at every look."""

    def __init__(self) -> None:
        super().__init__()
        self.leap = 0.0
        self._gone = 0.0

    def monotonic(self) -> float:
        """Later than it is."""
        self._gone += self.leap
        return super().monotonic() + self._gone


def run(*command: str) -> str:
    """A program of the system, waited for; its output."""
    path = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}
    return subprocess.run(command, check=True, capture_output=True, text=True, env=path, timeout=60).stdout.strip()


class DirHarness(Harness):
    """Pools are directories below `base`."""

    kinds = KINDS

    def __init__(
        self, base: Path, runtime: HurriedRuntime, children: Children, driver: type[DirDriver] = DirDriver
    ) -> None:
        super().__init__()
        self._base = base
        self.runtime: HurriedRuntime = runtime
        self.driver: DirDriver = driver(Host(runtime, children, ()))
        self._serial = 0

    def pool(self) -> PoolRef:
        """A new directory."""
        self._serial += 1
        source = self._base / f"pool-{self._serial}"
        source.mkdir()
        config = self.driver.validate({"source": str(source)})
        return PoolRef(self.runtime.new_id(), OWNER, self.driver.name, config)

    @contextlib.contextmanager
    def hidden(self, pool: PoolRef) -> Iterator[None]:
        """An empty directory covers it, as where a disk is not mounted."""
        source = Path(pool.config["source"])
        aside = source.with_name(source.name + ".aside")
        source.rename(aside)
        source.mkdir()
        try:
            yield
        finally:
            source.rmdir()
            aside.rename(source)

    @contextlib.contextmanager
    def unreadable(self, pool: PoolRef) -> Iterator[None]:
        """The mark's file is garbage."""
        mark = Path(pool.config["source"]) / "holdfast-pool.json"
        whole = mark.read_bytes()
        mark.write_bytes(whole[:10])
        try:
            yield
        finally:
            mark.write_bytes(whole)

    def put_stranger(self, pool: PoolRef) -> str:
        """Somebody's file."""
        name = "thesis.tex"
        (Path(pool.config["source"]) / name).write_bytes(TENANTS)
        return name

    def has_stranger(self, pool: PoolRef, what: str) -> bool:
        """The file."""
        return (Path(pool.config["source"]) / what).read_bytes() == TENANTS

    def _volume(self, pool: PoolRef, volume: VolumeRef) -> Path:
        return Path(pool.config["source"]) / "volumes" / volume.uid

    def _data(self, pool: PoolRef, volume: VolumeRef) -> Path:
        return self._volume(pool, volume) / ("data" if volume.content == "directory" else "disk.raw")

    def usurp(self, pool: PoolRef, volume: VolumeRef) -> None:
        """Another owner in the mark."""
        mark = self._volume(pool, volume) / "object.json"
        mark.write_text(json.dumps({**json.loads(mark.read_text()), "owner": OTHER_OWNER}))

    def damage(self, pool: PoolRef, volume: VolumeRef) -> None:
        """Half a mark."""
        mark = self._volume(pool, volume) / "object.json"
        mark.write_bytes(mark.read_bytes()[:20])

    def lose(self, pool: PoolRef, volume: VolumeRef) -> None:
        """No data."""
        data = self._data(pool, volume)
        data.rename(self._volume(pool, volume) / "elsewhere")

    def remains(self, pool: PoolRef, volume: VolumeRef) -> bool:
        """Any entry with its uid."""
        return any(volume.uid in name for name in os.listdir(Path(pool.config["source"]) / "volumes"))

    def write(self, pool: PoolRef, volume: VolumeRef) -> None:
        """A small tree, or a sector in the middle."""
        data = self._data(pool, volume)
        if volume.content == "directory":
            for n in range(5):
                (data / f"sub{n}").mkdir()
                (data / f"sub{n}" / "file").write_bytes(TENANTS)
            return
        with data.open("r+b") as disk:
            disk.seek(volume.size // 2)
            disk.write(TENANTS)

    def reads_back(self, pool: PoolRef, volume: VolumeRef) -> bool:
        """The same."""
        data = self._data(pool, volume)
        if volume.content == "directory":
            files = [data / f"sub{n}" / "file" for n in range(5)]
            return all(file.exists() and file.read_bytes() == TENANTS for file in files)
        with data.open("rb") as disk:
            disk.seek(volume.size // 2)
            return disk.read(len(TENANTS)) == TENANTS

    @contextlib.contextmanager
    def in_use(self, pool: PoolRef, volume: VolumeRef) -> Iterator[None]:
        """A bind mount, or a loop device."""
        data = str(self._data(pool, volume))
        if volume.content != "directory":
            loop = run("losetup", "--find", "--show", data)
            try:
                yield
            finally:
                run("losetup", "--detach", loop)
            return
        target = self._base / "target"
        target.mkdir(exist_ok=True)
        run("mount", "--bind", data, str(target))
        try:
            yield
        finally:
            run("umount", str(target))

    @contextlib.contextmanager
    def hurry(self) -> Iterator[None]:
        """Every look at the clock finds it 0.4 s later."""
        self.runtime.leap = 0.4
        try:
            yield
        finally:
            self.runtime.leap = 0.0


SIZES = {"ext4": 64 * MIB, "xfs": 320 * MIB, "btrfs": 256 * MIB}


@contextlib.contextmanager
def mounted(fs: str, directory: Path, size: int = 0) -> Iterator[Path]:
    """A new file system of that kind on a loop device, mounted; all of it gone at the end, whatever happens."""
    directory.mkdir()
    image, where = directory / "image", directory / "mounted"
    with image.open("wb") as file:
        file.truncate(size or SIZES[fs])
    run(f"mkfs.{fs}", "-q", str(image))
    where.mkdir()
    try:
        run("mount", "-o", "loop", str(image), str(where))  # the loop device goes with its mount
        try:
            yield where
        finally:
            if os.path.ismount(where):
                unmount(where)
    finally:
        shutil.rmtree(directory)


def unmount(where: Path) -> None:
    """Unmount; where a failed test still holds a descriptor, as soon as it lets go, and fail for it."""
    try:
        run("umount", str(where))
    except subprocess.CalledProcessError:
        run("umount", "--lazy", str(where))
        raise


def close_below(base: Path) -> set[str]:
    """Close every descriptor of ours on something below `base`; the names of what they were on."""
    found = set[str]()
    for fd in os.listdir("/proc/self/fd"):
        try:
            path = os.readlink(f"/proc/self/fd/{fd}")
        except FileNotFoundError:
            continue  # the listing's own
        if path.startswith(f"{base}/"):
            os.close(int(fd))
            found.add(os.path.basename(path.removesuffix(" (deleted)")))
    return found


@contextlib.contextmanager
def below(
    base: Path, runtime: HurriedRuntime, children: Children, driver: type[DirDriver] = DirDriver
) -> Iterator[DirHarness]:
    """A harness in a new directory, of which nothing stays."""
    base.mkdir()
    yield DirHarness(base, runtime, children, driver)
    # A failpoint right after a file's creation loses the descriptor that the call returned; nothing else may stay.
    assert close_below(base) <= {"disk.raw"}, "the driver holds something between calls"
    shutil.rmtree(base)
