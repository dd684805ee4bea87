"""The `btrfs` driver: a dir pool whose directory volumes are subvolumes, with limits and instant snapshots."""

from holdfast.drivers.btrfs.subvolumes import Subvolumes
from holdfast.drivers.dir.driver import DirDriver
from holdfast.host.host import Host
from holdfast.model.errors import Invalid


class BtrfsDriver(DirDriver):
    """Directories on a btrfs."""

    name = "btrfs"
    options = frozenset({"source", "quotas"})

    def __init__(self, host: Host) -> None:
        super().__init__(host, Subvolumes(host))

    def validate(self, config: dict[str, str]) -> dict[str, str]:
        """As `dir`; and `quotas`, on or off, which says whether directories have a limit."""
        found = super().validate(config)
        quotas = config.get("quotas", "on")
        if quotas not in ("on", "off"):
            raise Invalid(f"quotas is on or off, not {ascii(quotas)}.")
        kind = self._kind_of(found["source"])
        if kind != "btrfs":
            raise Invalid(
                f"{found['source']} is on {kind or 'an unknown file system'}, and the btrfs driver needs a btrfs.",
                "Mount one there, or make the pool with --driver dir.",
            )
        return {**found, "quotas": quotas}

    def limits(self, config: dict[str, str]) -> bool:
        """By quotas."""
        return config["quotas"] == "on"

    def _kind_of(self, source: str) -> str:
        kernel = self._host.kernel
        fd = self._host.files.open_directory(source)
        try:
            mount = kernel.statx(fd).mount
        finally:
            kernel.close(fd)
        return next((each.fs for each in kernel.mounts() if each.id == mount), "")
