"""At which declared look a campaign's data stand, and how strict its intervals then are."""

from __future__ import annotations

import datetime as dt
import math

from retention_models.campaign_data.customers import Finding
from retention_models.campaign_effects.refusals import not_a_look, not_over
from retention_models.campaign_settings import Campaign
from retention_models.campaigns.sequential import obrien_fleming
from retention_models.errors import CannotSay
from retention_models.languages import day, phrase


def look_days(campaign: Campaign) -> tuple[dt.date, ...]:
    """Last day of data of each declared look.

    Parameters
    ----------
    campaign : Campaign

    Returns
    -------
    tuple of date
        The share of the campaign's days, rounded up to whole days; the last is its end.

    Examples
    --------
    >>> campaign = Campaign(
    ...     id="c", name="C", kind="coupon", design="randomised", start=dt.date(2017, 3, 1),
    ...     end=dt.date(2017, 3, 28), looks=(0.25, 1.0))
    >>> [str(one) for one in look_days(campaign)]
    ['2017-03-07', '2017-03-28']
    """
    # Less what binary fractions add: 0.1 of 30 days is 3 days.
    lengths = (math.ceil(share * campaign.days - 1e-9) for share in campaign.looks)
    return tuple(campaign.start + dt.timedelta(days=length - 1) for length in lengths)


def level_now(campaign: Campaign, last_day: dt.date, level: float) -> float:
    """Two-sided level of an interval as of the data's last day.

    Parameters
    ----------
    campaign : Campaign
    last_day : date
        Of the log.
    level : float
        Over all looks together, such as 0.05.

    Returns
    -------
    float
        `level` without declared looks; with them that of the repeated interval (O'Brien–Fleming) at
        the look. Its looks take the share of days for the share of information. What customers of
        one arm do on different days is correlated, the more so the more they differ, so scores of
        different looks are at least as correlated as supposed, and the level is kept or less is
        used.

    Raises
    ------
    CannotSay
        Before the end, unless on a declared day.

    Examples
    --------
    >>> campaign = Campaign(
    ...     id="c", name="C", kind="coupon", design="randomised", start=dt.date(2017, 3, 1),
    ...     end=dt.date(2017, 3, 28), looks=(0.5, 1.0))
    >>> [round(level_now(campaign, one, 0.05), 4) for one in look_days(campaign)]
    [0.0052, 0.048]
    """
    if not campaign.looks:
        if last_day < campaign.end:
            raise CannotSay(not_over(last_day, campaign.end))
        return level
    levels = obrien_fleming(list(campaign.looks), level=level).levels
    at = look_days(campaign)
    if last_day >= campaign.end:
        return float(levels[-1])
    if last_day not in at:
        raise CannotSay(not_a_look(last_day, next(one for one in at if one > last_day)))
    return float(levels[at.index(last_day)])


def look_finding(campaign: Campaign, last_day: dt.date) -> list[Finding]:
    """That an effect stands before the end, for the checks; nothing after it."""
    if last_day >= campaign.end:
        return []
    words = phrase(
        "The campaign still runs: this is the declared look of {day}, and its intervals are as wide as "
        "it takes to look more than once.",
        day=day(last_day),
    )
    return [Finding("look", True, False, words)]
