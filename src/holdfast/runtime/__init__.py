"""Time, threads, waiting, randomness, ids, failpoints: real (`threads`) or simulated (`simulated`)."""
