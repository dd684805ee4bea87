"""How long, how many, how random; and the deadlines that the storm shortens so that it can outlast them."""

import os

# Seconds; `make storm` says 600. With 0 every weather comes once, and that is all.
SECONDS = float(os.environ.get("HOLDFAST_STORM_SECONDS", "0"))
CLIENTS = int(os.environ.get("HOLDFAST_STORM_CLIENTS", "8"))
SEED = int(os.environ.get("HOLDFAST_STORM_SEED", "20260"))
# Of the pool's disk: ext4, or btrfs, which then is a pool of its own driver.
FS = os.environ.get("HOLDFAST_STORM_FS", "ext4")

# Seconds between two weathers, at the most.
LULL = 0.8
# Seconds that a client lets the daemon wait for an operation, and more that it waits for the answer.
WAIT, ANSWER = 1.0, 1.5
# Seconds that the daemon gives a request to come in, and an idle connection.
REQUEST, IDLE = 1.0, 1.0
# Seconds that it gives a worker child.
CHILD = 2.0
# Seconds that a change may take to be seen on the array.
SETTLE = 1.0
# Longer than any of them.
LONG = 1.0 + max(WAIT + ANSWER, REQUEST, IDLE, CHILD)
# Seconds after which what must come true has failed to: a client's answer, a start, an end.
PATIENCE = 120.0
