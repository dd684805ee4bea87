"""Transports: how a connected volume comes to be seen on this machine."""
