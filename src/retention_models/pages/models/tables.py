"""Results → small tables of ready text, for a page."""

from __future__ import annotations

import numpy as np
import pandas as pd

from retention_models.languages import (
    catalogue,
    count,
    decimals,
    ends,
    money,
    number,
    phrase,
    share,
    signed_share,
    spoken,
)
from retention_models.models.fitters import GammaGammaFitter, PurchaseFitter
from retention_models.predictions.model_names import name_in_words
from retention_models.predictions.validation.comparison import ModelComparison
from retention_models.predictions.validation.holdout import HoldoutValidation
from retention_models.predictions.validation.whole_store_check import WholeStoreCheck

_MEASURES = catalogue(
    {
        "customers": "Customers",
        "orders": "Orders",
        "revenue": "Revenue",
        "repeat_customer_rate": "Repeat customers",
        "purchase_frequency": "Orders per customer",
        "spend_per_order": "Spend per order",
        "sales_per_customer": "Sales per customer",
    }
)
_MONEY = {"revenue", "spend_per_order", "sales_per_customer"}

_MEANING = catalogue(
    {
        "r": "shape of the purchase rates: the smaller, the more unequal",
        "alpha": "rate of the purchase rates; r / alpha is their mean",
        "a": "a / (a + b) is the mean chance to leave after a purchase",
        "b": "see a",
        "s": "shape of the rates to leave: the smaller, the more unequal",
        "beta": "rate of the rates to leave; s / beta is their mean",
        "r0": "shape of the purchase rates of those who were customers before the data begin",
        "alpha0": "rate of their purchase rates; r0 / alpha0 is their mean",
        "a0": "a0 / (a0 + b0) is their mean chance to leave after a purchase",
        "b0": "see a0",
        "before": "how many they were, with those who have not been seen since",
        "arrivals": "newcomers per unit of time",
        "p": "shape of a customer's own spend: the larger, the steadier",
        "q": "spread of mean spend between customers: the larger, the more alike",
        "v": "scale of spend; p · v / (q − 1) is its mean",
    }
)


_OF_SEASON = catalogue(
    {
        "year": "the season: what this wave of the year multiplies purchases by at its height",
        "days": "purchases on such days as a multiple of what they are without",
    }
)

_VERDICTS = catalogue(
    {
        "use": "use it",
        "use with care": "use it with care",
        "do not use": "do not use it",
    }
)


def measures(table: pd.DataFrame, currency: str) -> pd.DataFrame:
    """Rows of `store_measures` with value and 95% interval as text."""

    def shown(measure: str, value: float) -> str:
        if measure in _MONEY:
            return money(value, currency)
        if measure == "repeat_customer_rate":
            return share(value, 1)
        return count(value) if measure in {"customers", "orders"} else number(value)

    alone = table.loc["customers", "value"] == 1
    alike = phrase("one customer gives none") if alone else phrase("customers are alike: none")
    rows = {}
    for measure, label in _MEASURES.items():
        row = table.loc[measure]
        interval = ends(shown(measure, row["low"]), shown(measure, row["high"]))
        counted = measure in {"customers", "orders", "revenue"}
        nothing = phrase("counted, not estimated") if counted else alike
        rows[phrase(label)] = (
            shown(measure, row["value"]),
            nothing if pd.isna(row["low"]) else interval,
        )
    columns = [phrase("Value"), phrase("95% interval")]
    frame = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
    frame.index.name = phrase("Measure")
    return frame


def parameters(fitted: PurchaseFitter | GammaGammaFitter) -> pd.DataFrame:
    """Parameters with 95% interval and meaning as text."""
    rows = {}
    limits = fitted.confidence_intervals_
    calendar = fitted.calendar_ if isinstance(fitted, PurchaseFitter) else None
    waves = () if calendar is None else calendar.names[: 2 * (calendar.harmonics or 0)]
    for name, value in fitted.params_.items():
        low, high = limits.loc[name]
        interval = (
            phrase("held at a limit") if low == high else ends(_digits(low, 3), _digits(high, 3))
        )
        meaning = _MEANING.get(str(name), _OF_SEASON["year" if name in waves else "days"])
        rows[name] = (_digits(value, 4), interval, phrase(meaning))
    columns = [phrase("Estimate"), phrase("95% interval"), phrase("Meaning")]
    frame = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
    frame.index.name = phrase("Parameter")
    return frame


