"""For all tests."""

import signal

# Whoever starts the tests in the background may have them ignore Ctrl-C, and so what they start: some try just that.
signal.signal(signal.SIGINT, signal.default_int_handler)
