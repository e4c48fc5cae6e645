"""What can go wrong, by who can mend it."""

from __future__ import annotations

from retention_models.languages.language import spoken


class RetentionError(Exception):
    """Base of every error that this package raises on purpose.

    Examples
    --------
    >>> import retention_models as rm
    >>> try:
    ...     rm.read_transactions("none.csv", customer_id="id", date="day", spend="paid")
    ... except rm.RetentionError as error:
    ...     print(error)
    none.csv: no such file. Paths in a project file start at its folder.
    """


class SettingsError(RetentionError, ValueError):
    """The project file, or a parameter of a call, is wrong: its reader can mend it.

    Examples
    --------
    >>> import retention_models as rm
    >>> try:
    ...     rm.BetaGeoFitter().fit([1], [9.0], [4.0])
    ... except rm.SettingsError as error:
    ...     print(error)
    recency: expected no more than T; 1 of 1 rows are not (first: 0: 9).
    """


class DataError(RetentionError, ValueError):
    """The transactions cannot be used as they are: whoever exports them can mend it.

    Examples
    --------
    >>> import retention_models as rm
    >>> try:
    ...     rm.read_transactions("none.csv", customer_id="id", date="day", spend="paid")
    ... except rm.DataError as error:
    ...     print(error)
    none.csv: no such file. Paths in a project file start at its folder.
    """


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
        self._of_one, self._n = "", 0

    @classmethod
    def counting(cls, one: str, many: str, n: int, /, **places: object) -> CannotSay:
        """A refusal about a number of things, with a sentence for one of them.

        Parameters
        ----------
        one, many : str
            The sentence of one thing, and that of several, as in `languages.plural`.
        n : int
            How many there are; the place {n} holds it.
        **places
            Finished texts, one for each other place.

        Returns
        -------
        CannotSay

        Examples
        --------
        >>> str(CannotSay.counting("{n} customer is too few.", "{n} customers are too few.", 1))
        '1 customer is too few.'
        """
        made = cls(many, **places)
        made._of_one, made._n = one, n
        return made

    def with_places(self, **places: object) -> CannotSay:
        """The same refusal with other texts in some of its places.

        Parameters
        ----------
        **places
            Finished texts, each of a place of the sentence.

        Returns
        -------
        CannotSay

        Examples
        --------
        >>> str(CannotSay("Of {arm}: too few.", arm="a").with_places(arm="b"))
        'Of b: too few.'
        """
        made = CannotSay(self.sentence, **{**self.places, **places})
        made._of_one, made._n = self._of_one, self._n
        return made

    def __str__(self) -> str:
        said = spoken()
        if self._of_one:
            return said.plural(self._of_one, self.sentence, self._n, **self.places)
        # A finished text may hold braces of its own: a name of the data.
        if not self.places:
            return said.translated_or_own(self.sentence)
        return said.phrase(self.sentence, **self.places)


def require_kind(name: str, given: object, kind: type | tuple[type, ...], source: str) -> None:
    """Refuse, by the parameter's name, what is not what `source` gives."""
    if not isinstance(given, kind):
        raise SettingsError(f"{name}: expected what {source} gives; got {type(given).__name__}.")
