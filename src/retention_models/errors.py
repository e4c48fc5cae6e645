"""What can go wrong, by who can mend it."""

from __future__ import annotations

from retention_models.languages.language import spoken


class RetentionError(Exception):
    """Base of every error that this package raises on purpose."""


class SettingsError(RetentionError, ValueError):
    """The project file, or a parameter of a call, is wrong: its reader can mend it."""


class DataError(RetentionError, ValueError):
    """The transactions cannot be used as they are: whoever exports them can mend it."""


class LockHeld(RetentionError, RuntimeError):
    """Another run is publishing into the same folder: whoever started this one can wait."""


class CannotSay(RetentionError, ValueError):
    """The data are sound but do not carry the answer asked of them.

    Shown, it says itself in the language that is spoken then.

    Parameters
    ----------
    sentence : str
        One or two whole sentences for the reader of a report: what cannot be said, and what would be
        needed to say it. In English and a literal, with named places, as in `languages.phrase`; without
        places it may be a finished text.
    **places
        Finished texts, one for each place of the sentence.

    Examples
    --------
    >>> str(CannotSay("{n} customers are too few.", n="3"))
    '3 customers are too few.'
    """

    def __init__(self, sentence: str, /, **places: object) -> None:
        super().__init__(sentence)
        self.sentence, self.places = sentence, places

    def __str__(self) -> str:
        said = spoken()
        # A finished text may hold braces of its own: a name of the data.
        if not self.places:
            return said.translated_or_own(self.sentence)
        return said.phrase(self.sentence, **self.places)
