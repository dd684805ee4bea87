"""The simulated world: a machine behind `holdfast.host.kernel.Kernel`, and what runs on it. See docs/proof.md."""
