"""All figures, for a notebook of one's own: `retention_models.plots`."""

from __future__ import annotations

from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes

from retention_models.languages import phrase
from retention_models.pages.campaign.figures import (
    balance,
    comparison,
    cumulative_difference,
    effect_forest,
    event_study,
)
from retention_models.pages.campaign.plan import detectable_by_length, looks_so_far
from retention_models.pages.models.alive_figures import (
    alive_path,
    customers_alive,
    plot_expected_repeat_purchases,
    plot_history_alive,
)
from retention_models.pages.models.figures import (
    alive_calibration,
    cohort_heatmap,
    holdout_by_frequency,
    tracking,
    tracking_of_models,
)
from retention_models.pages.store.figures import (
    alive_classes,
    alive_counts,
    churn_by_quarter,
    satisfaction_by_week,
    value_by_tenth,
)
from retention_models.pages.style import (
    BLUE,
    HOUSE_STYLE,
    NEW,
    ORANGE,
    count_ticks,
    figure,
    size_of,
)
from retention_models.predictions.validation.comparison import ModelComparison
from retention_models.predictions.whole_store import WholeStore

__all__ = [
    "alive_calibration",
    "alive_classes",
    "alive_counts",
    "alive_path",
    "balance",
    "churn_by_quarter",
    "cohort_heatmap",
    "comparison",
    "cumulative_difference",
    "customers_alive",
    "detectable_by_length",
    "effect_forest",
    "errors_of_models",
    "event_study",
    "holdout_by_frequency",
    "looks_so_far",
    "plot_expected_repeat_purchases",
    "plot_history_alive",
    "satisfaction_by_week",
    "tracking",
    "tracking_of_models",
    "value_by_tenth",
    "weeks_ahead",
]


def draw(name: str, result: Any, ax: Axes | None = None) -> Axes:
    """A result's figure, on the axes given or on a figure of pyplot's, which a notebook shows."""
    one = globals()[name]
    if ax is None:
        from matplotlib import pyplot

        with mpl.rc_context(HOUSE_STYLE):
            shown = pyplot.figure(figsize=size_of(one, result), layout="constrained")
            ax = shown.subplots()
    return one(result, ax=ax)


@figure()
def weeks_ahead(ahead: WholeStore, ax: Axes = NEW) -> Axes:
    """Purchases of a whole store in the time to come, added up, with their interval."""
    weeks = ahead.by_week
    ax.fill_between(weeks.index, weeks["low"], weeks["high"], color=ORANGE, alpha=0.2, lw=0)
    ax.plot(weeks.index, weeks["purchases"], color=ORANGE, lw=1.8)
    ax.set_ylim(bottom=0)
    ax.yaxis.set_major_formatter(count_ticks())
    ax.grid(axis="y")
    ax.set_xlabel(str(weeks.index.name or ""))
    ax.set_title(phrase("Purchases of the time to come, added up"))
    return ax


@figure(lambda compared: 0.9 + 0.3 * len(compared.table))
def errors_of_models(compared: ModelComparison, ax: Axes = NEW) -> Axes:
    """By how much the total that each model expected of the weeks held out was off."""
    table = compared.table.iloc[::-1]
    errors = 100.0 * table["total_error"].to_numpy(dtype=float)
    chosen = [BLUE if name == compared.recommended else ORANGE for name in table.index]
    ax.barh(np.arange(len(table)), errors, color=chosen, height=0.6)
    ax.axvline(0.0, color="0.3", lw=0.8)
    ax.set_yticks(np.arange(len(table)), [str(name) for name in table.index])
    ax.set_xlabel(phrase("Expected over actual, less one, %"))
    ax.set_title(phrase("How far each model's total was off"))
    return ax
