"""This Linux machine: mounts, devices, signatures, file systems, trees, children."""
