"""Errors are classes: each its own code and exit status, each an HTTP status a client can act on."""

import errno

import pytest

from holdfast.model.errors import Abandoned, Again, HoldfastError, Refused, by_code, from_os_error


def _kinds() -> list[type[HoldfastError]]:
    import holdfast.drivers.dir.root
    import holdfast.records.operations  # noqa: F401

    found, todo = [], [HoldfastError]
    while todo:
        kind = todo.pop()
        found.append(kind)
        todo.extend(sub for sub in kind.__subclasses__() if sub.__module__.startswith("holdfast."))
    return found


def test_codes_are_unique_where_they_are_an_errors_own() -> None:
    own = [kind.code for kind in _kinds() if "code" in vars(kind)]
    assert len(set(own)) == len(own)


def test_exit_statuses_are_unique_and_leave_the_shells_own_alone() -> None:
    own = [kind.exit for kind in _kinds() if "exit" in vars(kind)]
    assert len(set(own)) == len(own)
    assert all(1 <= status < 64 for status in own)


@pytest.mark.parametrize("kind", _kinds(), ids=lambda kind: kind.__name__)
def test_each_can_be_shown(kind: type[HoldfastError]) -> None:
    error = kind("what happened", "what to do")
    assert str(error) == error.detail == "what happened"
    assert kind.status in (202, 400, 401, 403, 404, 409, 412, 413, 422, 429, 500, 503, 507)
    assert kind.__doc__
    assert kind.code == kind.code.lower().replace(" ", "-")


def test_a_code_names_its_own_class() -> None:
    """A child process tells its error by code; NotMarked and its like come back as their base."""
    for code, kind in by_code().items():
        assert kind.code == code
    assert by_code()["again"] is Again
    assert by_code()["refused"] is Refused
    assert by_code()["abandoned"] is Abandoned


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM])
def test_what_stays_refused_is_a_refusal(number: int) -> None:
    assert isinstance(from_os_error(OSError(number, "x"), "writing"), Refused)


@pytest.mark.parametrize(
    "number", [errno.EIO, errno.ETIMEDOUT, errno.EAGAIN, errno.ESTALE, errno.ENOENT, errno.EBUSY, None]
)
def test_what_may_change_is_tried_again(number: int | None) -> None:
    error = from_os_error(OSError(number, "x") if number else OSError("x"), "reading the mark")
    assert isinstance(error, Again)
    assert "reading the mark" in error.detail


def test_a_full_disk_says_what_to_do() -> None:
    assert "Free space" in from_os_error(OSError(errno.ENOSPC, "x"), "writing").hint
