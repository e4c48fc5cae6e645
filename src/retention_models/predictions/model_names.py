"""Names of purchase models: as keys of tables, and as readers are told them."""

from __future__ import annotations

from retention_models.languages import catalogue, phrase
from retention_models.models.fitters import PurchaseFitter
from retention_models.predictions.season import has_season

FLOOR = "NBD, nobody leaves"
_MID_LIFE, _SEASON = "mid-life ", " with a season"
_TOLD = catalogue(
    {
        FLOOR: "NBD, nobody leaves",
        _MID_LIFE: "mid-life {name}",
        _SEASON: "{name} with a season",
    }
)


def name_of(purchases: PurchaseFitter) -> str:
    """A model's name, and whether it follows a season."""
    return f"{purchases.label}{_SEASON}" if has_season(purchases) else purchases.label


def name_in_words(name: str) -> str:
    """A model's name for readers: abbreviations are the same everywhere, words are of the language.

    >>> name_in_words("MBG/NBD"), name_in_words("mid-life BG/NBD with a season")
    ('MBG/NBD', 'mid-life BG/NBD with a season')
    """
    if name.endswith(_SEASON):
        return phrase(_TOLD[_SEASON], name=name_in_words(name.removesuffix(_SEASON)))
    if name.startswith(_MID_LIFE):
        return phrase(_TOLD[_MID_LIFE], name=name.removeprefix(_MID_LIFE))
    return phrase(_TOLD[name]) if name in _TOLD else name
