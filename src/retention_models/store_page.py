"""Old name of `retention_models.pages.store`, kept for notebooks of one's own for one release."""

from retention_models.pages.store import answers as sections, opening, page as numbers, tables

__all__ = ["numbers", "opening", "sections", "tables"]
