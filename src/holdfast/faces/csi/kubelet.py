"""Where an orchestrator may have volumes staged and published: below its own directory, never by way of a symlink."""

import posixpath

from holdfast.host import mountpoints, mounttable
from holdfast.host.kernel import Kernel
from holdfast.model.errors import Invalid, Unavailable


class Kubelet:
    """Its directory, as it was configured."""

    def __init__(self, root: str, kernel: Kernel) -> None:
        self._root = root.rstrip("/")
        self._kernel = kernel

    def check(self) -> None:
        """Raise Unavailable unless what is mounted there is seen where the orchestrator runs, too."""
        real = mountpoints.canonical(self._root, self._kernel)
        try:
            self._kernel.listdir(real)
        except OSError as error:
            hint = "Make it, or say with csi.kubelet where it is."
            raise Unavailable(
                f"The kubelet's directory {self._root} cannot be used: {error.strerror}.", hint
            ) from error
        table = self._kernel.mounts()
        on = next(found for path in mounttable.upwards(real) if (found := mounttable.top_at(path, table)) is not None)
        if not on.shared:
            raise Unavailable(
                f"What is mounted below {self._root} would be seen by nobody else: {on.path} is not a shared mount.",
                f"On a host: mount --make-shared {on.path}. In a container: mountPropagation: Bidirectional.",
            )

    def path(self, what: str, asked: str) -> str:
        """The path in canonical form. Raises Invalid."""
        if asked.startswith("//") or posixpath.normpath(asked) != (asked.rstrip("/") or "/"):
            raise Invalid(f"The {what} {ascii(asked[:200])} is not a plain path.")
        found, real = mountpoints.canonical(asked, self._kernel), mountpoints.canonical(self._root, self._kernel)
        rest = next((asked.removeprefix(f"{root}/") for root in (self._root, real) if asked.startswith(f"{root}/")), "")
        if not rest:
            raise Invalid(f"The {what} {asked} is not below {self._root}.", "csi.kubelet says where it must be.")
        if found != posixpath.join(real, rest.rstrip("/")):
            raise Invalid(f"The {what} {asked} leads through a symlink, to {found}.")
        return found
