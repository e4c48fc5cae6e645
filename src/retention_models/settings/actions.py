"""The rules of the lists of actions: tables of the project file, with defaults for every threshold.

Twelve lists, each with thresholds of its own; an order in which they are filled; groups of lists that
would contradict each other, of which a customer is on one at most; and the shares that a lot leaves out
of each list, and of all of them, so that lists test themselves.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal, get_args

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from retention_models.settings.types import Section, Text, table_of

ListName = Literal[
    "complaint",
    "detractor",
    "let_go",
    "lapsed",
    "wavering",
    "due",
    "new",
    "recent",
    "promoter",
    "high_value",
    "loyal",
    "one_category",
]
LIST_NAMES: tuple[ListName, ...] = get_args(ListName)
ALL_LISTS: Final = "all_lists"  # the test of all lists together, beside those of each

_NAMES = f"names of lists ({', '.join(LIST_NAMES)})"
_TROUBLE: tuple[ListName, ...] = ("complaint", "detractor", "let_go", "lapsed", "wavering")
# Whoever has a reason to leave is asked about it, and neither praised nor sold to; and nobody gets
# two of the messages that have their time.
ONE_OF: tuple[tuple[ListName, ...], ...] = (
    (*_TROUBLE, "due", "new", "recent"),
    (*_TROUBLE, "promoter"),
    (*_TROUBLE, "high_value"),
    (*_TROUBLE, "loyal"),
    (*_TROUBLE, "one_category"),
)


def _each_once(names: tuple[str, ...]) -> tuple[str, ...]:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        verb = "stands" if len(twice) == 1 else "stand"
        raise ValueError(f"{', '.join(map(repr, twice))} {verb} more than once")
    return names


Names = Annotated[tuple[ListName, ...], Field(strict=False), AfterValidator(_each_once)]
Share = Annotated[float, Field(ge=0, le=1)]
Days = Annotated[int, Field(gt=0)]

_SHARE, _DAYS = "share from 0 to 1", "whole number of days above 0"
_COUNT, _VALUE = "whole number of purchases above 0", "amount of money"
# Whoever bought once has no time between purchases.
Repeated = Annotated[int, Field(ge=2)]
_REPEATED = "whole number of purchases, at least 2"


class Rule(Section):
    """What every list has."""

    use: bool = Field(True, examples=[False], description="true or false: whether to make the list")
    action: Text | None = Field(
        None, examples=["Send the spring coupon."], description="sentence: what to do, in quotes"
    )


class Within(Rule):
    """Something that happened within so many days."""

    within_days: Days = Field(28, examples=[28], description=_DAYS)


class Recent(Within):
    """Bought lately."""

    within_days: Days = Field(7, examples=[7], description=_DAYS)


class OneCategory(Within):
    """Bought several times, lately too, from one category only."""

    within_days: Days = Field(91, examples=[91], description=_DAYS)
    least_purchases: Days = Field(3, examples=[3], description=_COUNT)


class Due(Rule):
    """The usual time between purchases has passed, but not much more."""

    least_purchases: Repeated = Field(3, examples=[3], description=_REPEATED)
    least_alive: Share = Field(0.5, examples=[0.5], description=f"P(alive), a {_SHARE}")
    ahead_days: Annotated[int, Field(ge=0)] = Field(
        0, examples=[7], description="whole number of days ahead to look, at least 0"
    )


class Loyal(Rule):
    """Bought more often than most, and is a customer still."""

    least_purchases: Repeated = Field(3, examples=[3], description=_REPEATED)
    purchases_quantile: Share = Field(
        0.8, examples=[0.8], description=f"{_SHARE} of the store's customers who bought less often"
    )
    least_alive: Share = Field(0.8, examples=[0.8], description=f"P(alive), a {_SHARE}")


class HighValue(Rule):
    """Worth more than most."""

    value_quantile: Share = Field(
        0.9, examples=[0.9], description=f"{_SHARE} of the store's customers who are worth less"
    )
    least_value: float | None = Field(
        None, gt=0, examples=[100.0], description=f"{_VALUE} above 0, in the quantile's place"
    )
    least_alive: Share = Field(0.5, examples=[0.5], description=f"P(alive), a {_SHARE}")


class Wavering(Rule):
    """Silent beyond their own longest usual gap, and P(alive) fell."""

    least_purchases: Repeated = Field(3, examples=[3], description=_REPEATED)
    least_fall: Share = Field(
        0.1, examples=[0.1], description=f"fall of P(alive) in lookback_days, a {_SHARE}"
    )


class Lapsed(Rule):
    """Most likely gone, and worth winning back."""

    most_alive: Share = Field(0.3, examples=[0.3], description=f"P(alive), a {_SHARE}")
    value_quantile: Share = Field(
        0.5, examples=[0.5], description=f"{_SHARE} of the store's customers who are worth less"
    )
    least_value: float | None = Field(
        None, gt=0, examples=[50.0], description=f"{_VALUE} above 0, in the quantile's place"
    )


class LetGo(Rule):
    """Most likely gone, and not worth winning back."""

    most_alive: Share = Field(0.3, examples=[0.3], description=f"P(alive), a {_SHARE}")
    value_quantile: Share = Field(
        0.5, examples=[0.5], description=f"{_SHARE} of the store's customers who are worth less"
    )
    most_value: float | None = Field(
        None, gt=0, examples=[50.0], description=f"{_VALUE} above 0, in the quantile's place"
    )


class Promoter(Rule):
    """Would recommend the shop."""

    least_score: float = Field(
        9.0, ge=0, examples=[9.0], description="score of a survey, at least 0"
    )


class Detractor(Rule):
    """Would not recommend the shop."""

    most_score: float = Field(
        6.0, ge=0, examples=[6.0], description="score of a survey, at least 0"
    )


# Lists that are an apology, which nobody is denied; and lists of nobody to contact, unless the project
# file says what to do with them.
APOLOGIES: tuple[ListName, ...] = ("complaint",)
NO_CONTACT: tuple[ListName, ...] = ("let_go",)
_LEAST_SHARE = 0.01


class ActionSettings(Section):
    """Table [actions] of a project file.

    Attributes
    ----------
    lookback_days : int
        P(alive) is compared with that of so many days ago.
    usual_gap, late_gap : float
        Levels of a customer's own gaps (`gap_quantile`): after the first a purchase is due, after
        the second it is late.
    order : tuple of str
        Lists in the order in which they are filled; those left out follow in the default's order.
    one_of : tuple of tuple of str
        Groups of lists of which a customer is on one at most: the first in the order that fits.
    hold_out : float
        Share of each list's customers whom a lot leaves out, so that the others can be held against
        them: 0, or from 0.01 to 0.5.
    hold_out_of_all : float
        Share of the customers on any list whom a lot leaves out of all of them, so that it is known what
        the lists bring together: 0, or from 0.01 to 0.2. Exempt lists and apologies still name them.
    exempt : tuple of str
        Lists of which nobody is left out. Of "complaint", an apology, nobody ever is.
    test_days : int
        Days after which a list's test ends and another begins, with a lot of its own.
    measured_days : int
        Days after their lot in which customers' purchases are counted.
    contact_cost : float
        Money for each customer contacted.
    contacts : tuple of str
        Kinds of the events that are contacts of these lists: who was in fact called.

    Examples
    --------
    >>> ActionSettings(lookback_days=56).lookback_days
    56
    """

    lookback_days: Days = Field(28, examples=[28], description=_DAYS)
    usual_gap: float = Field(
        0.5, gt=0, lt=1, examples=[0.5], description="share of gaps between 0 and 1"
    )
    late_gap: float = Field(
        0.95,
        gt=0,
        lt=1,
        validate_default=True,  # usual_gap may be set alone
        examples=[0.95],
        description="share of gaps above usual_gap and below 1",
    )
    order: Names = Field(
        LIST_NAMES, examples=[["complaint", "lapsed"]], description=f"list of {_NAMES}"
    )
    one_of: Annotated[tuple[Names, ...], Field(strict=False)] = Field(
        ONE_OF, examples=[[["lapsed", "due"]]], description=f"lists of {_NAMES}"
    )
    hold_out: float = Field(
        0.0, ge=0, le=0.5, examples=[0.1], description="share: 0, or from 0.01 to 0.5"
    )
    hold_out_of_all: float = Field(
        0.0, ge=0, le=0.2, examples=[0.05], description="share: 0, or from 0.01 to 0.2"
    )
    exempt: Names = Field(
        ("detractor",), examples=[["detractor", "loyal"]], description=f"list of {_NAMES}"
    )
    measured_days: Days = Field(28, le=364, examples=[28], description=f"{_DAYS}, at most 364")
    test_days: Days = Field(
        182,
        validate_default=True,  # measured_days may be set alone
        examples=[182],
        description="whole number of days, at least measured_days",
    )
    contact_cost: float = Field(
        0.0, ge=0, examples=[0.15], description="money for each customer contacted, from 0"
    )
    contacts: tuple[Text, ...] = Field(
        (), strict=False, examples=[["call"]], description="list of kinds of [events], in quotes"
    )
    complaint: Within = table_of(Within, "within_days = 28")
    detractor: Detractor = table_of(Detractor, "most_score = 6")
    let_go: LetGo = table_of(LetGo, "most_alive = 0.3")
    lapsed: Lapsed = table_of(Lapsed, "most_alive = 0.3")
    wavering: Wavering = table_of(Wavering, "least_fall = 0.1")
    due: Due = table_of(Due, "ahead_days = 0")
    new: Within = table_of(Within, "within_days = 28")
    recent: Recent = table_of(Recent, "within_days = 7")
    promoter: Promoter = table_of(Promoter, "least_score = 9")
    high_value: HighValue = table_of(HighValue, "value_quantile = 0.9")
    loyal: Loyal = table_of(Loyal, "purchases_quantile = 0.8")
    one_category: OneCategory = table_of(OneCategory, "within_days = 91")

    @field_validator("late_gap")
    @classmethod
    def _in_order(cls, late: float, info: ValidationInfo) -> float:
        usual = info.data.get("usual_gap")
        if usual is not None and late <= usual:
            raise ValueError(f"it is not above usual_gap = {usual}")
        return late

    @field_validator("hold_out", "hold_out_of_all")
    @classmethod
    def _none_or_enough(cls, share: float) -> float:
        if 0 < share < _LEAST_SHARE:
            raise ValueError(
                f"of so few nothing would be known; it is 0 or at least {_LEAST_SHARE}"
            )
        return share

    @field_validator("test_days")
    @classmethod
    def _long_enough(cls, days: int, info: ValidationInfo) -> int:
        measured = info.data.get("measured_days")
        if measured is not None and days < measured:
            raise ValueError(f"it is less than measured_days = {measured}")
        return days

    def rule(self, name: ListName) -> Rule:
        """The rule of a list.

        Examples
        --------
        >>> ActionSettings().rule("lapsed").__class__.__name__
        'Lapsed'
        """
        found: Rule = getattr(self, name)
        return found

    @property
    def leaves_out(self) -> bool:
        """Whether a lot leaves anybody out, of a list or of all."""
        return self.hold_out > 0 or self.hold_out_of_all > 0

    @property
    def precedence(self) -> tuple[ListName, ...]:
        """All lists in the order in which they are filled."""
        return (*self.order, *(name for name in LIST_NAMES if name not in self.order))

    def excludes(self, one: str, other: str) -> bool:
        """Whether a customer is on one of these two lists at most.

        Examples
        --------
        >>> ActionSettings(one_of=[["lapsed", "due"]]).excludes("due", "lapsed")
        True
        """
        return any(one in group and other in group for group in self.one_of)
