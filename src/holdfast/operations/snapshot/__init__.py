"""Verbs on a snapshot."""
