"""The `flasharray` driver: pods of a Pure Storage FlashArray as pools. See docs/drivers/flasharray.md."""
