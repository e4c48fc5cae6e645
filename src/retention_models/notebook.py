"""Old name of `retention_models.pages.notebook`, kept for notebooks of one's own for one release."""

from retention_models.pages.notebook import cards, or_refusal, or_say_why, say, show, table

__all__ = ["cards", "or_refusal", "or_say_why", "say", "show", "table"]
