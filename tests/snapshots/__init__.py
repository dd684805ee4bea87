"""Snapshots of a real daemon, on pools of every kind."""
