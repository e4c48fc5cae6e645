"""The language of pages: whole English sentences with named places, and translations of them."""

from retention_models.languages.language import ENGLISH, Language
from retention_models.languages.speech import (
    catalogue,
    count,
    counted,
    day,
    decimals,
    ends,
    marked,
    money,
    number,
    phrase,
    plural,
    share,
    speak_in,
    speaking,
    spoken,
)
from retention_models.languages.translations import read_translation

__all__ = [
    "ENGLISH",
    "Language",
    "catalogue",
    "count",
    "counted",
    "day",
    "decimals",
    "ends",
    "marked",
    "money",
    "number",
    "phrase",
    "plural",
    "read_translation",
    "share",
    "speak_in",
    "speaking",
    "spoken",
]
