"""Pools that are directories: `holdfast-pool.json` marks one, `volumes/<uid>/` holds a volume."""
