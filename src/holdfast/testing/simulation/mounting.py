"""The simulated machine's mount table, and how a path is walked through it."""

import errno
import os

from holdfast.host.facts import Mount as Shown
from holdfast.host.syscalls import RESOLVE_BENEATH, RESOLVE_NO_SYMLINKS, RESOLVE_NO_XDEV
from holdfast.testing.simulation.nodes import FileSystem, Node, fault

_MOST_LINKS = 40
_LONGEST_NAME, LONGEST_PATH = 255, 4095


class Mount:
    """A file system, or a part of one, at a place: `root` is seen at `at` on `parent`; none while it is detached.

    `disk` is the number of the loop device that it uses, `held` counts what is open of it.
    """

    __slots__ = ("at", "disk", "flags", "held", "id", "parent", "read_only", "root", "source")

    def __init__(self, number: int, root: Node, source: str, *, read_only: bool = False) -> None:
        self.id = number
        self.root = root
        self.source = source
        self.read_only = read_only
        self.flags = frozenset({"relatime"})
        self.parent: Mount | None = None
        self.at: Node | None = None
        self.disk: int | None = None
        self.held = 0

    def set_flags(self, flags: tuple[str, ...]) -> None:
        """Of noatime and relatime the last one counts; the others come together."""
        atimes = frozenset({"noatime", "relatime"})
        self.flags = (self.flags - atimes if atimes & set(flags) else self.flags) | set(flags)

    @property
    def volume(self) -> FileSystem:
        """Of what is mounted."""
        return self.root.volume


Place = tuple[Mount, Node]


class Namespace:
    """All mounts of the machine, in the order of making; detached ones are in none."""

    def __init__(self, root: FileSystem) -> None:
        self._serial = 20
        self.home = self.new(root.root, "/dev/root")
        self.table = [self.home]
        self._over: dict[tuple[int, Node], list[Mount]] = {}
        self._told: list[Shown] = []
        self._known = -1, -1
        self._changes = 0

    def new(self, root: Node, source: str, *, read_only: bool = False) -> Mount:
        """Detached."""
        self._serial += 1
        return Mount(self._serial, root, source, read_only=read_only)

    def attach(self, mount: Mount, place: Place) -> None:
        """On top of whatever is there."""
        mount.parent, mount.at = place
        self._over.setdefault((place[0].id, place[1]), []).append(mount)
        self.table.append(mount)
        self._changes += 1

    def detach(self, mount: Mount) -> None:
        """Away; EBUSY while it, or anything on it, is held."""
        if mount.held or any(other.parent is mount for other in self.table):
            raise fault(errno.EBUSY)
        if mount.parent is None or mount.at is None:
            raise fault(errno.EINVAL)
        key = (mount.parent.id, mount.at)
        self._over[key].remove(mount)
        if not self._over[key]:
            del self._over[key]
        self.table.remove(mount)
        self._changes += 1

    def is_mount_point(self, node: Node) -> bool:
        """Whether something is mounted on the node, seen from anywhere."""
        return any(mount.at is node for mount in self.table)

    def top(self, place: Place) -> Place:
        """What is seen there: the last mount on it."""
        mount, node = place
        while over := self._over.get((mount.id, node)):
            mount = over[-1]
            node = mount.root
        return mount, node

    def path(self, place: Place) -> str:
        """Where a node is seen."""
        mount, node = place
        inner = self._within(mount, node)
        if mount.parent is None or mount.at is None:
            return inner
        above = self.path((mount.parent, mount.at))
        return above if inner == "/" else above.rstrip("/") + inner

    def location(self, place: Place) -> str:
        """The same as the kernel tells it of open files."""
        return self.path(place) + (" (deleted)" if place[1].gone() else "")

    @staticmethod
    def _within(mount: Mount, node: Node) -> str:
        root, whole = mount.root.path(), node.path()
        return whole if root == "/" else whole[len(root) :] or "/"

    def facts(self) -> list[Shown]:
        """The table as the kernel shows it."""
        now = self._changes, Node.moves
        if self._known != now:
            self._known, self._told = now, self._tell()
        return list(self._told)

    def _tell(self) -> list[Shown]:
        return [
            Shown(
                id=mount.id, device=mount.volume.device, root=_root(mount.root), path=self.path((mount, mount.root)),
                read_only=mount.read_only, fs=mount.volume.kind, source=mount.source,
                parent=mount.parent.id if mount.parent else 0,
                flags=("ro" if mount.read_only else "rw", *sorted(mount.flags)),
            )
            for mount in self.table
        ]  # fmt: skip

    # -- walking ---------------------------------------------------------------------------------

    def walk(self, path: str, start: Place | None = None, *, follow: bool = True, resolve: int = 0) -> Place:
        """The place a path leads to; ENOENT, ENOTDIR, ELOOP, EXDEV, ENAMETOOLONG."""
        walk = _Walk(self, path, start, resolve)
        at, name = walk.parent()
        as_directory = path.endswith("/")
        found = walk.step(at, name, follow=follow or as_directory)
        if as_directory and found[1].kind != "dir":
            raise fault(errno.ENOTDIR, path)
        return found

    def parent(self, path: str, start: Place | None) -> tuple[Place, str]:
        """The directory that the path's last name is in, and that name."""
        return _Walk(self, path, start, 0).parent()

    def top_root(self) -> Place:
        """What `/` is."""
        return self.top((self.home, self.home.root))


