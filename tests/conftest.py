"""For all tests."""

import gc
import signal

# Whoever starts the tests in the background may have them ignore Ctrl-C, and so what they start: some try just that.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish() -> None:
    """What was imported and collected is no garbage, and is not looked through again and again."""
    gc.collect()
    gc.freeze()
