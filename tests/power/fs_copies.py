"""Copies of our own code that sync less, for a daemon to run."""

import re
import shutil
from pathlib import Path

_SOURCE = Path(__file__).parents[2] / "src" / "holdfast"


def without_sync_of_renames(where: Path) -> dict[str, str]:
    """The environment of a daemon that renames without a sync of the directory."""
    return _copy(where, "host/files.py", r"(?ms)(def rename\(.*?^ +)[\w.]*fsync\(dir_fd\)$", r"\1pass")


def without_sync_of_commits(where: Path) -> dict[str, str]:
    """The same of one whose database is in order after a crash, and no more."""
    return _copy(where, "records/sqlite.py", 'True: "FULL"', 'True: "NORMAL"')


def without_persist(where: Path) -> dict[str, str]:
    """The same of one to which what is seen is durable."""
    return _copy(where, "engine/verbs.py", r"(?m)^( +)step\.persist\(.*\)$", r"\1pass")


def killed_before_its_sync(where: Path) -> dict[str, str]:
    """The same of one that syncs no new, changed or removed name: as one that is killed just before it does."""
    return _copy(where, "host/files.py", r"(?m)^( +)[\w.]*fsync\(dir_fd\)$", r"\1pass", times=4)


def _copy(where: Path, file: str, pattern: str, instead: str, times: int = 1) -> dict[str, str]:
    shutil.copytree(_SOURCE, where / "holdfast", ignore=shutil.ignore_patterns("__pycache__"))
    path = where / "holdfast" / file
    text, count = re.subn(pattern, instead, path.read_text())
    assert count == times, f"{file} has changed; bring the pattern up to date"
    path.write_text(text)
    return {"PYTHONPATH": str(where)}
