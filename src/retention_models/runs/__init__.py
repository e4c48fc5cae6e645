"""Notebooks executed for every store, rendered to pages, and published with an index."""
