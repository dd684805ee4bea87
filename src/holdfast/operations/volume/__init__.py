"""Verbs on a volume."""
