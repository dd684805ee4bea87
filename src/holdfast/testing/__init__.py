"""For driver authors and ourselves: conformance suites, failpoints, the simulated world."""
