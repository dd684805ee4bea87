"""What a child says reaches the caller: an answer, or its error as the class it was."""

import errno
import json
import os

import pytest

from holdfast.host.children import ForkServerChildren, answer_of, say
from holdfast.host.mounttable import top_at
from holdfast.model.errors import Again, Foreign, InUse, Refused
from holdfast.runtime.threads import ThreadRuntime
from tests.host.parts import Keeper, bind, opened, unmount


def test_a_child_that_ended_well_is_journalled_as_started_and_as_ended(
    children: ForkServerChildren, keeper: Keeper, scratch: str
) -> None:
    with opened(scratch, os.O_RDONLY) as fd:
        assert children.run(keeper, "loop-detach", {}, (fd,)) is None
    assert len(keeper.started) == 1
    assert keeper.started == keeper.ended


def test_an_error_of_ours_arrives_as_the_class_it_was(
    children: ForkServerChildren, keeper: Keeper, scratch: str
) -> None:
    bind(scratch, scratch)
    try:
        top = top_at(scratch)
        assert top is not None
        with opened(scratch, os.O_RDONLY), pytest.raises(InUse, match="busy") as caught:
            children.run(keeper, "umount", {"path": scratch, "mount": top.id})
        assert "fuser" in caught.value.hint
    finally:
        unmount(scratch)


def test_a_mount_that_changed_meanwhile_is_not_unmounted(
    children: ForkServerChildren, keeper: Keeper, scratch: str
) -> None:
    bind(scratch, scratch)
    try:
        with pytest.raises(Again, match="changed meanwhile"):
            children.run(keeper, "umount", {"path": scratch, "mount": 1})
        assert top_at(scratch) is not None
    finally:
        unmount(scratch)


def test_an_os_error_of_the_kernel_arrives_as_one_of_ours(
    children: ForkServerChildren, keeper: Keeper, scratch: str
) -> None:
    with (
        opened(scratch, os.O_RDONLY) as directory,
        opened("/dev/null") as null,
        pytest.raises(Again, match="Invalid argument"),
    ):
        children.run(keeper, "mount-tree", {"read_only": False}, (directory, null))
    assert top_at(scratch) is None


@pytest.mark.parametrize(
    ("number", "kind"),
    [(errno.ENOSPC, Refused), (errno.EROFS, Refused), (errno.EIO, Again), (errno.ETIMEDOUT, Again)],
)
def test_an_os_error_is_classified_by_its_number(number: int, kind: type[Exception]) -> None:
    with pytest.raises(kind, match=os.strerror(number)):
        answer_of("work", json.dumps(say(OSError(number, "x"), "work")).encode(), 0)


def test_work_that_fails_in_a_way_nobody_foresaw_is_again(children: ForkServerChildren, keeper: Keeper) -> None:
    with pytest.raises(Again, match="KeyError"):
        children.run(keeper, "no-such-work", {})
    assert keeper.started == keeper.ended


@pytest.mark.parametrize("error", [Foreign("theirs", "leave it"), Refused("no"), Again("later")])
def test_every_error_survives_the_way_through_the_pipe(error: Exception) -> None:
    with pytest.raises(type(error)) as caught:
        answer_of("work", json.dumps(say(error, "work")).encode(), 0)
    assert str(caught.value) == str(error)


@pytest.mark.parametrize(("raw", "status"), [(b"", 0), (b"", 1), (b'{"answ', 0), (b"", -9), (b'{"answer": 1}', -15)])
def test_a_child_that_did_not_get_to_the_end_is_again(raw: bytes, status: int) -> None:
    with pytest.raises(Again):
        answer_of("mount-tree", raw, status)


def test_twenty_threads_run_children_at_once_and_each_gets_its_own_answer(
    children: ForkServerChildren, runtime: ThreadRuntime
) -> None:
    answers: list[str] = []
    keepers = [Keeper() for _ in range(20)]

    def one(number: int) -> None:
        for _ in range(5):
            try:
                children.run(keepers[number], f"no-such-work-{number}", {})
            except Again as error:
                answers.append(f"{number}" if f"'no-such-work-{number}'" in error.detail else error.detail)

    tasks = [runtime.spawn(f"t{number}", lambda number=number: one(number)) for number in range(20)]  # type: ignore[misc]
    assert all(task.join(60) for task in tasks)
    assert sorted(answers) == sorted(str(number) for number in range(20) for _ in range(5))
    assert all(keeper.started == keeper.ended and len(keeper.started) == 5 for keeper in keepers)
