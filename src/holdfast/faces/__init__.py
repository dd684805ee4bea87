"""Thin: each submits requests and watches operations."""
