"""The figures, for people; report/power/file_systems.txt is not committed."""

import fcntl
from pathlib import Path

_PLACE = Path(__file__).parents[2] / "report" / "power" / "file_systems.txt"
_HEAD = "shutdowns  acknowledgements  lost"
_ALL = "all but the controls"


def note(what: str, shutdowns: int, acknowledged: int, lost: int) -> None:
    """One row, in place of an older one of that name. What begins with `control` is not summed."""
    _PLACE.parent.mkdir(parents=True, exist_ok=True)
    with _PLACE.open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        rows = {row[3]: row[:3] for row in (line.split(maxsplit=3) for line in file.read().splitlines()[1:])}
        rows[what] = [str(shutdowns), str(acknowledged), str(lost)]
        rows.pop(_ALL, None)
        own = [row for name, row in rows.items() if not name.startswith("control")]
        sums = [str(sum(int(row[column]) for row in own)) for column in range(3)]
        lines = [f"{a:>9}{b:>18}{c:>6}   {name}" for name, (a, b, c) in [*sorted(rows.items()), (_ALL, sums)]]
        file.truncate(0)
        file.write("\n".join([_HEAD, *lines]) + "\n")
