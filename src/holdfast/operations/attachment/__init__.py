"""Verbs on a attachment."""
