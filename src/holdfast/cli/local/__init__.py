"""Commands that need no daemon, or are one."""
