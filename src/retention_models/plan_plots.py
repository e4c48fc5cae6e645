"""Plans of campaigns → matplotlib Axes."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from retention_models.campaign_plans.looks import CampaignLooks, Look
from retention_models.campaign_plans.plan import CampaignPlan
from retention_models.errors import CannotSay
from retention_models.figure_style import BLUE, GREY, ORANGE, in_house_style, label, new_axes


@in_house_style
def detectable_by_length(plan: CampaignPlan, ax: Axes | None = None) -> Axes:
    """Draw the smallest lift of the primary outcome that is found, by the length of the campaign.

    Parameters
    ----------
    plan : CampaignPlan
    ax : Axes, optional
        Where to draw; a new figure unless given.

    Returns
    -------
    Axes

    Raises
    ------
    CannotSay
        Where no model of the customers could be fitted.
    """
    if plan.durations.empty:
        raise CannotSay(plan.no_model)
    rows = plan.durations[plan.durations["outcome"] == plan.campaign.primary]
    ax = new_axes() if ax is None else ax
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


@in_house_style
def looks_so_far(looks: CampaignLooks, seen: Sequence[Look], ax: Axes | None = None) -> Axes:
    """Draw the effect at each look, with the interval that allows for all looks.

    Parameters
    ----------
    looks : CampaignLooks
    seen : sequence of Look
        From `CampaignLooks.look_at`, in order of time.
    ax : Axes, optional
        Where to draw; a new figure unless given.

    Returns
    -------
    Axes

    Raises
    ------
    CannotSay
        Where nothing has been looked at.
    """
    if not seen:
        raise CannotSay("Nobody has looked at the campaign yet.")
    ax = new_axes(2.4) if ax is None else ax
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