def _digits(value: float, digits: int) -> str:
    """So many digits that tell, and of larger numbers all whole ones, up to ten millions."""
    whole = 10.0**digits <= abs(value) < 1e7
    return count(value) if whole else spoken().figures(f"{value:.{digits}g}")


def unusable_rows(quality: pd.DataFrame) -> pd.DataFrame:
    """Unusable rows of the whole chain by reason, as text."""
    counts = quality.groupby("reason")["rows"].sum().sort_values(ascending=False)
    reasons = [phrase(str(reason)) for reason in counts.index]
    frame = pd.DataFrame({phrase("Rows"): [count(rows) for rows in counts]}, index=reasons)
    frame.index.name = phrase("Reason")
    return frame


def fits(comparison: ModelComparison) -> pd.DataFrame:
    """How well each model describes the calibration period, as text."""
    table = comparison.table
    return pd.DataFrame(
        {
            phrase("Parameters"): [count(n) for n in table["free_parameters"]],
            phrase("Log-likelihood"): [decimals(value, 1) for value in table["log_likelihood"]],
            phrase("AIC"): [decimals(value, 1) for value in table["aic"]],
            phrase("AIC over the lowest"): [decimals(value, 1) for value in table["delta_aic"]],
            phrase("BIC"): [decimals(value, 1) for value in table["bic"]],
        },
        index=pd.Index(map(name_in_words, table.index), name=phrase("Model")),
    )


def holdouts(comparison: ModelComparison) -> pd.DataFrame:
    """How each model did on the weeks held out, as text."""
    rows = {}
    for name, row in comparison.table.iterrows():
        off = signed_share(row["total_error"]) if row["actual"] else phrase("nothing came")
        rows[name_in_words(str(name))] = {
            phrase("Expected"): count(row["expected"]),
            phrase("Came"): count(row["actual"]),
            phrase("Off"): off,
            phrase("Mean absolute error"): decimals(row["absolute_error"], 2),
            phrase("Mean squared error"): decimals(row["squared_error"], 2),
            phrase("90% intervals hold"): share(row["pit"]),
            phrase("Verdict"): phrase(_VERDICTS[row["verdict"]]),
        }
    frame = pd.DataFrame.from_dict(rows, orient="index")
    frame.index.name = phrase("Model")
    return frame


def rules_of_thumb(validation: HoldoutValidation) -> pd.DataFrame:
    """Errors per customer of a model and of rules that need none, as text."""
    model = name_in_words(validation.purchases.label)
    errors = validation.baselines
    frame = pd.DataFrame(
        {
            phrase("Mean absolute error"): [decimals(one, 2) for one in errors["absolute_error"]],
            phrase("Mean squared error"): [decimals(one, 2) for one in errors["squared_error"]],
        },
        index=[model if name == "model" else phrase(str(name)) for name in errors.index],
    )
    frame.index.name = phrase("Forecast")
    return frame


def whole_store_check(check: WholeStoreCheck) -> pd.DataFrame:
    """What everybody bought in the weeks of the check, and what each rule expected, as text."""
    ours = float("nan") if check.revenue is None else check.revenue.value
    told = [(phrase("This page's forecast"), check.purchases.value, ours)]
    told += [
        (phrase(str(rule)), float(row["purchases"]), float(row["revenue"]))
        for rule, row in check.beside.iterrows()
    ]
    frame = pd.DataFrame(
        {
            phrase("Purchases"): [count(check.came), *(count(bought) for _, bought, _ in told)],
            phrase("Purchases off"): ["", *(_off(bought, check.came) for _, bought, _ in told)],
            phrase("Revenue"): [count(check.paid), *(_counted(paid) for _, _, paid in told)],
            phrase("Revenue off"): ["", *(_off(paid, check.paid) for _, _, paid in told)],
        },
        index=[phrase("What came"), *(name for name, _, _ in told)],
    )
    frame.index.name = phrase("Whole store")
    return frame


def _counted(figure: float) -> str:
    """A count; nothing where there is none."""
    return count(figure) if np.isfinite(figure) else ""


def _off(expected: float, came: float) -> str:
    """How far off, in percent of what came; nothing where there is no figure."""
    if not (came > 0.0 and np.isfinite(expected)):
        return ""
    return signed_share(round(expected / came - 1.0, 2) or 0.0)
