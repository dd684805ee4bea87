"""What both programs share: a bounded run that clears up, and where the answer goes."""

import json
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from bench.face import BenchError

MET, MISSED, NOT_MEASURED = 0, 1, 2


def bounded(seconds: int, run: Callable[[], int]) -> int:
    """`run`'s status; 2 where it raised BenchError, took too long or got SIGTERM: in each case all is cleared up."""

    def stop(number: int, _frame: object) -> None:
        raise BenchError(f"it took more than {seconds} s" if number == signal.SIGALRM else "it was told to stop")

    for number in (signal.SIGALRM, signal.SIGTERM):
        signal.signal(number, stop)
    signal.alarm(seconds)
    try:
        return run()
    except BenchError as error:
        print(f"error: {error}", file=sys.stderr)
        return NOT_MEASURED
    finally:
        signal.alarm(0)


def emit(document: dict[str, object], text: str, file: Path | None, *, met: bool) -> int:
    """The document to `file` or standard output, the text to standard error; the exit status."""
    said = json.dumps(document, indent=1)
    if file is None:
        print(said)
    else:
        file.write_text(f"{said}\n")
    print(text, file=sys.stderr)
    return MET if met else MISSED
