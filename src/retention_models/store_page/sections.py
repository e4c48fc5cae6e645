"""Sentences of the sections of a store's page, as pure functions."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from retention_models.actions.lists import ActionList
from retention_models.errors import CannotSay
from retention_models.languages import counted, day, money
from retention_models.measures.definitions import ANNUAL_CHURN_BAND
from retention_models.measures.table import SMALLEST_GROUP
from retention_models.predictions import Interval
from retention_models.settings import Money
from retention_models.store_changes import Silence
from retention_models.store_page.answers import kept
from retention_models.store_page.english import ENGLISH
from retention_models.store_page.numbers import QUARTER


def headline_window(
    quarter: pd.DataFrame, horizon: str, level: float, words: Mapping[str, str] = ENGLISH
) -> str:
    """Of which days the headline figures are."""
    row = quarter.iloc[0]
    return words["headline.window"].format(
        start=day(row["start"]), end=day(row["end"]), horizon=horizon, level=f"{level:.0%}"
    )


def churn(
    quarter: pd.DataFrame,
    window: int | None,
    alive: Interval | str,
    silence: Silence | None = None,
    words: Mapping[str, str] = ENGLISH,
) -> str:
    """Churn of the quarter, a year, against the band, and beside the model's answer.

    Of a store that seems to have closed there is no band to compare with, and no model's answer.

    Raises
    ------
    CannotSay
        Where there is no churn to tell.
    """
    row, year = quarter.loc["churn_rate"], quarter.loc["annual_churn_rate"]
    if pd.isna(row["value"]) or window is None or row["customers"] < SMALLEST_GROUP:
        raise CannotSay(kept(row, window, words))
    low, high = ANNUAL_CHURN_BAND
    annual = words["churn.annual"].format(
        churn=f"{row['value']:.0%}",
        low=f"{row['low']:.0%}",
        high=f"{row['high']:.0%}",
        annual=f"{year['value']:.0%}",
        annual_low=f"{year['low']:.0%}",
        annual_high=f"{year['high']:.0%}",
    )
    if silence is not None:
        said = words["churn.closed"].format(day=day(silence.last_purchase))
        return f"{annual} {said}"
    band = words["churn.band"].format(
        band_low=f"{low:.0%}", band_high=f"{high:.0%}", window=counted(window, "day")
    )
    texts = [annual, band]
    if isinstance(alive, str):
        return " ".join([*texts, words["churn.no_alive"].format(reason=alive)])
    ends = {"low": f"{alive.low:.0%}", "high": f"{alive.high:.0%}"}
    return " ".join([*texts, words["churn.alive"].format(alive=f"{alive.value:.0%}", **ends)])


def worth_beside_the_rule(
    modelled: Interval,
    rule: pd.Series,
    terms: Money,
    horizon: str,
    words: Mapping[str, str] = ENGLISH,
) -> str:
    """The modelled value of a customer beside the rule of thumb's.

    Parameters
    ----------
    modelled : Interval
        Value per customer.
    rule : Series
        historic_clv's row of `measure_table`.
    terms : Money
    horizon : str
        In words.
    words : mapping
        The language.
    """
    if pd.isna(rule["value"]) or pd.isna(rule["low"]):
        return words["worth.no_rule"].format(reason=str(rule["note"]))
    at_margin = {name: terms.margin * float(rule[name]) for name in ("value", "low", "high")}
    times = at_margin["value"] / modelled.value if modelled.value > 0 else float("inf")
    key = "worth.over" if times >= 1 else "worth.under"
    said = {
        "historic": rule["value"],
        "historic_low": rule["low"],
        "historic_high": rule["high"],
        "rule": at_margin["value"],
        "rule_low": at_margin["low"],
        "rule_high": at_margin["high"],
        "modelled": modelled.value,
        "low": modelled.low,
        "high": modelled.high,
    }
    amounts = {name: money(float(value), terms.currency) for name, value in said.items()}
    off = words[key].format(times=f"{times:.1f}", share=f"{times:.0%}")
    return words["worth.beside"].format(**amounts, horizon=horizon, off=off)


def tenths(
    table: pd.DataFrame, share: Interval, currency: str, words: Mapping[str, str] = ENGLISH
) -> str:
    """How unequal customers are: from `value_tenths`, with the forecast's share of the top tenth."""
    return words["tenths"].format(
        customers=counted(int(table.loc[1, "customers"]), "customer"),
        share=f"{share.value:.0%}",
        low=f"{share.low:.0%}",
        high=f"{share.high:.0%}",
        mean=money(float(table.loc[1, "mean"]), currency),
        rest=f"{table.loc[6:, 'share'].sum():.0%}",
    )


