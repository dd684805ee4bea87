"""Starts and stops real components, and shows the main job."""
