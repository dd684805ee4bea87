"""A simulated FlashArray: REST 2.21 as far as the driver uses it, with everything that can go wrong at its switches.

It models the state machine of volumes, snapshots, hosts and connections, sessions, paging, filters, and time that
erases what is destroyed. Its volumes are sparse files, so that a connected one appears as a block device through the
transport `loop`. It does not model performance, replication, quality of service, protection groups or controllers. The
vendor's own SDK performs the whole life of all of them against it (tests/lab/test_flasharray_sdk.py).
"""
