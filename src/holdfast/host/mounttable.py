"""The kernel's mount table, the only truth about mounts (proc_pid_mountinfo(5))."""

from holdfast.host.facts import Mount
from holdfast.host.kernel import Kernel
from holdfast.host.linux import LINUX


def read(kernel: Kernel = LINUX) -> list[Mount]:
    """The table of this process's mount namespace."""
    return kernel.mounts()


def top_at(path: str, table: list[Mount] | None = None, kernel: Kernel = LINUX) -> Mount | None:
    """The mount that is seen at exactly `path`, or None.

    The table's order does not tell: since Linux 6.8 it is that of making, and a mount is moved into place later.
    Who lies on whom does.
    """
    mounts = kernel.mounts() if table is None else table
    at = [mount for mount in mounts if mount.path == path and not _hidden(mount, mounts)]
    return at[-1] if at else None


def _hidden(mount: Mount, table: list[Mount]) -> bool:
    """Whether another mount lies on it, or on the way to it."""
    by_id = {each.id: each for each in table}
    seen = set()
    now: Mount | None = mount
    came_from = mount.id
    while now is not None and now.id not in seen:
        seen.add(now.id)
        covers = (other for other in table if other.parent == now.id and other.path == now.path)
        if any(other.id not in (now.id, came_from) for other in covers):
            return True
        if any(
            other.parent == now.parent and other.id != now.id and now.path.startswith(other.path.rstrip("/") + "/")
            for other in table
        ):
            return True
        came_from, now = now.id, by_id.get(now.parent)
    return False


def below(path: str, table: list[Mount] | None = None, kernel: Kernel = LINUX) -> list[Mount]:
    """Mounts at or below `path`."""
    prefix = path.rstrip("/") + "/"
    mounts = kernel.mounts() if table is None else table
    return [mount for mount in mounts if mount.path == path or mount.path.startswith(prefix)]


def is_under(path: str, parent: str) -> bool:
    """Whether `path` is `parent` or below it; both are canonical."""
    return path == parent or path.startswith(parent.rstrip("/") + "/")


def upwards(path: str) -> list[str]:
    """The path and all directories above it."""
    parts = path.split("/")
    return [path, *("/".join(parts[:end]) or "/" for end in range(len(parts) - 1, 0, -1))]
