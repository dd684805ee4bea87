"""What the suite needs of a machine besides its kernel: an empty place, and what no call of the kernel's makes."""

import abc
from contextlib import AbstractContextManager
from typing import Protocol

from holdfast.host.children import Children
from holdfast.host.kernel import Kernel
from holdfast.model.resources import FileSystem

MIB = 1 << 20
# What the suite formats, in bytes; xfs and btrfs take no less.
SIZES: dict[FileSystem, int] = {"ext4": 8 * MIB, "xfs": 300 * MIB, "btrfs": 120 * MIB}


class Frail(Protocol):
    """An image on a disk that can be made to fail."""

    path: str

    def fail(self) -> None:
        """From now on every read fails with EIO."""
        ...


class KernelHarness(abc.ABC):
    """One machine; every test gets an empty directory of its own, `scratch`, on an ext4."""

    kernel: Kernel
    scratch: str

    @abc.abstractmethod
    def new_id(self) -> str:
        """A uuid that no file system has: 32 hex digits."""

    @abc.abstractmethod
    def symlink(self, target: str, path: str) -> None:
        """Make a symlink, as a tenant does."""

    @abc.abstractmethod
    def format(self, image: str, fs: FileSystem, uuid: str) -> None:
        """Make a file system in a file that is long enough, as its mkfs does."""

    @abc.abstractmethod
    def quotas(self, path: str) -> None:
        """Turn quotas on of the btrfs that is mounted there."""

    @abc.abstractmethod
    def full(self, path: str) -> AbstractContextManager[None]:
        """While this lasts, the small file system that is mounted there has no room."""

    def grows_ext4(self) -> bool:
        """Whether this process has CAP_SYS_RESOURCE."""
        return True


class WorkHarness(KernelHarness):
    """The same with children, which do the pieces of work of `holdfast.host.work` and `tools` on that machine."""

    children: Children

    @abc.abstractmethod
    def damage(self, image: str) -> None:
        """Break what the superblock of an unmounted ext4 leads to, and leave that as it is."""

    @abc.abstractmethod
    def frail(self, size: int) -> AbstractContextManager[Frail]:
        """An image of zeros, so many bytes long."""
