"""What winning and keeping customers is worth, on a store's page: sentences and tables."""

from __future__ import annotations

import numpy as np
import pandas as pd

from retention_models.languages import (
    catalogue,
    count,
    counted,
    day,
    decimals,
    duration,
    phrase,
    plural,
    quoted,
    share,
)
from retention_models.measures.table import SMALLEST_GROUP
from retention_models.pages.store.tables import evenly
from retention_models.predictions.loyalty_claims import LoyaltyClaims
from retention_models.predictions.retention_in_short import RetentionInShort
from retention_models.project.acquisition import EVERYONE, AcquisitionWorth
from retention_models.settings.project import ModelSettings, Money

_WON = catalogue(
    {
        "all.pays": (
            "Over the next {horizon} a new customer is expected to bring {value} ({low} to {high}, "
            "{level}), {times} times ({times_low} to {times_high}) what winning one costs on average."
        ),
        "all.loses": (
            "Over the next {horizon} a new customer is expected to bring {value} ({low} to {high}, "
            "{level}), less than what winning one costs on average: {times} times of it ({times_low} "
            "to {times_high})."
        ),
        "all.open": (
            "Over the next {horizon} a new customer is expected to bring {value} ({low} to {high}, "
            "{level}); whether that is more than what winning one costs on average is open: {times} "
            "times of it ({times_low} to {times_high})."
        ),
        "all.free": (
            "Over the next {horizon} a new customer is expected to bring {value} ({low} to {high}, "
            "{level}), and winning one costs nothing."
        ),
        "all.uncosted": (
            "Over the next {horizon} a new customer is expected to bring {value} ({low} to {high}, "
            "{level}). What winning one costs on average cannot be said: the project file has no "
            "cost of all of them ([acquisition])."
        ),
        "pays": "More than winning them costs bring those won by {channels}.",
        "loses": "Less than winning them costs bring those won by {channels}.",
        "open": "Whether they bring what winning them costs is open of those won by {channels}.",
        "since": (
            "Counted are the {customers} first seen from {day} on: those of before would look like "
            "loyal new ones."
        ),
        "alike": (
            "Costs are those of the project file; those to come are taken to be like those who came."
        ),
        "unlike": (
            "Channels bring different people: that one pays does not say that more money for it would "
            "bring more such customers."
        ),
    }
)


def kept(found: RetentionInShort, model: ModelSettings, money: Money) -> str:
    """How many stay, what five points more would bring, and what is not in it."""
    ahead = duration(model.horizon, model.time_unit)
    said = [
        phrase(
            "By the model {kept} of those who are customers today still will be in {ahead}.",
            kept=share(found.retention),
            ahead=ahead,
        )
    ]
    row = found.scenarios.iloc[(found.scenarios["points"] - 5.0).abs().argmin()]
    value, low, high = evenly(row["more"], row["more_low"], row["more_high"])
    said.append(
        plural(
            "Were it one point more, with what they buy and spend as it is, they would bring {percent} "
            "more margin in that time: {value} ({low} to {high}, {level}).",
            "Were it {n} points more, with what they buy and spend as it is, they would bring {percent} "
            "more margin in that time: {value} ({low} to {high}, {level}).",
            round(row["points"]),
            percent=share(row["percent"] / 100.0, 1),
            value=phrase("{amount} {currency}", amount=value, currency=money.currency),
            low=low,
            high=high,
            level=share(model.interval),
        )
    )
    return " ".join(
        [
            *said,
            phrase(
                "What the points cost is not in it. Nobody sees a customer leave, so this hangs on the "
                "model more than other numbers do."
            ),
        ]
    )


def kept_by_points(found: RetentionInShort, model: ModelSettings, money: Money) -> pd.DataFrame:
    """Points of retention, and the margin that they would bring, as text."""
    rows = []
    for _, row in found.scenarios.iterrows():
        value, low, high = evenly(row["more"], row["more_low"], row["more_high"])
        percent = [share(row[f"percent{end}"] / 100.0, 1) for end in ("", "_low", "_high")]
        rows.append(
            [
                phrase("{value} ({low} to {high})", value=value, low=low, high=high),
                phrase(
                    "{value} ({low} to {high})", value=percent[0], low=percent[1], high=percent[2]
                ),
            ]
        )
    level = share(model.interval)
    columns = [
        phrase("More margin, {currency} ({level})", currency=money.currency, level=level),
        phrase("Of today's margin"),
    ]
    points = [
        plural("{n} point above today", "{n} points above today", round(each))
        for each in found.scenarios["points"]
    ]
    index = pd.Index(points, name=phrase("Retention"))
    return pd.DataFrame(rows, columns=columns, index=index)


def claims(found: LoyaltyClaims) -> list[str]:
    """What is said of retention and of winning customers, beside the store's own numbers."""
    return [phrase("Shops are told: {claim}", claim=line) for line in found.lines()]


def _verdict(row: pd.Series) -> str:
    """Whether a channel's customers bring what they cost; "uncosted" or "free" where none asks."""
    if np.isnan(row["cost"]):
        return "uncosted"
    if row["cost"] == 0.0:
        return "free"
    return (
        "pays"
        if row["value_per_cost_low"] > 1.0
        else "loses"
        if row["value_per_cost_high"] < 1.0
        else "open"
    )


