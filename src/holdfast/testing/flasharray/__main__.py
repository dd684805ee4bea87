"""`python -m holdfast.testing.flasharray DIRECTORY`: a simulated array on loopback, to try the driver without one.

It forgets all but the volumes' files when it ends. DIRECTORY gets its certificate, its token and its address.
"""

import argparse
import os
import signal

from holdfast.testing.flasharray.array import TOKEN
from holdfast.testing.flasharray.server import ArrayServer


def main() -> None:
    """Until SIGTERM or Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m holdfast.testing.flasharray", description=__doc__)
    parser.add_argument("directory", help="an empty directory of its own")
    root = os.path.abspath(parser.parse_args().directory)
    signals = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    with ArrayServer(root) as server:
        for name, text in (("token", TOKEN), ("address", server.address)):
            with open(os.path.join(root, name), "w") as file:
                file.write(text)
        signal.sigwait(signals)


if __name__ == "__main__":
    main()
