"""Holdfast: a storage control plane that never loses, leaks or lies."""

__version__ = "0.1.0"
