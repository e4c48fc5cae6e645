"""Notebooks executed for every store, rendered to pages, and published with an index."""

from retention_models._imports import left_out

# The grammar of internationalised addresses takes 2 s to build, and no notebook's format asks for it.
with left_out("rfc3987_syntax"):
    import nbformat  # noqa: F401
