"""Old name of `retention_models.pages.store`, kept for notebooks of one's own for one release."""

from retention_models.pages.store import answers as sections, page as numbers, tables

opening = numbers

__all__ = ["numbers", "opening", "sections", "tables"]
