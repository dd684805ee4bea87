"""Every error a user can meet: a class, a code, an HTTP status, an exit status, and what to do next.

Errors are classes, never substrings. Two of them steer the engine: `Refused` (permanent, a retry
would be refused again) and `Again` (the world may be different in a while).
"""

import errno
from typing import ClassVar


class HoldfastError(Exception):
    """Base of all errors; `detail` says what happened, `hint` what to do next."""

    code: ClassVar[str] = "internal"
    status: ClassVar[int] = 500
    exit: ClassVar[int] = 1

    def __init__(self, detail: str, hint: str = "") -> None:
        super().__init__(detail)
        self.detail = detail
        self.hint = hint


class Invalid(HoldfastError):
    """The request itself is wrong: a name, a size, a path, a field."""

    code, status, exit = "invalid", 400, 2


class NotFound(HoldfastError):
    """No such pool, volume, attachment, operation or finding."""

    code, status, exit = "not-found", 404, 3


class Exists(HoldfastError):
    """The name is taken."""

    code, status, exit = "exists", 409, 4


class InUse(HoldfastError):
    """Something still uses it; the detail names what."""

    code, status, exit = "in-use", 409, 5


class NoSpace(HoldfastError):
    """A pool's limit, or the daemon's own disk, has no room left."""

    code, status, exit = "no-space", 507, 6


class Forbidden(HoldfastError):
    """The caller may not do this."""

    code, status, exit = "forbidden", 403, 7


class KeyReused(HoldfastError):
    """An idempotency key came again with another body."""

    code, status, exit = "idempotency-key-reused", 422, 8


class WrongState(HoldfastError):
    """The operation or resource is not in a state in which this can be done."""

    code, status, exit = "wrong-state", 409, 9


class Suspended(HoldfastError):
    """The database may be older than the world; nothing changes until `holdfast resume`."""

    code, status, exit = "suspended", 503, 10


class Unavailable(HoldfastError):
    """The daemon cannot be reached, is stopping, or cannot write its database."""

    code, status, exit = "unavailable", 503, 11


class OperationFailed(HoldfastError):
    """An operation ended `undone`; the detail carries its error."""

    code, status, exit = "operation-failed", 409, 12


class Waiting(HoldfastError):
    """An operation is parked, or did not end within the time the client waited."""

    code, status, exit = "waiting", 202, 13


class Refused(HoldfastError):
    """Permanent refusal by the world: a missing mkfs, a read-only pool."""

    code, status, exit = "refused", 409, 14


class Full(Refused):
    """The disk of a pool, or a quota on it, has no room for it."""

    code, status, exit = "full", 507, 26


class Kept(Refused):
    """It is removed, and in nobody's use, but the back end keeps it for a while rather than erase it."""


class Again(HoldfastError):
    """Not now: the world may answer differently later."""

    code, status, exit = "again", 503, 15


class Abandoned(Again):
    """A call passed its deadline and was killed; until its child is proven dead its object is Unknown."""

    code = "abandoned"


class Foreign(HoldfastError):
    """What is there is not ours; it was left alone."""

    code, status, exit = "foreign", 409, 16


class Damaged(HoldfastError):
    """What is there should hold data and does not read as it should; it was left alone."""

    code, status, exit = "damaged", 409, 17


class SchemaTooNew(HoldfastError):
    """The database was written by a newer Holdfast."""

    code, status, exit = "schema-too-new", 500, 18


class DatabaseDamaged(HoldfastError):
    """The database file cannot be read as one."""

    code, status, exit = "database-damaged", 500, 19


class Locked(HoldfastError):
    """Another daemon holds the state directory."""

    code, status, exit = "locked", 500, 20


class Unauthenticated(HoldfastError):
    """No token, or one that is unknown, revoked or expired."""

    code, status, exit = "unauthenticated", 401, 21


class Stale(HoldfastError):
    """The resource is not any more as the request's If-Match says."""

    code, status, exit = "stale", 412, 22


class TooMany(HoldfastError):
    """Too many requests, or too many failed ones."""

    code, status, exit = "too-many", 429, 23


class TooLarge(HoldfastError):
    """The request is larger than the daemon accepts."""

    code, status, exit = "too-large", 413, 24


class DrillFailed(HoldfastError):
    """A drill found what must not be, or could not remove all that it made."""

    code, status, exit = "drill-failed", 500, 25


# Permanent by their meaning in errno(3): trying the same call again gets the same answer.
_PERMANENT = frozenset(
    {
        errno.ENOSPC,
        errno.EDQUOT,
        errno.EROFS,
        errno.ENAMETOOLONG,
        errno.EFBIG,
        errno.EPERM,
        errno.EACCES,
        errno.EOPNOTSUPP,
        errno.ENOSYS,
        errno.ENOTDIR,
    }
)


def from_os_error(error: OSError, doing: str) -> HoldfastError:
    """Classify an OSError met while `doing` something: `Refused` if permanent, else `Again`."""
    text = f"{doing}: {error.strerror or error}"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return Full(text, "Free space on the disk, or enlarge it, and try again.")
    if error.errno in _PERMANENT:
        return Refused(text)
    return Again(text)


def by_code() -> dict[str, type[HoldfastError]]:
    """Every error class under its code."""
    found: dict[str, type[HoldfastError]] = {}
    todo: list[type[HoldfastError]] = [HoldfastError]
    while todo:
        kind = todo.pop()
        if "code" in vars(kind):  # a subclass without a code of its own is told by its base's
            found[kind.code] = kind
        todo.extend(kind.__subclasses__())
    return found
