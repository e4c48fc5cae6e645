"""Sentences of a store's page: whom to call, and those of its other sections."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from retention_models.actions.lists import ActionList
from retention_models.actions.to_call import CallList
from retention_models.errors import CannotSay
from retention_models.languages import (
    count,
    counted,
    day,
    decimals,
    money,
    phrase,
    plural,
    quoted,
    share,
)
from retention_models.levels import Interval
from retention_models.measures.definitions import ANNUAL_CHURN_BAND, BAND_FROM
from retention_models.measures.recent import QUARTER
from retention_models.measures.table import SMALLEST_GROUP
from retention_models.pages.store.sentences import ENGLISH
from retention_models.pages.store.tables import evenly, shown, shown_change, shown_signed
from retention_models.predictions.validation.store_changes import Silence
from retention_models.project.workbook import WORKBOOK
from retention_models.settings.project import Money

CALLS = "call_tomorrow.csv"  # beside the page


def kept(row: pd.Series, window: int | None) -> str:
    """How many active customers were lost in the quarter: the churn's row, and the activity window."""
    if pd.isna(row["value"]) or window is None:
        return not_kept(str(row["note"]))
    if row["customers"] < SMALLEST_GROUP:
        return phrase(
            "How many were lost in the last quarter is not shown: fewer than {smallest} were "
            "active when it began.",
            smallest=SMALLEST_GROUP,
        )
    n = float(row["denominator"])
    return phrase(
        "Of {active} who were active on {before}, {lost} ({low} to {high}) no longer were on "
        "{end}: their last purchase was {window} back or more.",
        active=counted(round(n), "customer"),
        lost=count(row["numerator"]),
        low=count(n * row["low"]),
        high=count(n * row["high"]),
        before=day(row["start"] - pd.Timedelta(days=1)),
        end=day(row["end"]),
        window=counted(window, "day"),
    )


def not_kept(reason: str) -> str:
    """Why it cannot be said how many were lost."""
    return phrase("How many were lost in the last quarter cannot be said. {reason}", reason=reason)


def what_changed(
    changes: pd.DataFrame | str,
    currency: str,
    *,
    year: pd.DataFrame | str = "",
) -> str:
    """The change against the quarter before that stands out most, or that none does, or the reason."""
    if isinstance(changes, str):
        return phrase(ENGLISH["change.nothing_compared"], reason=changes)
    compared = changes.loc[changes["size"].notna()]
    if compared.empty:
        few = phrase(
            "Fewer than {smallest} customers bought in one of the two.", smallest=SMALLEST_GROUP
        )
        notes = [note for note in changes["note"] if note]
        return phrase(ENGLISH["change.nothing_compared"], reason=notes[0] if notes else few)
    end, looked_at = day(changes["end"].iloc[0]), len(compared)
    largest = str(compared["size"].idxmax())
    row = compared.loc[largest]
    if row["size"] <= 1.0:
        return plural(
            "Between the 13 weeks to {end} and the 13 weeks before, the one figure that could be "
            "compared did not move by more than chance.",
            "Between the 13 weeks to {end} and the 13 weeks before, none of the {compared} figures "
            "that could be compared moved by more than chance.",
            looked_at,
            end=end,
            compared=looked_at,
        )
    texts = [_change(row, largest, end, currency)]
    texts.append(
        phrase(ENGLISH["change.chance" if looked_at > 1 else "change.only"], compared=looked_at)
    )
    texts.append(_a_year_before(year, largest, currency))
    return " ".join(texts)


def _a_year_before(year: pd.DataFrame | str, measure: str, currency: str) -> str:
    if isinstance(year, str) or pd.isna(year.loc[measure, ["change", "low", "high"]]).any():
        return phrase(
            "Whether that is the season cannot be told before there is a year to compare."
        )
    found = {
        name: shown_signed(measure, float(year.loc[measure, name]), currency, bare=name != "change")
        for name in ("change", "low", "high")
    }
    apart = year.loc[measure, "low"] > 0 or year.loc[measure, "high"] < 0
    return phrase(ENGLISH["change.year.beyond" if apart else "change.year.within"], **found)


def _change(row: pd.Series, measure: str, end: str, currency: str) -> str:
    up = row["change"] > 0
    low, high = (row["low"], row["high"]) if up else (row["high"], row["low"])
    return phrase(
        ENGLISH[f"change.{measure}.{'up' if up else 'down'}"],
        end=end,
        now=shown(measure, row["value"], currency),
        before=shown(measure, row["value_before"], currency),
        change=shown_change(measure, row["change"], currency),
        low=shown_change(measure, low, currency),
        high=shown_change(measure, high, currency),
    )


