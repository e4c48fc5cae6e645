"""The languages that pages can be in: each a catalogue of whole sentences with named places."""

from retention_models.languages.english import ENGLISH
from retention_models.languages.language import Language

# Whoever adds a language adds its module and its line here; no template and no other code changes.
LANGUAGES: dict[str, Language] = {ENGLISH.code: ENGLISH}

__all__ = ["ENGLISH", "LANGUAGES", "Language"]
