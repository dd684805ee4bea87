"""Pools on a btrfs: as `dir` has them, with subvolumes for directories."""