def to_call(found: CallList, currency: str, horizon: str, level: float) -> str:
    """How many customers to call, their silence, what is at stake, and in which file they are."""
    table, stake = found.customers, found.at_stake
    if table.empty or stake is None:
        raise CannotSay(
            "Nobody who is likely to be a customer still is silent for longer than is usual for "
            "them, so there is nobody to call."
        )
    if len(table) < SMALLEST_GROUP:
        return phrase(ENGLISH["call.few"], smallest=SMALLEST_GROUP, file=CALLS)
    value, low, high = evenly(stake.value, stake.low, stake.high)
    return phrase(
        ENGLISH["call.told"],
        customers=counted(len(table), "customer"),
        gap=counted(max(1, round(table["usual_gap"].median())), "day"),
        silent=counted(round(table["days_silent"].median()), "day"),
        value=phrase("{amount} {currency}", amount=value, currency=currency),
        low=low,
        high=high,
        level=share(level),
        horizon=horizon,
        file=CALLS,
    )


def in_one_workbook(lists: Mapping[str, ActionList]) -> str:
    """Where all lists are together, with how many are too short to be counted here."""
    short = sum(
        0 < len(one.customers) < SMALLEST_GROUP and not one.refusal for one in lists.values()
    )
    texts = [phrase("All lists, a sheet each: {file}.", file=WORKBOOK)]
    if short:
        texts.append(
            plural(
                "One more, of fewer than {smallest} customers, is not counted here.",
                "{n} more, of fewer than {smallest} customers each, are not counted here.",
                short,
                smallest=SMALLEST_GROUP,
            )
        )
    return " ".join(texts)


def headline_window(quarter: pd.DataFrame, horizon: str, level: float) -> str:
    """Of which days the headline figures are."""
    row = quarter.iloc[0]
    return phrase(
        "Measured from {start} to {end}, and held against the 13 weeks before; what is "
        "expected looks ahead {horizon}. Intervals of what was measured are 95%, those of "
        "expectations {level}. With several changes looked at together, one is called beyond "
        "chance only where there is less than 1 chance in 20 that any of them would be "
        "called so by accident.",
        start=day(row["start"]),
        end=day(row["end"]),
        horizon=horizon,
        level=share(level),
    )


def churn(
    quarter: pd.DataFrame, window: int | None, alive: Interval | str, silence: Silence | None = None
) -> str:
    """Churn of the quarter and a year, against the band and the model; neither of a closed store."""
    row, year = quarter.loc["churn_rate"], quarter.loc["annual_churn_rate"]
    if pd.isna(row["value"]) or window is None or row["customers"] < SMALLEST_GROUP:
        raise CannotSay(kept(row, window))
    annual = phrase(
        "Churn in the quarter was {churn} ({low} to {high}); were it the same all year it "
        "would come to {annual} ({annual_low} to {annual_high}) a year.",
        churn=share(row["value"]),
        low=share(row["low"]),
        high=share(row["high"]),
        annual=share(year["value"]),
        annual_low=share(year["low"]),
        annual_high=share(year["high"]),
    )
    if silence is not None:
        said = phrase(
            "All of that is the silence since {day}; the forecast is withheld, so the model has "
            "nothing to add.",
            day=day(silence.last_purchase),
        )
        return f"{annual} {said}"
    band = _against_the_band(window)
    if isinstance(alive, str):
        said = phrase("What the model says of them is not given here. {reason}", reason=alive)
        return f"{annual} {band} {said}"
    said = phrase(
        "The model, which knows each customer's own habit, gives the customers of whom it can tell a "
        "chance of {alive} ({low} to {high}) on average to be with us still.",
        alive=share(alive.value),
        low=share(alive.low),
        high=share(alive.high),
    )
    return f"{annual} {band} {said}"


def _against_the_band(window: int) -> str:
    """The band in which shops are told to act; where customers buy often, why there is none."""
    if window >= BAND_FROM:
        low, high = (share(end) for end in ANNUAL_CHURN_BAND)
        return phrase("Shops are told to act above {low} to {high} a year.", low=low, high=high)
    return phrase(
        "Whoever stays away for {window} or longer counts as lost, and many of them come back, so "
        "this is not to be held against what is called a usual churn of a year.",
        window=counted(window, "day"),
    )


