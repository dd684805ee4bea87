"""Suites that every implementation of a contract must pass, ours and third parties'."""
