"""What cannot be said of arms, so that whoever numbered them can say it again with their names."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping

from retention_models.errors import CannotSay
from retention_models.languages import phrase


class CannotSayOfArms(CannotSay):
    """A refusal that names arms.

    Attributes
    ----------
    sentence : str
        In English, with places for the arms and for others.
    arms : mapping from place to hashable
        The arms, as whoever asked called them.
    places : mapping from place to str
        The others, as finished texts.
    """

    sentence: str
    arms: Mapping[str, Hashable]
    places: Mapping[str, str]

    def calling(self, name: Callable[[Hashable], str]) -> CannotSay:
        """The same, with names for the arms.

        Examples
        --------
        >>> refusal = of_arms("The arm {arm} has {n} customers.", {"arm": 1}, n="3")
        >>> str(refusal), str(refusal.calling(["“control”", "“coupon”"].__getitem__))
        ('The arm 1 has 3 customers.', 'The arm “coupon” has 3 customers.')
        """
        called = {place: name(arm) for place, arm in self.arms.items()}
        return CannotSay(phrase(self.sentence, **called, **self.places))


def of_arms(sentence: str, arms: Mapping[str, Hashable], **places: str) -> CannotSayOfArms:
    """A refusal that names arms, by their labels.

    Parameters
    ----------
    sentence : str
        Marked by whoever wrote it.
    arms : mapping from place to hashable
    **places
        Finished texts.

    Returns
    -------
    CannotSayOfArms
    """
    labels = {place: repr(arm) for place, arm in arms.items()}
    refusal = CannotSayOfArms(phrase(sentence, **labels, **places))
    refusal.sentence, refusal.arms, refusal.places = sentence, arms, places
    return refusal
