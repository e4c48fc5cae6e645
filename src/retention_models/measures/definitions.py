"""What each measure is: the sums over customers that it is made of, and the kind of its interval.

Also what each measure is called, and what it is, in a line.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from retention_models.errors import SettingsError
from retention_models.languages import catalogue, marked, phrase

Kind = Literal["count", "share", "ratio", "promoters"]


@dataclass(frozen=True)
class Measure:
    """Π_k Σ y_k ÷ Σ x_k over customers."""

    family: str  # the table of `Units.family` that the columns are of
    terms: tuple[tuple[str, str], ...]  # the y and the x of each ratio
    kind: Kind  # a plain count, a share, a ratio of sums, or promoters less detractors
    # Said where the x sum up to 0.
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
# Days of the activity window from which the band means something: of shops whose customers buy often,
# nine in ten of a year's churn is habit, and far above any band.
BAND_FROM = 182


def chosen(names: Collection[str] | None) -> list[str]:
    """Names of measures in the table's order; all of them for None."""
    wanted = list(MEASURES) if names is None else [names] if isinstance(names, str) else list(names)
    unknown = [name for name in wanted if name not in MEASURES]
    if unknown or not wanted:
        got = repr(unknown[0]) if unknown else "none"
        raise SettingsError(f"measures: expected some of {', '.join(MEASURES)}; got {got}.")
    return [name for name in MEASURES if name in wanted]


def by_family(names: Collection[str]) -> dict[str, list[str]]:
    """Names of measures by the table that they are sums of."""
    families: dict[str, list[str]] = {}
    for name in names:
        families.setdefault(MEASURES[name].family, []).append(name)
    return families


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


ENGLISH = catalogue(
    {
        "label.customers": "Customers",
        "label.orders": "Orders",
        "label.revenue": "Revenue",
        "label.repeat_customer_rate": "Repeat customers",
        "label.purchase_frequency": "Orders per customer",
        "label.spend_per_order": "Spend per order",
        "label.sales_per_customer": "Sales per customer",
        "label.mean_lifetime": "Mean lifetime",
        "label.historic_clv": "Lifetime value, rule of thumb",
        "label.upsell_rate": "Customers of two categories or more",
        "label.retention_rate": "Retention rate",
        "label.churn_rate": "Churn rate",
        "label.annual_churn_rate": "Churn rate, a year",
        "label.net_promoter_score": "Net Promoter Score",
        "label.satisfaction": "Satisfaction",
        "label.engagement_rate": "Engagement",
        "label.contact_kinds_per_customer": "Kinds of contact per customer",
        "definition.customers": "Customers who bought in the window.",
        "definition.orders": "Orders of the window, by order number where the data have one.",
        "definition.revenue": "Spend of the window less what was returned of it.",
        "definition.repeat_customer_rate": (
            "Customers who bought on two days or more of the window, of all who bought in it."
        ),
        "definition.purchase_frequency": "Orders divided by customers.",
        "definition.spend_per_order": "Revenue divided by orders.",
        "definition.sales_per_customer": "Revenue divided by customers.",
        "definition.mean_lifetime": (
            "Years from a customer's first purchase to the last in the window, on average; whoever "
            "bought once has 0."
        ),
        "definition.historic_clv": (
            "A year's revenue per customer times the mean lifetime in years. It looks back only, and "
            "holds revenue where the modelled value holds margin."
        ),
        "definition.upsell_rate": (
            "Customers who bought from two categories or more, of all who bought from one."
        ),
        "definition.retention_rate": (
            "Of the customers active on the day before the window, those active on its last day. "
            "Active: bought within the activity window, the time within which nine in ten of this "
            "store's returning customers come back. New customers count in neither."
        ),
        "definition.churn_rate": (
            "What the retention rate leaves. Some of it comes back: one gap in ten is longer than the "
            "activity window."
        ),
        "definition.annual_churn_rate": (
            "The churn of the window, were it the same all year: 1 − (1 − churn) to the power of 365 "
            "÷ days."
        ),
        "definition.net_promoter_score": (
            "Share of customers who gave 9 or 10 less share of those who gave 0 to 6, in points from "
            "−100 to 100; each customer's last answer counts."
        ),
        "definition.satisfaction": "Thumbs up, of all thumbs up and down.",
        "definition.engagement_rate": (
            "Customers with a purchase, an answer or another contact in the window, of all who ever "
            "bought."
        ),
        "definition.contact_kinds_per_customer": "Kinds of contact in the window per customer.",
    }
)


def label(measure: str) -> str:
    """What a measure is called."""
    return phrase(ENGLISH[f"label.{measure}"])


def definition(measure: str) -> str:
    """What a measure is, in a line."""
    return phrase(ENGLISH[f"definition.{measure}"])
