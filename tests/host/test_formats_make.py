"""What is proven blank and was never formatted is formatted, once; what goes wrong is told apart."""

import os

import pytest

from holdfast.host import formats, signatures
from holdfast.host.children import ForkServerChildren
from holdfast.host.signatures import Blank, Holds
from holdfast.model.errors import Again, Foreign, HoldfastError, Refused
from holdfast.model.resources import FileSystem
from tests.host.parts import MIB, SIZES, UUID, Keeper, attached, digest, opened, sparse
from tests.host.slowtools import script, server_with_path

ALL: tuple[FileSystem, ...] = ("ext4", "xfs", "btrfs")


@pytest.mark.parametrize("fs", ALL)
def test_a_blank_image_is_formatted_and_never_again(
    children: ForkServerChildren, keeper: Keeper, scratch: str, fs: FileSystem
) -> None:
    with opened(sparse(f"{scratch}/disk", SIZES[fs])) as fd:
        assert signatures.probe(fd) == Blank()
        formats.make(children, keeper, fd, fs, UUID, "never")
        assert signatures.probe(fd) == Holds(fs, UUID)
        formats.check(fd, fs, UUID)
        after = digest(f"{scratch}/disk")
        with pytest.raises(Foreign):
            formats.make(children, keeper, fd, fs, UUID, "never")
    assert len(keeper.started) == 1
    assert keeper.started == keeper.ended
    assert digest(f"{scratch}/disk") == after


@pytest.mark.parametrize("fs", ALL)
def test_a_blank_loop_device_is_formatted_too(
    children: ForkServerChildren, keeper: Keeper, scratch: str, fs: FileSystem
) -> None:
    with attached(sparse(f"{scratch}/disk", SIZES[fs])) as device, opened(device) as fd:
        formats.make(children, keeper, fd, fs, UUID, "never", formats.identity(fd))
        formats.check(fd, fs, UUID)


@pytest.mark.parametrize("fs", ALL)
def test_the_smallest_size_is_made_and_one_block_less_is_refused(
    children: ForkServerChildren, keeper: Keeper, scratch: str, fs: FileSystem
) -> None:
    smallest = formats.SMALLEST[fs]
    with opened(sparse(f"{scratch}/less", smallest - 4096)) as fd, pytest.raises(Refused, match="too small"):
        formats.make(children, keeper, fd, fs, UUID, "never")
    assert os.stat(f"{scratch}/less").st_blocks == 0
    with opened(sparse(f"{scratch}/enough", smallest)) as fd:
        formats.make(children, keeper, fd, fs, UUID, "never")


def test_a_missing_mkfs_is_refused_and_named(monkeypatch: pytest.MonkeyPatch, keeper: Keeper, scratch: str) -> None:
    path = sparse(f"{scratch}/disk", 300 * MIB)
    before = digest(path)
    with server_with_path(monkeypatch, f"{scratch}/empty") as children, opened(path) as fd:
        for fs in ALL:
            with pytest.raises(Refused, match=f"mkfs.{fs} is not installed") as caught:
                formats.make(children, keeper, fd, fs, UUID, "never")
            assert "package" in caught.value.hint
    assert digest(path) == before


WRONG = {
    "killed-in-the-middle": (
        "mkfs.real -q -F $last && dd if=/dev/zero of=$last bs=64k count=1 conv=notrunc; kill -9 $$",
        Again,
    ),
    "killed-before-the-first-write": ("kill -9 $$", Again),
    "fails-and-says-why": ("echo the disk is bad >&2; exit 3", Refused),
    "ends-well-but-writes-nothing": ("exit 0", Again),
    "makes-another-uuid": ("mkfs.ext4 -q -F -U 11111111-2222-4333-8444-555555555555 $last", Again),
    "hangs-half-way": ("echo x | dd of=$last conv=notrunc status=none; exec sleep 60", Again),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_format_that_went_wrong_is_never_called_made_nor_resumed(
    monkeypatch: pytest.MonkeyPatch, keeper: Keeper, scratch: str, wrong: str
) -> None:
    body, error = WRONG[wrong]
    script(scratch, "mkfs.ext4", 'for last in "$@"; do :; done\n' + body.replace("mkfs.real", "mkfs.ext4"))
    monkeypatch.setattr(formats, "DEADLINE", 0.5 if wrong == "hangs-half-way" else 60.0)
    path = sparse(f"{scratch}/disk", 8 * MIB)
    with server_with_path(monkeypatch, scratch) as children, opened(path) as fd:
        with pytest.raises(error) as caught:
            formats.make(children, keeper, fd, "ext4", UUID, "never")
        if wrong == "fails-and-says-why":
            assert "the disk is bad" in caught.value.detail
        assert keeper.started == keeper.ended
        left = digest(path)
        with pytest.raises(HoldfastError) as again:
            formats.make(children, keeper, fd, "ext4", UUID, "formatting")
        assert isinstance(again.value, Foreign | Refused)
    assert len(keeper.started) == 1
    assert digest(path) == left