class _Walk:
    """A path on its way, and what openat2(2) forbids it."""

    __slots__ = ("_links", "_namespace", "_path", "_resolve", "_start")

    def __init__(self, namespace: Namespace, path: str, start: Place | None, resolve: int) -> None:
        self._namespace = namespace
        self._path = path
        self._start = start or namespace.top_root()
        self._resolve = resolve
        self._links = 0

    def parent(self) -> tuple[Place, str]:
        """All names but the last."""
        path, at = self._path, self._start
        if not path:
            raise fault(errno.ENOENT, path)
        if len(path) > LONGEST_PATH:
            raise fault(errno.ENAMETOOLONG, path)
        if path.startswith("/"):
            at = self.from_root(at)
        names = [name for name in path.split("/") if name]
        for name in names[:-1]:
            at = self.step(at, name)
        if names and len(names[-1]) > _LONGEST_NAME:
            raise fault(errno.ENAMETOOLONG, path)
        return at, names[-1] if names else "."

    def from_root(self, at: Place) -> Place:
        """The path, or a symlink on it, begins anew at the root."""
        root = self._namespace.top_root()
        if self._resolve & RESOLVE_BENEATH:
            raise fault(errno.EXDEV, self._path)
        return self._crossed(at, root)

    def _crossed(self, at: Place, found: Place) -> Place:
        if found[0] is not at[0] and self._resolve & RESOLVE_NO_XDEV:
            raise fault(errno.EXDEV, self._path)
        return found

    def step(self, at: Place, name: str, *, follow: bool = True) -> Place:
        """One name further."""
        mount, node = at
        if node.kind != "dir":
            raise fault(errno.ENOTDIR, self._path)
        if name == ".":
            return at
        if name == "..":
            return self._crossed(at, self._up(at))
        child = node.children.get(name)
        if child is None:
            raise fault(errno.ENAMETOOLONG if len(name) > _LONGEST_NAME else errno.ENOENT, self._path)
        if child.kind == "link" and follow:
            return self._follow(at, child)
        found = self._namespace.top((mount, child))
        if found[1].volume.unreachable:
            found[1].volume.met("away")
            raise fault(found[1].volume.unreachable, self._path)
        return self._crossed(at, found)

    def _up(self, at: Place) -> Place:
        mount, node = at
        if at == self._start and self._resolve & RESOLVE_BENEATH:
            raise fault(errno.EXDEV, self._path)
        while node is mount.root and mount.parent is not None and mount.at is not None:
            node, mount = mount.at, mount.parent
        if node is mount.root:
            return mount, node
        return self._namespace.top((mount, node.parent or node))

    def _follow(self, at: Place, link: Node) -> Place:
        self._links += 1
        if self._resolve & RESOLVE_NO_SYMLINKS or self._links > _MOST_LINKS:
            raise fault(errno.ELOOP, self._path)
        if link.target.startswith("/"):
            at = self.from_root(at)
        for name in filter(None, link.target.split("/")):
            at = self.step(at, name)
        return at


def _root(node: Node) -> str:
    path = node.path()
    return path + "//deleted" if node.gone() else path


def check_kind(node: Node, flags: int, path: str) -> None:
    """What open(2) refuses."""
    if flags & os.O_DIRECTORY and node.kind != "dir":
        raise fault(errno.ENOTDIR, path)
    if flags & os.O_PATH:
        return
    if node.kind == "link":
        raise fault(errno.ELOOP, path)
    if node.kind == "dir" and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
        raise fault(errno.EISDIR, path)
