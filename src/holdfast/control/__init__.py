"""Level-triggered loops: reconcile, audit, counters, housekeeping."""