def alive_classes(counts: pd.Series, words: Mapping[str, str] = ENGLISH) -> str:
    """How sure the model is of the customers: from `plots.alive_counts`."""
    key = "alive.classes" if len(counts) > 1 else "alive.one_class"
    return words[key].format(
        sure=f"{counts.iloc[-1]:,}",
        sure_class=counts.index[-1],
        unlikely=f"{counts.iloc[0]:,}",
        unlikely_class=counts.index[0],
        customers=counted(int(counts.sum()), "customer"),
    )


def lists_refused(lists: Mapping[str, ActionList], words: Mapping[str, str] = ENGLISH) -> list[str]:
    """What of the lists cannot be said: what is at stake, and lists there cannot be, by reason."""
    titles: dict[str, list[str]] = {}
    for one in lists.values():
        if one.refusal:
            titles.setdefault(one.refusal, []).append(one.title)
    said = [
        words["lists.refused" if len(names) == 1 else "lists.several_refused"].format(
            titles="”, “".join(names), reason=reason
        )
        for reason, names in titles.items()
    ]
    shown = (one for one in lists.values() if len(one.customers) and not one.refusal)
    # Of all lists together, or of single ones.
    return [*dict.fromkeys(one.no_value for one in shown if one.no_value), *said]


def lists_privacy(words: Mapping[str, str] = ENGLISH) -> str:
    """What the table of lists leaves out, and what its amounts mean."""
    return words["lists.privacy"].format(smallest=SMALLEST_GROUP)


def satisfaction(answers: pd.DataFrame, words: Mapping[str, str] = ENGLISH) -> str:
    """What customers answered in the last quarter.

    Raises
    ------
    CannotSay
        If fewer than five answered.
    """
    texts, nps, thumbs = [], answers.loc["net_promoter_score"], answers.loc["satisfaction"]
    if pd.notna(nps["value"]) and pd.notna(nps["low"]):
        texts.append(
            words["satisfaction.nps"].format(
                **{name: _signed(nps[name]) for name in ("value", "low", "high")},
                answers=counted(round(nps["denominator"]), "answer"),
            )
        )
    if pd.notna(thumbs["value"]) and pd.notna(thumbs["low"]):
        texts.append(
            words["satisfaction.thumbs"].format(
                value=f"{thumbs['value']:.0%}",
                low=f"{thumbs['low']:.0%}",
                high=f"{thumbs['high']:.0%}",
                up=f"{thumbs['numerator']:,.0f}",
                answers=counted(round(thumbs["denominator"]), "thumb"),
            )
        )
    if not texts:
        raise CannotSay(
            f"Fewer than {SMALLEST_GROUP} customers answered a survey in the last {QUARTER} days, so "
            "what they said is not shown."
        )
    return " ".join(texts)


def _signed(points: float) -> str:
    return f"{points:+.0f}".replace("-", "−")


def satisfaction_by_week(weeks: pd.DataFrame, words: Mapping[str, str] = ENGLISH) -> str:
    """The last week of `StorePage.satisfaction_by_week`."""
    last = weeks.iloc[-1]
    ends = {name: f"{last[name]:.0%}" for name in ("value", "low", "high")}
    return words["satisfaction.weeks"].format(**ends, smallest=SMALLEST_GROUP)
