"""The host layer, with real parts."""
