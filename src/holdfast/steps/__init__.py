"""The smallest durable acts, shared by operations."""
