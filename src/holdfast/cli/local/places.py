"""A directory that `purge` was told of: plainly named, held open from the first look to the removal."""

import errno
import os
import stat

from holdfast.model.errors import Again, InUse, Invalid, Refused, from_os_error
from holdfast.runtime.api import Runtime


def resolve(option: str, path: str) -> str:
    """The path with its parents' symlinks resolved; raise Invalid or Refused unless it plainly names a directory."""
    plain = path.rstrip("/")
    if path and not plain:
        raise Refused(f"{option} is the root directory.", "Name the daemon's own directory.")
    control = any(ord(letter) < 32 or letter == "\x7f" for letter in path)
    if not path.startswith("/") or os.path.normpath(plain) != plain or control:
        raise Invalid(
            f"The path {ascii(path)} of {option} is not absolute and plain.",
            "Write it from the root, without . and .. and control characters, as in /var/lib/holdfast.",
        )
    real = os.path.realpath(plain)
    if os.path.islink(plain):
        raise Invalid(f"{plain} is a symlink.", f"If what it points to is meant, name that: {option} {real}")
    return real


class Place:
    """`fd` is None if there is no directory at `path`. Raises Invalid or OSError if it cannot be opened."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.fd: int | None = None
        try:
            self.fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            return
        except OSError as error:
            if error.errno in (errno.ENOTDIR, errno.ELOOP):
                raise Invalid(f"{path} is not a directory.", "Name the daemon's own directory.") from None
            raise

    def names(self) -> list[str]:
        """Its entries, sorted; none if there is no directory."""
        return [] if self.fd is None else sorted(os.listdir(self.fd))

    def info(self, name: str) -> os.stat_result | None:
        """The entry itself, never what a symlink points to; None if it is absent."""
        if self.fd is None:
            return None
        try:
            return os.stat(name, dir_fd=self.fd, follow_symlinks=False)
        except FileNotFoundError:
            return None

    def is_file(self, name: str) -> bool:
        """Whether it is a regular file."""
        info = self.info(name)
        return info is not None and stat.S_ISREG(info.st_mode)

    def is_socket(self, name: str) -> bool:
        """Whether it is a socket."""
        info = self.info(name)
        return info is not None and stat.S_ISSOCK(info.st_mode)

    def open(self, name: str) -> int:
        """Open an entry for reading, not through a symlink."""
        return os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=self.fd)

    def rmdir(self, runtime: Runtime) -> bool:
        """Remove the directory, durably; False if it is not empty. Raises InUse or Again."""
        if self.fd is None:
            return False
        parent, name = os.path.split(self.path)
        above = os.open(parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            if not os.path.samestat(os.stat(name, dir_fd=above, follow_symlinks=False), os.fstat(self.fd)):
                raise Again(f"{self.path} was replaced meanwhile.", "See what is there, then purge again.")
            runtime.effect("purge.rmdir", lambda: os.rmdir(name, dir_fd=above))
            os.fsync(above)
        except OSError as error:
            if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
                return False
            if error.errno == errno.EBUSY:
                raise InUse(f"{self.path} is a mount point.", "Unmount it, then purge again.") from error
            raise from_os_error(error, f"remove {self.path}") from error
        finally:
            os.close(above)
        return True

    def close(self) -> None:
        """Let go."""
        if self.fd is not None:
            os.close(self.fd)
