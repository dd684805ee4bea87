"""What happened in a run, in order: a hash of all of it, and the lines of each operation."""

import hashlib
from collections import defaultdict


class Trace:
    """Two runs of one seed have the same digest. Only with `keep` are lines kept."""

    def __init__(self, *, keep: bool = False) -> None:
        self._hash = hashlib.blake2b(digest_size=16)
        self._keep = keep
        self._all: list[str] = []
        self._of: dict[str, list[str]] = defaultdict(list)

    def note(self, clock: float, operation: str, text: str) -> None:
        """One event; `operation` is an id, or empty."""
        line = f"{clock:14.6f} {operation[:8]:8} {text}"
        self._hash.update(line.encode(errors="surrogateescape"))
        if self._keep:
            self._all.append(line)
            if operation:
                self._of[operation].append(line)

    def digest(self) -> str:
        """Of all events so far."""
        return self._hash.hexdigest()

    def of(self, operation: str = "") -> list[str]:
        """The lines of one operation, or all."""
        return self._of.get(operation, []) if operation else self._all
