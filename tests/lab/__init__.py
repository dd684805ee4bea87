"""Real components."""
