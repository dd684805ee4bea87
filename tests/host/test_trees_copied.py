"""The program that copies trees: what it copies, and how it goes on where it was cut off."""

import os
import stat
import struct
from pathlib import Path

import pytest

from holdfast.host import treecopy

# With bytes of their own, in `tree`.
FILES = 8


class CutOffError(Exception):
    """As a kill."""


def tree(root: Path) -> Path:
    """With what a tree can have."""
    (root / "deep" / "deeper").mkdir(parents=True)
    for number in range(6):
        (root / f"file{number}").write_bytes(os.urandom(5000 + number))
    (root / "deep" / "file").write_bytes(b"kept")
    os.setxattr(root / "deep" / "file", "user.note", b"ours")
    (root / "deep" / "file").chmod(0o640)
    os.link(root / "file0", root / "deep" / "link")
    (root / "deep" / "symlink").symlink_to("../file1")
    os.mkfifo(root / "fifo")
    with (root / "sparse").open("wb") as file:
        file.seek(1 << 20)
        file.write(b"end")
    return root


def described(root: Path) -> dict[str, object]:
    """All that a copy must have too."""
    found: dict[str, object] = {}
    for path in sorted(root.rglob("*")):
        info = path.lstat()
        content = path.read_bytes() if stat.S_ISREG(info.st_mode) else b""
        at = os.readlink(path) if path.is_symlink() else ""
        notes = [(n, os.getxattr(path, n)) for n in os.listxattr(path)] if stat.S_ISREG(info.st_mode) else []
        found[str(path.relative_to(root))] = (info.st_mode, info.st_mtime_ns, info.st_nlink, content, at, notes)
    return found


def copy(source: Path, target: Path) -> None:
    """As the program does."""
    fds = [os.open(path, os.O_RDONLY | os.O_DIRECTORY) for path in (source, target)]
    try:
        treecopy.Copy(fds[1]).all_of(fds[0])
    finally:
        for fd in fds:
            os.close(fd)


def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The size of each file whose bytes are copied from now on."""
    content, found = treecopy._content, list[int]()

    def count(old: int, new: int, size: int) -> None:
        found.append(size)
        content(old, new, size)

    monkeypatch.setattr(treecopy, "_content", count)
    return found


def cut_after(files: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next file after so many is made, and gets its size and its time, and no bytes."""
    content, left = treecopy._content, [files]

    def cut(old: int, new: int, size: int) -> None:
        if not left[0]:
            os.ftruncate(new, size)
            os.utime(new, ns=(0, os.fstat(old).st_mtime_ns))  # as of what was written in the same tick of the clock
            raise CutOffError
        left[0] -= 1
        content(old, new, size)

    monkeypatch.setattr(treecopy, "_content", cut)


@pytest.mark.parametrize("files", range(FILES + 1))
def test_a_copy_that_was_cut_off_anywhere_is_gone_on_with(
    files: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = tree(tmp_path / "source"), tmp_path / "target"
    target.mkdir()
    with monkeypatch.context() as patch:
        patch.setattr(treecopy, "_MANY", 2)
        cut_after(files, patch)
        if files < FILES:
            with pytest.raises(CutOffError):
                copy(source, target)
        else:
            copy(source, target)
    again = counted(monkeypatch)
    copy(source, target)
    assert described(target) == described(source)
    assert len(again) == FILES - files // 2 * 2, "what is durable is not copied again, and no more than that is kept"


def test_what_is_not_known_to_be_durable_is_copied_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its time says so: it is the source's only behind a sync."""
    source, target = tree(tmp_path / "source"), tmp_path / "target"
    target.mkdir()
    with monkeypatch.context() as patch:

        def fails(_fd: int) -> None:
            raise CutOffError

        patch.setattr(treecopy, "_sync", fails)
        with pytest.raises(CutOffError):
            copy(source, target)
    again = counted(monkeypatch)
    copy(source, target)
    assert described(target) == described(source)
    assert len(again) == FILES


def test_what_the_source_has_not_goes(tmp_path: Path) -> None:
    source, target = tree(tmp_path / "source"), tree(tmp_path / "target")
    for path in target.rglob("file*"):
        os.utime(path, (0, 0))  # what an earlier try made of another source is of another time
    (target / "more").mkdir()
    (target / "more" / "file").write_bytes(b"old")
    (source / "file3").unlink()
    (source / "fifo").unlink()
    (source / "fifo").mkdir()
    copy(source, target)
    assert described(target) == described(source)


def test_an_access_list_that_an_earlier_try_left_is_not_inherited(tmp_path: Path) -> None:
    entries = ((1, 7, -1), (2, 7, 1000), (4, 5, -1), (16, 7, -1), (32, 5, -1))  # acl(5), as the kernel keeps it
    acl = struct.pack("<I", 2) + b"".join(struct.pack("<HHi", *entry) for entry in entries)
    source, target = tree(tmp_path / "source"), tmp_path / "target"
    (target / "deep").mkdir(parents=True)
    for root in (source, target):
        os.setxattr(root / "deep", "system.posix_acl_default", acl)
    copy(source, target)
    assert described(target) == described(source)
    assert os.listxattr(target / "deep" / "deeper") == os.listxattr(source / "deep" / "deeper")
