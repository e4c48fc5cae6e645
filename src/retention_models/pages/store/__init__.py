"""The page of a store: its numbers beside the models, its sentences, tables and figures."""

from retention_models.pages.store.page import StorePage

__all__ = ["StorePage"]
