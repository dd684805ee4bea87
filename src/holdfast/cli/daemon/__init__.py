"""Commands about the daemon as a whole."""
