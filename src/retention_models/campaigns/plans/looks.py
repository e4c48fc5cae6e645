"""Looking at a campaign before its end without being fooled: on declared days, or on any.

Declared looks (`campaign.looks`, shares of the campaign's days) stop it only at O'Brien & Fleming's
boundaries, which together keep the level. Without declared looks any day may be looked at, by the
confidence sequence, whose interval is wider. Never both: who chooses between them after seeing the data
has two chances.

Both take the share of days that have passed for the share of information. What customers buy by chance
grows with days, so its share is that of days; what they differ by, and the covariates leave, grows with
the days' square and makes looks more alike than the boundaries allow for: they are a little strict then,
never lax.
"""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass, field

import pandas as pd

from retention_models.campaigns.effects.labels import outcome_label
from retention_models.campaigns.estimators.sequential import (
    DeclaredLooks,
    best_rho,
    confidence_sequence,
    obrien_fleming,
)
from retention_models.errors import SettingsError
from retention_models.languages import (
    count,
    counted,
    day as in_words,
    decimals,
    listed,
    marked,
    phrase,
    share,
)
from retention_models.languages.results import Card, Result
from retention_models.settings.campaigns import Campaign
from retention_models.summaries.customers import Day, as_day

_LOOK = marked(
    "Look {n} of {all} ({day}): the effect on {outcome} is {effect} a customer ({low} to {high}, which "
    "allows for every look)."
)
_DAY = marked(
    "Day {n} of {all} ({day}): the effect on {outcome} is {effect} a customer ({low} to {high}, which "
    "allows for every look)."
)


@dataclass(frozen=True, slots=True)
class Look:
    """What a look at a running campaign says."""

    day: dt.date
    effect: float
    low: float
    high: float
    stop: bool
    words: str


@dataclass(frozen=True, repr=False)
class CampaignLooks(Result):
    """When a campaign may be looked at, and how large its effect must be then to be believed.

    Attributes
    ----------
    campaign : Campaign
    table : DataFrame, index look
        day (last of the data that are looked at), share (of the campaign's days), boundary
        (effect ÷ standard error, either way, at which it stops), level (the boundary as a two-sided
        p-value).
        Without rows where no looks were declared.
    declared : DeclaredLooks or None
    level : float
        Probability of stopping at any look where there is no effect.

    Examples
    --------
    >>> from retention_models.settings.campaigns import Campaign
    >>> coupon = Campaign(id="spring", name="Spring", kind="coupon", design="randomised",
    ...     start=dt.date(2024, 3, 1), end=dt.date(2024, 3, 28), looks=(0.25, 0.5, 0.75, 1.0))
    >>> found = plan_looks(coupon)
    >>> len(found.table), found.level
    (4, 0.05)
    """

    campaign: Campaign
    table: pd.DataFrame = field(repr=False)
    declared: DeclaredLooks | None = field(repr=False)
    level: float

    def _card(self) -> Card:
        facts = {"days to look": count(len(self.table)), "level": share(self.level, 1)}
        return Card(f"Looks at the campaign {self.campaign.name}", facts, self.table)

    def until(self, day: Day) -> Campaign:
        """The campaign as if it ended on a day: what `campaign_effect` is asked at a look.

        Raises
        ------
        SettingsError
            Where the day lies outside the campaign, or is not one of its declared looks.

        Examples
        --------
        >>> from retention_models.settings.campaigns import Campaign
        >>> coupon = Campaign(id="spring", name="Spring", kind="coupon", design="randomised",
        ...     start=dt.date(2024, 3, 1), end=dt.date(2024, 3, 28), looks=(0.25, 0.5, 0.75, 1.0))
        >>> plan_looks(coupon).until("2024-03-14").end
        datetime.date(2024, 3, 14)
        """
        end = self._checked(day)
        return self.campaign.model_copy(update={"end": end, "follow_up": 0, "looks": ()})

    def look_at(self, day: Day, effect: float, standard_error: float) -> Look:
        """Whether the campaign may be stopped for what it has done until a day.

        Parameters
        ----------
        day : date or str
            Last day of the data.
        effect, standard_error : float
            Of the primary outcome until that day: absolute_effect and standard_error of
            `campaign_effect`.

        Returns
        -------
        Look

        Raises
        ------
        SettingsError
            Where the day lies outside the campaign, or is not one of its declared looks, or a number
            is not of its range.

        Examples
        --------
        >>> from retention_models.settings.campaigns import Campaign
        >>> coupon = Campaign(id="spring", name="Spring", kind="coupon", design="randomised",
        ...     start=dt.date(2024, 3, 1), end=dt.date(2024, 3, 28), looks=(0.25, 0.5, 0.75, 1.0))
        >>> plan_looks(coupon).look_at("2024-03-07", effect=0.2, standard_error=0.1).stop
        False
        """
        end = self._checked(day)
        if not (math.isfinite(effect) and math.isfinite(standard_error) and standard_error > 0.0):
            raise SettingsError(
                f"effect is {effect} and standard_error {standard_error}; expected finite numbers, the "
                "latter above 0."
            )
        if self.declared is not None:
            look = self._number(end)
            low, high = self.declared.interval(effect, standard_error, look)
            sentence, places = _LOOK, {"n": count(look), "all": count(len(self.table))}
        else:
            days = (end - self.campaign.start).days + 1
            # ρ only enters as days·ρ²: narrowest on the last day, in whatever unit they count.
            rho = best_rho(self.campaign.days, level=self.level)
            low, high, _ = confidence_sequence(
                effect, standard_error, days, rho=rho, level=self.level
            )
            sentence, places = _DAY, {"n": count(days), "all": count(self.campaign.days)}
        effect, low, high = float(effect), float(low), float(high)
        stop = low > 0.0 or high < 0.0
        told = {
            "day": in_words(end),
            "outcome": outcome_label(self.campaign.primary, "noun"),
            "effect": decimals(effect, 3, signed=True),
            "low": decimals(low, 3, signed=True),
            "high": decimals(high, 3, signed=True),
        }
        return Look(
            end, effect, low, high, stop, self._words(phrase(sentence, **places, **told), end, stop)
        )

    def summary(self) -> str:
        """When one may look, in a sentence.

        Examples
        --------
        >>> from retention_models.settings.campaigns import Campaign
        >>> coupon = Campaign(id="spring", name="Spring", kind="coupon", design="randomised",
        ...     start=dt.date(2024, 3, 1), end=dt.date(2024, 3, 28), looks=(0.25, 0.5, 0.75, 1.0))
        >>> plan_looks(coupon).summary().split(": ")[0]
        'Spring is looked at 4 times'
        """
        if self.declared is None:
            return phrase(
                "No looks were declared: {name} may be looked at on any day, by intervals that hold on "
                "all days together; they are wider than that of a single look.",
                name=self.campaign.name,
            )
        days = [
            phrase(
                "{day} (|z| from {limit})", day=in_words(row.day), limit=decimals(row.boundary, 2)
            )
            for row in self.table.itertuples()
        ]
        return phrase(
            "{name} is looked at {n}: {days}. It is stopped only beyond these boundaries, so that "
            "all looks together err in {level} of campaigns without effect; the last interval is "
            "{times} times as wide as that of a campaign looked at once.",
            name=self.campaign.name,
            n=counted(len(self.table), "time"),
            days=listed(days),
            level=share(self.level),
            times=decimals(self.declared.widening, 2),
        )

    def _checked(self, day: Day) -> dt.date:
        found, campaign = as_day(day, "day"), self.campaign
        if not campaign.start <= found <= campaign.end:
            raise SettingsError(
                f"day: expected one from {campaign.start} to {campaign.end}, the days of campaign "
                f"{campaign.id!r}; got {found}."
            )
        if self.declared is not None:
            self._number(found)
        return found

    def _number(self, day: dt.date) -> int:
        looks = {row.day: int(row.Index) for row in self.table.itertuples()}
        if day not in looks:
            raise SettingsError(
                f"day: {day} is no declared look of campaign {self.campaign.id!r}; those are "
                f"{', '.join(map(str, looks))}. More looks would find effects where there are none."
            )
        return looks[day]

    def _words(self, found: str, day: dt.date, shown: bool) -> str:
        if shown and day < self.campaign.end:
            return f"{found} {phrase('That is not chance: the campaign may be stopped.')}"
        if shown:
            return f"{found} {phrase('It is over, and its effect is shown.')}"
        if day == self.campaign.end:
            return f"{found} {phrase('It is over, and no effect was shown.')}"
        return f"{found} {phrase('It may still be chance: go on.')}"


