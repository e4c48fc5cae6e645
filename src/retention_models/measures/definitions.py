"""What each measure is: the sums over customers that it is made of, and the kind of its interval."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from retention_models.errors import SettingsError
from retention_models.languages import marked

Kind = Literal["count", "share", "ratio", "promoters"]


@dataclass(frozen=True)
class Measure:
    """Π_k Σ y_k ÷ Σ x_k over customers.

    Attributes
    ----------
    family : str
        Which table of customers and periods the columns are of: "purchases", "categories",
        "activity", "scores", "thumbs" or "contacts".
    terms : tuple of (str, str)
        The y and the x of each ratio.
    kind : {"count", "share", "ratio", "promoters"}
        A plain count; a share of customers or answers; a ratio of sums; promoters less detractors.
    nobody : str
        What is said where the x sum up to 0.
    """

    family: str
    terms: tuple[tuple[str, str], ...]
    kind: Kind
    nobody: str = marked("Nobody bought.")


_NOBODY_ACTIVE = marked("Nobody was active at the window's start.")
_NO_CUSTOMERS = marked("There were no customers yet.")

MEASURES: dict[str, Measure] = {
    "customers": Measure("purchases", (("customer", "one"),), "count"),
    "orders": Measure("purchases", (("orders", "one"),), "count"),
    "revenue": Measure("purchases", (("spend", "one"),), "count"),
    "repeat_customer_rate": Measure("purchases", (("repeater", "customer"),), "share"),
    "purchase_frequency": Measure("purchases", (("orders", "customer"),), "ratio"),
    "spend_per_order": Measure("purchases", (("spend", "orders"),), "ratio"),
    "sales_per_customer": Measure("purchases", (("spend", "customer"),), "ratio"),
    "mean_lifetime": Measure("purchases", (("lifetime", "customer"),), "ratio"),
    "historic_clv": Measure(
        "purchases", (("spend", "customer"), ("lifetime", "customer")), "ratio"
    ),
    "upsell_rate": Measure(
        "categories",
        (("several", "customer"),),
        "share",
        marked("Nobody bought from a named category."),
    ),
    "retention_rate": Measure("activity", (("kept", "active"),), "share", _NOBODY_ACTIVE),
    "churn_rate": Measure("activity", (("kept", "active"),), "share", _NOBODY_ACTIVE),
    "annual_churn_rate": Measure("activity", (("kept", "active"),), "share", _NOBODY_ACTIVE),
    "net_promoter_score": Measure(
        "scores", (("net", "answer"),), "promoters", marked("Nobody gave a score.")
    ),
    "satisfaction": Measure(
        "thumbs", (("up", "answers"),), "share", marked("Nobody gave a thumb up or down.")
    ),
    "engagement_rate": Measure("contacts", (("engaged", "customer"),), "share", _NO_CUSTOMERS),
    "contact_kinds_per_customer": Measure(
        "contacts", (("kinds", "customer"),), "ratio", _NO_CUSTOMERS
    ),
}

# What a store's page prints first, from one table of purchases.
STORE_MEASURES = (
    "customers",
    "orders",
    "revenue",
    "repeat_customer_rate",
    "purchase_frequency",
    "spend_per_order",
    "sales_per_customer",
)

# Churn a year above which shops are told to act: a band to draw behind annual_churn_rate.
ANNUAL_CHURN_BAND = (0.05, 0.07)


def chosen(names: Collection[str] | None) -> list[str]:
    """Names of measures in the table's order; all of them for None.

    Raises
    ------
    SettingsError
        If a name is unknown.
    """
    wanted = list(MEASURES) if names is None else [names] if isinstance(names, str) else list(names)
    unknown = [name for name in wanted if name not in MEASURES]
    if unknown or not wanted:
        got = repr(unknown[0]) if unknown else "none"
        raise SettingsError(f"measures: expected some of {', '.join(MEASURES)}; got {got}.")
    return [name for name in MEASURES if name in wanted]


def columns_of(names: Collection[str]) -> list[str]:
    """Columns whose sums a family's measures need, each once."""
    found: dict[str, None] = {}
    for name in names:
        measure = MEASURES[name]
        found.update(dict.fromkeys(column for term in measure.terms for column in term))
        if measure.kind == "promoters":
            found.update(dict.fromkeys(("promoter", "detractor")))
    return list(found)


def pairs_of(names: Collection[str]) -> list[tuple[str, str]]:
    """Pairs of columns whose products the variances of a family's measures need, in both orders."""
    found: dict[tuple[str, str], None] = {}
    for name in names:
        columns = [column for term in MEASURES[name].terms for column in term]
        found.update(dict.fromkeys((a, b) for a in columns for b in columns))
    return list(found)