def worth_beside_the_rule(modelled: Interval, rule: pd.Series, terms: Money, horizon: str) -> str:
    """The modelled value of a customer beside the rule of thumb's (a row of `measure_table`)."""
    if pd.isna(rule["value"]) or pd.isna(rule["low"]):
        return phrase("The rule of thumb cannot be given. {reason}", reason=str(rule["note"]))
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
    amounts = {}
    for names in (list(said)[:3], list(said)[3:6], list(said)[6:]):
        for name, value in zip(names, evenly(*(float(said[name]) for name in names)), strict=True):
            amounts[name] = phrase("{amount} {currency}", amount=value, currency=terms.currency)
    return phrase(
        ENGLISH[key], **amounts, horizon=horizon, times=decimals(times, 1), share=share(times)
    )


def tenths(table: pd.DataFrame, top_share: Interval, currency: str, horizon: str) -> str:
    """How unequal customers are: from `value_tenths`, with the forecast's share of the top tenth."""
    return phrase(
        "The most valuable tenth of customers, {customers}, are expected to bring {share} "
        "({low} to {high}) of the margin of the next {horizon}, {mean} each; the least valuable half "
        "{rest}. The bars are the model's expectations, whose doubt the interval of the top tenth "
        "tells.",
        customers=counted(int(table.loc[1, "customers"]), "customer"),
        share=share(top_share.value),
        low=share(top_share.low),
        high=share(top_share.high),
        horizon=horizon,
        mean=money(float(table.loc[1, "mean"]), currency),
        rest=share(table.loc[6:, "share"].sum()),
    )


def alive_classes(counts: pd.Series) -> str:
    """How sure the model is of the customers: from `plots.alive_counts`."""
    key = "alive.classes" if len(counts) > 1 else "alive.one_class"
    return phrase(
        ENGLISH[key],
        sure=count(counts.iloc[-1]),
        sure_class=counts.index[-1],
        unlikely=count(counts.iloc[0]),
        unlikely_class=counts.index[0],
        customers=counted(int(counts.sum()), "customer"),
    )


def lists_refused(lists: Mapping[str, ActionList]) -> list[str]:
    """What of the lists cannot be said: what is at stake, and lists there cannot be, by reason."""
    titles: dict[str, list[str]] = {}
    for one in lists.values():
        if one.refusal:
            titles.setdefault(one.refusal, []).append(one.title)
    said = [
        phrase(
            ENGLISH["lists.refused" if len(names) == 1 else "lists.several_refused"],
            titles=quoted(names),
            reason=reason,
        )
        for reason, names in titles.items()
    ]
    shown = (one for one in lists.values() if len(one.customers) and not one.refusal)
    # Of all lists together, or of single ones.
    return [*dict.fromkeys(one.no_value for one in shown if one.no_value), *said]


def lists_privacy() -> str:
    """What the table of lists leaves out, and what its amounts mean."""
    return phrase(
        "What is at stake: of customers to be kept, the margin they are expected to bring; "
        "of those who are gone or waver, the most that winning them back can bring. A "
        "customer may be on several lists, so the amounts do not add up. Lists of fewer than "
        "{smallest} customers are not on this page.",
        smallest=SMALLEST_GROUP,
    )


def satisfaction(answers: pd.DataFrame) -> str:
    """What customers answered in the last quarter; refused for fewer than five."""
    texts, nps, thumbs = [], answers.loc["net_promoter_score"], answers.loc["satisfaction"]
    if pd.notna(nps["value"]) and pd.notna(nps["low"]):
        texts.append(
            phrase(
                "In the last quarter the Net Promoter Score was {value} ({low} to {high}), from "
                "{answers}.",
                **{name: decimals(nps[name], 0, signed=True) for name in ("value", "low", "high")},
                answers=counted(round(nps["denominator"]), "answer"),
            )
        )
    if pd.notna(thumbs["value"]) and pd.notna(thumbs["low"]):
        texts.append(
            phrase(
                "{value} of the thumbs of the last quarter were up ({low} to {high}; {up} of "
                "{answers}).",
                value=share(thumbs["value"]),
                low=share(thumbs["low"]),
                high=share(thumbs["high"]),
                up=count(thumbs["numerator"]),
                answers=counted(round(thumbs["denominator"]), "thumb"),
            )
        )
    if not texts:
        raise CannotSay(
            "Fewer than {smallest} customers answered a survey in the last {days} days, so what "
            "they said is not shown.",
            smallest=SMALLEST_GROUP,
            days=QUARTER,
        )
    return " ".join(texts)


def satisfaction_by_week(weeks: pd.DataFrame) -> str:
    """The last week of `StorePage.satisfaction_by_week`."""
    last = weeks.iloc[-1]
    ends = {name: share(last[name]) for name in ("value", "low", "high")}
    return phrase(
        "Week by week, the last: {value} of the thumbs were up ({low} to {high}). Weeks in "
        "which fewer than {smallest} customers answered are left out.",
        **ends,
        smallest=SMALLEST_GROUP,
    )
