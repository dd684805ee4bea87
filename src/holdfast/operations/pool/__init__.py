"""Verbs on a pool."""
