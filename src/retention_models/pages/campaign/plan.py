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
from retention_models.languages import (
    count,
    counted,
    day,
    decimals,
    ends,
    phrase,
    probability,
    share,
    spoken,
)
from retention_models.pages.style import BLUE, GREY, NEW, ORANGE, figure, label
from retention_models.settings.campaigns import Campaign


def outcomes(plan: CampaignPlan) -> pd.DataFrame:
    """Each outcome (and arm, where there are several): its mean, R² and the lift that is found."""
    rows = {}
    several = len(plan.arms) > 2
    for row in plan.table.to_dict("records"):
        name = outcome_label(row["outcome"], "title") + (f", {row['arm']}" if several else "")
        mean = share(row["mean"], 1) if row["outcome"] == "bought" else decimals(row["mean"], 2)
        needed = row["customers_needed"]
        rows[name] = {
            phrase("Mean a customer"): mean,
            phrase("Explained (R²)"): share(max(row["r_squared"], 0.0)),
            phrase("Lift found from"): _percent(row["minimum_detectable_percent"]),
            phrase("Customers needed to find {lift}", lift=share(plan.wished_lift)): phrase(
                "no number is enough"
            )
            if math.isnan(needed)
            else count(needed),
        }
    return _named(rows, phrase("Outcome"))


def strata(assignment: CampaignAssignment) -> pd.DataFrame:
    """Each stratum's range of expected purchases, and its customers by arm."""
    rows = {}
    for number, row in assignment.strata.iterrows():
        between = ends(decimals(row["lowest"], 2), decimals(row["highest"], 2))
        said = between if number else phrase("without history")
        counts = {arm: count(int(row[arm])) for arm in assignment.arms.index}
        rows[str(number)] = {phrase("Expected purchases"): said} | counts
    return _named(rows, phrase("Stratum"))


def declared_looks(looks: CampaignLooks) -> pd.DataFrame:
    """Each look's day and what it takes to stop there."""
    rows = {
        str(number): {
            phrase("Last day of data"): day(row["day"]),
            phrase("Share of the days"): share(row["share"]),
            phrase("Stop at |z| from"): decimals(row["boundary"], 2),
            phrase("Stop at a p-value up to"): decimals(row["level"], 5),
        }
        for number, row in looks.table.iterrows()
    }
    return _named(rows, phrase("Look"))


def _percent(value: float) -> str:
    return phrase("no lift is found") if math.isnan(value) else share(value / 100.0, 1)


def _lift(percent: float) -> str:
    """A lift, in percent, with its sign."""
    return spoken().percent(decimals(percent, 1, signed=True))


def _named(rows: dict[str, dict[str, str]], name: str) -> pd.DataFrame:
    table = pd.DataFrame.from_dict(rows, orient="index")
    table.index.name = name
    return table


def length_sentence(plan: CampaignPlan) -> str:
    """What a figure of lengths shows: where the wished lift is found."""
    primary = plan.campaign.primary
    rows = plan.durations[plan.durations["outcome"] == primary].set_index("days")
    planned = rows.loc[plan.campaign.days, "minimum_detectable_percent"]
    places = {
        "days": counted(plan.campaign.days, "day"),
        "lift": _percent(planned),
        "wished": share(plan.wished_lift),
    }
    if plan.days_needed is None:
        return phrase(
            "In {days} a lift of {lift} is found, in 52 weeks one of {least}: the {wished} wished "
            "for are out of reach.",
            least=_percent(rows["minimum_detectable_percent"].iloc[-1]),
            **places,
        )
    return phrase(
        "In {days} a lift of {lift} is found; the {wished} wished for are found in {needed} or "
        "more.",
        needed=counted(plan.days_needed, "day"),
        **places,
    )


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
            phrase("Mean of those held out"): decimals(row["mean_against"], 3),
            phrase("Effect"): decimals(row["absolute_effect"], 3, signed=True),
            phrase("Lift"): _lift(row["lift_percent"]),
            phrase("Interval"): ends(_lift(row["lift_low"]), _lift(row["lift_high"])),
            phrase("p-value"): probability(row["pvalue"], 4),
        }
    return _named(rows, phrase("Outcome"))


def against_truth(table: pd.DataFrame, campaign: Campaign, truth: float) -> str:
    """Whether the interval of the primary outcome holds the lift that was simulated."""
    row = _row_of(table, campaign, campaign.primary)
    inside = row["lift_low"] <= 100.0 * truth <= row["lift_high"]
    places = {
        "truth": _lift(100.0 * truth),
        "lift": _lift(row["lift_percent"]),
        "low": _lift(row["lift_low"]),
        "high": _lift(row["lift_high"]),
    }
    if inside:
        return phrase(
            "In truth those who were offered it bought {truth}. The reading was {lift}, and the "
            "interval from {low} to {high} holds it.",
            **places,
        )
    return phrase(
        "In truth those who were offered it bought {truth}. The reading was {lift}, and the interval "
        "from {low} to {high} does not hold it, as one in twenty does not.",
        **places,
    )


def _row_of(table: pd.DataFrame, campaign: Campaign, outcome: str) -> pd.Series:
    """Effect of the first arm against control, in the campaign's days."""
    asked = (table["outcome"] == outcome) & (table["window"] == "campaign")
    rows = table[asked & (table["against"] == campaign.control) & (table["estimand"] == "itt")]
    if rows.empty:
        raise CannotSay(
            "No effect on {outcome} was found: see the campaign's refusal.",
            outcome=outcome_label(outcome, "noun"),
        )
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
    label(ax, phrase("wished lift"), (float(weeks.max()), wished), ORANGE, shift=(-38, 7))
    planned = plan.campaign.days / 7.0
    ax.axvline(planned, color=GREY, linewidth=1, linestyle="--")
    top = float(rows["minimum_detectable_percent"].max())
    label(ax, phrase("planned length"), (planned, top), GREY)
    ax.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: share(value / 100.0)))
    ax.set_ylim(0.0, None)
    ax.set_xlim(0.0, None)
    ax.set_xlabel(phrase("weeks that the campaign runs"))
    ax.set_title(
        phrase(
            "Smallest lift found ({outcome})", outcome=outcome_label(plan.campaign.primary, "short")
        )
    )
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
    ax.set_xticks(list(places), [spoken().short_day(look.day, year=False) for look in seen])
    ax.set_xlim(0.5, len(seen) + 0.5)
    ax.set_title(
        phrase(
            "Effect on {outcome} a customer, by look",
            outcome=outcome_label(looks.campaign.primary, "short"),
        )
    )
    return ax
