"""Plans of campaigns and looks at them: small tables of ready text, sentences and figures."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from retention_models.campaigns.effects.labels import outcome_label
from retention_models.campaigns.plans.assignment import CampaignAssignment
from retention_models.campaigns.plans.looks import CampaignLooks, Look
from retention_models.campaigns.plans.plan import CampaignPlan
from retention_models.errors import CannotSay
from retention_models.languages import day
from retention_models.pages.style import BLUE, GREY, NEW, ORANGE, figure, label
from retention_models.settings.campaigns import Campaign


def outcomes(plan: CampaignPlan) -> pd.DataFrame:
    """Each outcome (and arm, where there are several): its mean, R² and the lift that is found."""
    rows = {}
    several = len(plan.arms) > 2
    for row in plan.table.to_dict("records"):
        name = outcome_label(row["outcome"], "title") + (f", {row['arm']}" if several else "")
        mean = f"{row['mean']:.1%}" if row["outcome"] == "bought" else f"{row['mean']:.2f}"
        needed = row["customers_needed"]
        rows[name] = {
            "Mean a customer": mean,
            "Explained (R²)": f"{max(row['r_squared'], 0.0):.0%}",
            "Lift found from": _percent(row["minimum_detectable_percent"]),
            f"Customers for {plan.wished_lift:.0%}": "none"
            if math.isnan(needed)
            else f"{needed:,.0f}",
        }
    return _named(rows, "Outcome")


def strata(assignment: CampaignAssignment) -> pd.DataFrame:
    """Each stratum's range of expected purchases, and its customers by arm."""
    rows = {}
    for number, row in assignment.strata.iterrows():
        ends = f"{row['lowest']:.2f} to {row['highest']:.2f}" if number else "without history"
        counts = {arm: f"{int(row[arm]):,}" for arm in assignment.arms.index}
        rows[str(number)] = {"Expected purchases": ends} | counts
    return _named(rows, "Stratum")


def declared_looks(looks: CampaignLooks) -> pd.DataFrame:
    """Each look's day and what it takes to stop there."""
    rows = {
        str(number): {
            "Last day of data": day(row["day"]),
            "Share of the days": f"{row['share']:.0%}",
            "Stop at |z| from": f"{row['boundary']:.2f}",
            "or p up to": f"{row['level']:.5f}",
        }
        for number, row in looks.table.iterrows()
    }
    return _named(rows, "Look")


def _percent(value: float) -> str:
    return "none" if math.isnan(value) else f"{value:.1f}%"


def _named(rows: dict[str, dict[str, str]], name: str) -> pd.DataFrame:
    table = pd.DataFrame.from_dict(rows, orient="index")
    table.index.name = name
    return table


def length_sentence(plan: CampaignPlan) -> str:
    """What a figure of lengths shows: where the wished lift is found."""
    wished, primary = f"{plan.wished_lift:.0%}", plan.campaign.primary
    rows = plan.durations[plan.durations["outcome"] == primary].set_index("days")
    planned = rows.loc[plan.campaign.days, "minimum_detectable_percent"]
    said = f"In {plan.campaign.days} days a lift of {planned:.1f}% is found"
    if plan.days_needed is None:
        least = rows["minimum_detectable_percent"].iloc[-1]
        return f"{said}, in 52 weeks one of {least:.1f}%: the {wished} wished for are out of reach."
    return f"{said}; the {wished} wished for are found in {plan.days_needed} days or more."


def primary_effect(table: pd.DataFrame, campaign: Campaign) -> tuple[float, float]:
    """Effect on the primary outcome in the campaign's days, and its standard error: for a look."""
    row = _row_of(table, campaign, campaign.primary)
    return float(row["absolute_effect"]), float(row["standard_error"])


def effects(table: pd.DataFrame, campaign: Campaign) -> pd.DataFrame:
    """Each outcome's lift in the campaign's days, with its interval and p-value."""
    rows = {}
    for outcome in table["outcome"].unique():
        row = _row_of(table, campaign, outcome)
        rows[outcome_label(outcome, "title")] = {
            "Held out": f"{row['mean_against']:.3f}",
            "Effect": f"{row['absolute_effect']:+.3f}",
            "Lift": f"{row['lift_percent']:+.1f}%",
            "Interval": f"{row['lift_low']:+.1f}% to {row['lift_high']:+.1f}%",
            "p": f"{row['pvalue']:.4f}",
        }
    return _named(rows, "Outcome")


def against_truth(table: pd.DataFrame, campaign: Campaign, truth: float) -> str:
    """Whether the interval of the primary outcome holds the lift that was simulated."""
    row = _row_of(table, campaign, campaign.primary)
    inside = row["lift_low"] <= 100.0 * truth <= row["lift_high"]
    said = "holds it" if inside else "does not hold it, as one in twenty does not"
    return (
        f"In truth those who were offered it bought {truth:+.1%}. The reading was "
        f"{row['lift_percent']:+.1f}%, and the interval from {row['lift_low']:+.1f}% to "
        f"{row['lift_high']:+.1f}% {said}."
    )


def _row_of(table: pd.DataFrame, campaign: Campaign, outcome: str) -> pd.Series:
    """Effect of the first arm against control, in the campaign's days."""
    asked = (table["outcome"] == outcome) & (table["window"] == "campaign")
    rows = table[asked & (table["against"] == campaign.control) & (table["estimand"] == "itt")]
    if rows.empty:
        raise CannotSay(f"No effect on {outcome} was found: see the campaign's refusal.")
    return rows.iloc[0]


@figure()
def detectable_by_length(plan: CampaignPlan, ax: Axes = NEW) -> Axes:
    """Smallest lift of the primary outcome that is found, by the length of the campaign."""
    if plan.durations.empty:
        raise CannotSay(plan.no_model)
    rows = plan.durations[plan.durations["outcome"] == plan.campaign.primary]
    weeks = rows["days"] / 7.0
    ax.plot(weeks, rows["minimum_detectable_percent"], color=BLUE, marker="o", markersize=3)
    wished = 100.0 * plan.wished_lift
    ax.axhline(wished, color=ORANGE, linewidth=1)
    label(ax, "wished", (float(weeks.max()), wished), ORANGE, shift=(-38, 7))
    planned = plan.campaign.days / 7.0
    ax.axvline(planned, color=GREY, linewidth=1, linestyle="--")
    top = float(rows["minimum_detectable_percent"].max())
    label(ax, "as planned", (planned, top), GREY)
    ax.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0f}%"))
    ax.set_ylim(0.0, None)
    ax.set_xlim(0.0, None)
    ax.set_xlabel("weeks that the campaign runs")
    ax.set_title(f"Smallest lift found ({plan.campaign.primary})")
    return ax


@figure(2.4)
def looks_so_far(looks: CampaignLooks, seen: Sequence[Look], ax: Axes = NEW) -> Axes:
    """Effect at each look (`CampaignLooks.look_at`), with the interval that allows for all looks."""
    if not seen:
        raise CannotSay("Nobody has looked at the campaign yet.")
    places = range(1, len(seen) + 1)
    for place, look in zip(places, seen, strict=True):
        colour = BLUE if look.stop else GREY
        ax.plot([place, place], [look.low, look.high], color=colour, linewidth=2)
        ax.plot([place], [look.effect], color=colour, marker="o", markersize=5)
    ax.axhline(0.0, color=GREY, linewidth=1)
    ax.set_xticks(list(places), [f"{look.day:%d %b}".lstrip("0") for look in seen])
    ax.set_xlim(0.5, len(seen) + 0.5)
    ax.set_title(f"Effect on {looks.campaign.primary} a customer, by look")
    return ax
