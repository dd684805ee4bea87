"""Figures for people: report/power/sqlite.txt, a line per test; not committed."""

import fcntl
import pathlib


def report(name: str, figures: str) -> None:
    """Put the line of that name; tests run side by side."""
    path = pathlib.Path("report/power/sqlite.txt")
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        lines = dict(line.rstrip("\n").split(": ", 1) for line in file)
        lines[name] = figures
        file.truncate(0)
        file.writelines(f"{name}: {line}\n" for name, line in sorted(lines.items()))
    print(f"{name}: {figures}")
