"""Which status of gRPC an error of ours is: one table. What is parked or under way is ABORTED, and asked again."""

from grpc import StatusCode

from holdfast.model import errors
from holdfast.model.errors import HoldfastError

STATUS: dict[type[HoldfastError], StatusCode] = {
    errors.Invalid: StatusCode.INVALID_ARGUMENT,
    errors.NotFound: StatusCode.NOT_FOUND,
    errors.Exists: StatusCode.ALREADY_EXISTS,
    errors.InUse: StatusCode.FAILED_PRECONDITION,
    errors.NoSpace: StatusCode.RESOURCE_EXHAUSTED,
    errors.Forbidden: StatusCode.PERMISSION_DENIED,
    errors.WrongState: StatusCode.FAILED_PRECONDITION,
    errors.Suspended: StatusCode.UNAVAILABLE,
    errors.Unavailable: StatusCode.UNAVAILABLE,
    errors.Waiting: StatusCode.ABORTED,
    errors.Again: StatusCode.ABORTED,
    errors.Refused: StatusCode.FAILED_PRECONDITION,
    errors.Full: StatusCode.RESOURCE_EXHAUSTED,
    errors.Foreign: StatusCode.FAILED_PRECONDITION,
    errors.Damaged: StatusCode.FAILED_PRECONDITION,
    errors.TooMany: StatusCode.RESOURCE_EXHAUSTED,
    errors.TooLarge: StatusCode.RESOURCE_EXHAUSTED,
}


class OutOfRange(errors.Invalid):
    """A capacity that cannot be had."""


STATUS[OutOfRange] = StatusCode.OUT_OF_RANGE


def status_of(error: HoldfastError) -> StatusCode:
    """By its class, or the nearest above it."""
    return next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), StatusCode.INTERNAL)
