"""The simulated machine is held to the real one."""
