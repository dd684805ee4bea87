"""The end of a file system's copy: its journal is replayed, and a clone gets an identity of its own."""

from holdfast.host import journals, signatures
from holdfast.host.children import Children, Keeper
from holdfast.host.kernel import Kernel
from holdfast.host.linux import LINUX
from holdfast.host.signatures import Holds
from holdfast.model.errors import Damaged
from holdfast.model.resources import FileSystem

# Of a freeze and what is done in it, and of a replay; a file system's journal may be long. Seconds.
DEADLINE = 300.0


def finish(
    children: Children, keeper: Keeper, fd: int, fs: FileSystem, uuid: str, *, anew: bool, kernel: Kernel = LINUX
) -> None:
    """Let the copy on the open image or device, which nobody uses, be whole, and show `uuid`; `anew` it is not yet its.

    Repeatable. Raises Damaged, or what the children do.
    """
    if journals.needs_replay(fd, fs, kernel):
        children.run(keeper, "settle-image", {"fs": fs}, (fd,), DEADLINE)
    wanted = Holds(fs, uuid)
    if anew:  # that the tool succeeded is believed once it was mounted: one that was interrupted is told by that alone
        if signatures.probe(fd, kernel) != wanted:
            children.run(keeper, f"identify-{fs}", {"fs": fs, "uuid": uuid}, (fd,), DEADLINE)
        children.run(keeper, "settle-image", {"fs": fs}, (fd,), DEADLINE)
    found = signatures.probe(fd, kernel)
    if found != wanted:
        raise Damaged(f"The copy shows {found} instead of its {fs}.")
