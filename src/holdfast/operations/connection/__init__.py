"""Verbs on a connection."""
