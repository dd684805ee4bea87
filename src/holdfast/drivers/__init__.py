"""Kinds of pool: the contract, then one file or folder each."""
