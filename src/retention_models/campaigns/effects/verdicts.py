"""The verdict on the primary outcome, the grade of the evidence, and the level at a declared look."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence

import pandas as pd

from retention_models.campaigns.data.tables import Check
from retention_models.campaigns.effects.economics import paid_in_words
from retention_models.campaigns.effects.labels import outcome_label
from retention_models.campaigns.effects.refusals import not_a_look, not_over
from retention_models.campaigns.effects.tables import Grade, arms_of, primary_row
from retention_models.campaigns.estimators.power import detectable_multiple
from retention_models.campaigns.estimators.sequential import obrien_fleming
from retention_models.errors import CannotSay
from retention_models.languages import clauses, day, phrase, share
from retention_models.settings.campaigns import Campaign, Design


def detectable_lift(row: pd.Series, level: float = 0.05) -> float:
    """Lift that the test would have found in 80 of 100 cases, in percent; NaN without a mean."""
    if not row["mean_against"] > 0.0:
        return float("nan")
    multiple = detectable_multiple(0.8, level)
    return float(100.0 * multiple * row["standard_error"] / row["mean_against"])


def found_in(row: pd.Series, level: float) -> int:
    """1 where the arm did more beyond chance, −1 less, 0 neither; all arms of a test allowed for."""
    if not row["pvalue_holm"] < level:
        return 0
    return 1 if row["absolute_effect"] > 0.0 else -1


def verdict_of(
    campaign: Campaign, table: pd.DataFrame, economics: pd.DataFrame, level: float
) -> str:
    """Verdict of each arm against control, in the campaign's days; for profit that of its economics."""
    words = {}
    for arm in arms_of(table, campaign.control):
        row = primary_row(table, campaign.primary, "campaign", campaign.control, arm)
        if row is None:
            continue
        paid = economics.loc[economics["arm"] == arm, "verdict"]
        if campaign.primary == "profit" and not paid.empty:
            words[arm] = paid_in_words(str(paid.iloc[0]))
        else:
            words[arm] = _direction(row, level)
    if len(words) == 1:
        return next(iter(words.values()))
    return clauses(phrase("{arm}: {verdict}", arm=arm, verdict=text) for arm, text in words.items())


def _direction(row: pd.Series, level: float) -> str:
    sign = found_in(row, level)
    if sign:
        return outcome_label(row["outcome"], "more" if sign > 0 else "fewer")
    lift = detectable_lift(row, level)
    if lift != lift:
        return phrase("no difference found")
    return phrase(
        "no difference found (a lift of {lift} would have been)", lift=share(lift / 100.0)
    )


# A lot decides · whole stores, with what they did before · a rule, with others like those chosen ·
# customers themselves, with what a hidden cause could do.
OF_DESIGN: dict[Design, Grade] = {
    "randomised": "A",
    "stores": "B",
    "targeted": "C",
    "self_selected": "D",
}
GRADES: tuple[Grade, ...] = ("A", "B", "C", "D")
# Failures that bear on trust. Others, such as a follow-up that is not over, say what is not told; and
# what makes an effect look smaller than it is, as redemptions by control do, makes none of nothing.
OF_TRUST = (
    "sample ratio",
    "balance",
    "overlap",
    "offers before the start",
    "pre-trend",
    "stores open throughout",
)


def grade_of(design: Design, checks: Sequence[Check]) -> tuple[Grade, Check]:
    """Grade of an effect, and the check that says why.

    >>> failed = Check("balance", passed=False, blocks=False, words="The arms differed before.")
    >>> grade, why = grade_of("randomised", [failed])
    >>> grade, why.passed, why.words
    ('B', False, 'Grade B instead of A. The arms differed before.')
    """
    best = OF_DESIGN[design]
    failed = [check for check in checks if not check.passed and check.check in OF_TRUST]
    if not failed:
        return best, Check(
            "grade", True, False, phrase("Grade {grade}, the best of its design.", grade=best)
        )
    reasons = " ".join(dict.fromkeys(check.words for check in failed))
    grade = GRADES[min(GRADES.index(best) + 1, len(GRADES) - 1)]
    instead = phrase("Grade {grade}.", grade=grade)
    if grade != best:
        instead = phrase("Grade {grade} instead of {best}.", grade=grade, best=best)
    return grade, Check("grade", False, False, f"{instead} {reasons}")


def look_days(campaign: Campaign) -> tuple[dt.date, ...]:
    """Last day of data of each declared look.

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


def look_check(campaign: Campaign, last_day: dt.date) -> list[Check]:
    """That an effect stands before the end, for the checks; nothing after it."""
    if last_day >= campaign.end:
        return []
    words = phrase(
        "The campaign still runs: this is the declared look of {day}, and its intervals are as wide as "
        "it takes to look more than once.",
        day=day(last_day),
    )
    return [Check("look", True, False, words)]
