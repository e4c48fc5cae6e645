"""What each measure is called, and what it is, in a line."""

from __future__ import annotations

from retention_models.languages import catalogue, phrase

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