def plan_looks(campaign: Campaign, *, level: float = 0.05) -> CampaignLooks:
    """Days on which a campaign may be looked at, and the boundaries of those looks.

    Parameters
    ----------
    campaign : Campaign
        With its declared looks; without any, every day may be looked at by wider intervals.
    level : float
        Probability of stopping where there is no effect, over all looks.

    Returns
    -------
    CampaignLooks

    Raises
    ------
    SettingsError
        Where the looks are not rising shares up to 1, or two of them fall on one day.

    Notes
    -----
    O'Brien & Fleming (1979) and Waudby-Smith et al. (2024); see `campaigns`. A share of the
    days that is no whole number of days is rounded up.

    Examples
    --------
    >>> from retention_models.settings.campaigns import Campaign
    >>> coupon = Campaign(id="spring", name="Spring", kind="coupon", design="randomised",
    ...     start=dt.date(2024, 3, 1), end=dt.date(2024, 3, 28), looks=(0.25, 0.5, 0.75, 1.0))
    >>> plan_looks(coupon).table[["day", "boundary"]].round(3).values.tolist()[0]
    [datetime.date(2024, 3, 7), 4.049]
    """
    columns = ["day", "share", "boundary", "level"]
    if not campaign.looks:
        obrien_fleming(1, level=level)  # refuses what is no level
        none = pd.DataFrame(columns=columns, index=pd.Index([], name="look"))
        return CampaignLooks(campaign, none, None, level)
    declared = obrien_fleming(campaign.looks, level=level)
    # Less what binary fractions add: 0.1 of 30 days is 3 days.
    counts = [math.ceil(share * campaign.days - 1e-9) for share in campaign.looks]
    if len(set(counts)) < len(counts):
        raise SettingsError(
            f"campaign {campaign.id!r}: looks are {list(campaign.looks)} of {campaign.days} days, and "
            "two of them fall on one day; expected a day for each. Declare fewer."
        )
    table = pd.DataFrame(
        {
            "day": [campaign.start + dt.timedelta(days=count - 1) for count in counts],
            "share": declared.information,
            "boundary": declared.boundaries,
            "level": declared.levels,
        },
        index=pd.RangeIndex(1, len(counts) + 1, name="look"),
    )
    return CampaignLooks(campaign, table[columns], declared, level)