def won(found: AcquisitionWorth, currency: str) -> list[str]:
    """What new customers bring beside their cost, on average and by channel, and what was left out."""
    table, terms = found.table, found.table.attrs
    everyone = table.loc[EVERYONE]
    if everyone["note"]:
        said = [
            phrase("What a new customer is worth cannot be said. {reason}", reason=everyone["note"])
        ]
    else:
        value, low, high = evenly(*(everyone[f"value{end}"] for end in ("", "_low", "_high")))
        said = [
            phrase(
                _WON[f"all.{_verdict(everyone)}"],
                horizon=duration(terms["horizon"], terms["time_unit"]),
                value=phrase("{amount} {currency}", amount=value, currency=currency),
                low=low,
                high=high,
                level=share(terms["interval"]),
                **(_times(everyone) if everyone["cost"] > 0 else {}),
            )
        ]
    channels = table.drop(index=EVERYONE)
    told = channels[channels["note"] == ""]
    verdicts = told.apply(_verdict, axis=1) if len(told) else pd.Series(dtype=object)
    for verdict in ("pays", "loses", "open"):
        names = [str(name) for name in told.index[verdicts == verdict]]
        if names:
            said.append(phrase(_WON[verdict], channels=quoted(names)))
    return said


def won_left_out(found: AcquisitionWorth) -> list[str]:
    """How the table is to be read, whom it leaves out, and which costs nobody bears."""
    table = found.table
    said = [phrase(_WON["alike"]), *([phrase(_WON["unlike"])] if len(table) > 2 else [])]
    if found.since is not None:
        said.append(
            phrase(
                _WON["since"],
                customers=counted(int(table.loc[EVERYONE, "customers"]), "customer"),
                day=day(found.since),
            )
        )
    if found.untold:
        said.append(
            plural(
                "Of one customer it is not known which channel won them.",
                "Of {n} customers it is not known which channel won them.",
                found.untold,
            )
        )
    if found.small:
        said.append(
            plural(
                "One channel of fewer than {smallest} customers is not shown.",
                "{n} channels of fewer than {smallest} customers each are not shown.",
                found.small,
                smallest=SMALLEST_GROUP,
            )
        )
    if found.further:
        said.append(
            plural(
                "One more channel, the smallest, is left out.",
                "{n} more channels, the smallest, are left out.",
                found.further,
            )
        )
    if found.nobody:
        said.append(
            phrase(
                "The project file names a cost of {channels}, by which none of the customers came.",
                channels=quoted(found.nobody),
            )
        )
    return said


def won_by_channel(found: AcquisitionWorth, currency: str) -> pd.DataFrame:
    """New customers by channel, as text: worth each, cost, worth over cost, and when it is back."""
    table = found.table
    names = [phrase("All") if name == EVERYONE else str(name) for name in table.index]
    rows = [_won_row(row, table.attrs) for _, row in table.iterrows()]
    columns = [
        phrase("Customers"),
        phrase(
            "Worth each, {currency} ({level})",
            currency=currency,
            level=share(table.attrs["interval"]),
        ),
        phrase("Cost of winning one, {currency}", currency=currency),
        phrase("Worth ÷ cost"),
        phrase("Cost is back after"),
    ]
    return pd.DataFrame(
        rows, columns=columns, index=pd.Index(names, name=phrase("Channel that won them"))
    )


def _won_row(row: pd.Series, terms: dict[str, object]) -> list[str]:
    cost = phrase("not said") if np.isnan(row["cost"]) else _amount(row["cost"])
    customers = count(row["customers"])
    if row["note"]:
        return [customers, str(row["note"]), cost, "", ""]
    value, low, high = evenly(*(row[f"value{end}"] for end in ("", "_low", "_high")))
    worth = phrase("{value} ({low} to {high})", value=value, low=low, high=high)
    if np.isnan(row["cost"]):
        return [customers, worth, cost, "", ""]
    if row["cost"] == 0.0:
        return [customers, worth, cost, phrase("costs nothing"), phrase("at once")]
    value, low, high = _times(row).values()
    times = phrase("{value} ({low} to {high})", value=value, low=low, high=high)
    return [customers, worth, cost, times, _payback(row, str(terms["time_unit"]))]


def _amount(value: float) -> str:
    return evenly(value)[0]


def _times(row: pd.Series) -> dict[str, str]:
    """Worth over cost, and its ends, with as many digits as each other."""
    ends = {end: float(row[f"value_per_cost{end}"]) for end in ("", "_low", "_high")}
    digits = 2 if max(ends.values()) < 10.0 else 1
    return {f"times{end}": decimals(value, digits) for end, value in ends.items()}


def _payback(row: pd.Series, unit: str) -> str:
    """When the cost is back, with its interval: at once, after some time, or not within the horizon."""
    back, low, high = (float(row[f"payback{end}"]) for end in ("", "_low", "_high"))
    if high == 0.0:
        return phrase("at once")
    if low == np.inf:
        return phrase("not in this time")
    if back == np.inf:
        return phrase("not in this time ({low} at the earliest)", low=_time(low, unit))
    value = _time(back, unit)
    if high == np.inf:
        return phrase("{value} ({low}, or not in this time)", value=value, low=_time(low, unit))
    # The unit stands at the value.
    ends = [count(np.ceil(end)) for end in (low, high)]
    return phrase("{value} ({low} to {high})", value=value, low=ends[0], high=ends[1])


def _time(length: float, unit: str) -> str:
    return phrase("at once") if length == 0.0 else duration(float(np.ceil(length)), unit)
