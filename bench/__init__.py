"""Side-by-side measurements against a peer, and the limits of a big pool. See bench/README.md."""
