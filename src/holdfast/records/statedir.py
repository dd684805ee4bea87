"""The state directory: one daemon at a time, and noticed when it is replaced under a living one."""

import fcntl
import os
import stat
from typing import Protocol

from holdfast.model.errors import DatabaseDamaged, Invalid, Locked, NoSpace, Unavailable

RESERVE = 1 << 20


class Home(Protocol):
    """What the daemon and its records ask of the state directory; the simulation has one without a directory."""

    path: str
    database: str

    def check_database(self) -> None:
        """Raise DatabaseDamaged if there was a database here, and it is gone or empty: that is no new beginning."""
        ...

    def watch_database(self) -> None:
        """Note that there is a database, and which file it is, so that a replaced one is noticed."""
        ...

    def lost(self) -> str:
        """Why this directory is no longer ours, or an empty text."""
        ...

    def make_reserve(self) -> bool:
        """Set space aside that lets running operations end when the disk is full."""
        ...

    @property
    def has_reserve(self) -> bool:
        """Whether the reserve is whole."""
        ...

    def release_reserve(self) -> bool:
        """Give the reserve to the database; False if there was none."""
        ...

    def close(self) -> None:
        """Release the lock."""
        ...


class StateDir:
    """Holds the lock on `path`. `lost()` tells, at each write, whether it is still ours."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.database = os.path.join(path, "holdfast.db")
        self._lock_path = os.path.join(path, "lock")
        self._reserve = os.path.join(path, "reserve")
        self._made = os.path.join(path, "made")
        try:
            os.makedirs(path, mode=0o700, exist_ok=True)
            self._fd = os.open(self._lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            kind = NoSpace if error.errno in (28, 122) else Invalid
            raise kind(f"The state directory {path} cannot be used: {error.strerror}.") from error
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._fd)
            raise Locked(
                f"Another holdfast daemon uses the state directory {path}.",
                "Stop it first, or give this one a directory of its own with --state.",
            ) from None
        self._identity = _identity(os.fstat(self._fd))
        self._database: tuple[int, int] | None = None
        self.make_reserve()

    def check_database(self) -> None:
        """See `Home`."""
        if not os.path.exists(self._made):
            return
        if not os.path.exists(self.database) or os.path.getsize(self.database) == 0:
            raise DatabaseDamaged(
                f"The database {self.database} is gone or empty, though there was one.",
                "Volumes and their data are not affected. Restore a copy made by `holdfast db backup`; "
                f"or, to begin anew, remove {self.path}, and bring them back by `holdfast pool import --take-over`.",
            )

    def watch_database(self) -> None:
        """See `Home`."""
        os.close(os.open(self._made, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600))
        self._database = _identity(os.stat(self.database))

    def lost(self) -> str:
        """See `Home`."""
        try:
            if _identity(os.lstat(self._lock_path)) != self._identity:
                return f"the lock file {self._lock_path} was replaced"
            if self._database is not None and _identity(os.lstat(self.database)) != self._database:
                return f"the database {self.database} was replaced"
        except OSError as error:
            return f"the state directory {self.path} was removed or cannot be read: {error.strerror}"
        return ""

    def make_reserve(self) -> bool:
        """See `Home`."""
        try:
            fd = os.open(self._reserve, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError:
            return False
        try:
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                raise Unavailable(f"{self._reserve} is not a file.")
            os.posix_fallocate(fd, 0, RESERVE)
        except OSError:
            return False
        finally:
            os.close(fd)
        return True

    @property
    def has_reserve(self) -> bool:
        """See `Home`."""
        try:
            return os.stat(self._reserve).st_size >= RESERVE
        except OSError:
            return False

    def release_reserve(self) -> bool:
        """See `Home`."""
        try:
            os.unlink(self._reserve)
        except OSError:
            return False
        return True

    def close(self) -> None:
        """See `Home`."""
        os.close(self._fd)


def _identity(info: os.stat_result) -> tuple[int, int]:
    return info.st_dev, info.st_ino
