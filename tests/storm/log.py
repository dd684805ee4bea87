"""What a storm did and what it found: for people, and in report/storm.txt."""

import collections
from pathlib import Path

from tests.storm import settings
from tests.storm.comparison import Difference
from tests.storm.notes import Notes

REPORT = Path("report/storm.txt")


class Log:
    """Counts."""

    def __init__(self) -> None:
        self.came: collections.Counter[str] = collections.Counter()
        self.kills = 0
        self.starts = 0
        self.waited = 0
        self.resumed = 0

    def table(self, notes: Notes, found: list[Difference], seconds: float) -> str:
        """All of it, aligned."""
        kinds = collections.Counter(difference.kind for difference in found)
        tables: dict[str, dict[str, int]] = {
            "weather": dict(self.came.most_common()),
            "the daemon": {
                "SIGKILLs": self.kills, "starts that succeeded": self.starts,
                "starts that waited for room on the state's disk": self.waited,
                "operations unfinished at a start": self.resumed,
            },
            "acknowledged": dict(sorted(notes.acknowledged.items())),
            "asked again with the same key": {
                "cut off or not answered in time": notes.unclear,
                "refused by a full state disk": notes.refused["no-space"],
            },
            "undone, as the pool was full": {
                text: count for text, count in sorted(notes.refused.items()) if text != "no-space"
            },
            "undone, as killed": {"create, on the array: its formatting was interrupted": notes.interrupted},
            "found": {"lost": kinds["lost"], "leaked": kinds["leaked"], "findings of the audit": kinds["finding"]},
        }  # fmt: skip
        lines = [f"{seconds:.0f} seconds, {settings.CLIENTS} clients, seed {settings.SEED}"]
        for title, rows in tables.items():
            lines += ["", title, *(f"  {name:<54}{count:>7}" for name, count in rows.items())]
        lines += [f"  {difference.kind}: {difference.what}" for difference in found]
        return "\n".join(lines)

    def tell(self, notes: Notes, found: list[Difference], seconds: float) -> None:
        """Print it and write it."""
        text = self.table(notes, found, seconds)
        print(f"\n{text}", flush=True)
        REPORT.parent.mkdir(exist_ok=True)
        REPORT.write_text(text + "\n")
