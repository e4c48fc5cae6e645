"""Changes between periods, by hand and against the customers one by one."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t

import retention_models as rm
from small_logs import log_of

ROWS = [
    # January: a 10, b 30; February: a 12, b 33, c 60; a year later: a 24, d 6.
    *(("a", "2023-01-05", 10.0), ("b", "2023-01-06", 30.0)),
    *(("a", "2023-02-05", 12.0), ("b", "2023-02-06", 33.0), ("c", "2023-02-07", 60.0)),
    *(("a", "2024-01-05", 24.0), ("d", "2024-01-06", 6.0)),
]
YEAR = {"period": "M", "start": "2023-01-01", "end": "2024-01-31"}


def changes(tmp_path, *names, **settings) -> pd.DataFrame:
    """Changes of some measures of the rows above, by measure, start and comparison."""
    table = rm.measure_changes(log_of(tmp_path, ROWS), measures=names, **{**YEAR, **settings})
    table["start"] = table["start"].astype(str)
    return table.set_index(["measure", "start", "against"])


def test_a_mean_changes_by_its_customers_differences(tmp_path):
    """35 in February less 20 in January, with the interval of the differences customer by customer."""
    table = changes(tmp_path, "sales_per_customer")
    row = table.loc[("sales_per_customer", "2023-02-01", "previous period")]
    assert (35.0, 20.0, 15.0, 3, 2) == tuple(
        row[["value", "value_before", "change", "customers", "customers_before"]]
    )
    january, february = np.array([10, 30, 0]) - [20, 20, 0], np.array([12, 33, 60]) - 35.0
    now, before = february / 3, january / 2
    half_now = t.ppf(0.975, 2) * np.sqrt(3 / 2 * (now**2).sum())
    half_before = t.ppf(0.975, 1) * np.sqrt(2 / 1 * (before**2).sum())
    r = (now * before).sum() / np.sqrt((now**2).sum() * (before**2).sum())
    half = np.sqrt(half_now**2 + half_before**2 - 2 * r * half_now * half_before)
    assert [15 - half, 15 + half] == pytest.approx([row["low"], row["high"]])


def test_a_total_changes_with_who_came(tmp_path):
    """Revenue rose by 65: differences of 2, 3 and 60 among the customers of either month."""
    table = changes(tmp_path, "revenue")
    row = table.loc[("revenue", "2023-02-01", "previous period")]
    half = 1.959964 * np.sqrt(2**2 + 3**2 + 60**2)
    assert [65 - half, 65, 65 + half] == pytest.approx(list(row[["low", "change", "high"]]))


def test_the_same_month_a_year_before_is_compared_too(tmp_path):
    """January 2024 against January 2023; before that there is nothing, and it is said."""
    table = changes(tmp_path, "revenue")
    row = table.loc[("revenue", "2024-01-01", "year before")]
    assert (-10.0, "2023-01-01", "2023-01-31") == (
        row["change"],
        str(row["start_before"]),
        str(row["end_before"]),
    )
    first = table.loc[("revenue", "2023-01-01", "year before")]
    assert np.isnan(first["change"])
    assert "The data do not reach back to the period before." == first["note"]


def test_windows_that_make_no_year_have_no_year_before(tmp_path):
    """Thirty days do not."""
    table = changes(tmp_path, "orders", period=30)
    assert {"previous period"} == set(table.index.get_level_values("against"))


def test_shares_keep_wilsons_ends(tmp_path):
    """1 of 2 customers against none of 3: the interval stays within −1 and 1 and is not symmetric."""
    rows = [("a", "2023-01-05", 1.0), ("b", "2023-01-05", 1.0), ("c", "2023-01-05", 1.0)]
    rows += [("a", "2023-02-05", 1.0), ("a", "2023-02-06", 1.0), ("d", "2023-02-05", 1.0)]
    table = rm.measure_changes(
        log_of(tmp_path, rows),
        period="M",
        start="2023-01-01",
        end="2023-02-28",
        measures=["repeat_customer_rate"],
    )
    row = table[table["against"] == "previous period"].iloc[-1]
    # REF: Newcombe's interval from Wilson's .0945 to .9055 and 0 to .5615, uncorrelated.
    expected = [0.5 - np.hypot(0.5 - 0.0945312, 0.5614970), 0.5 + np.hypot(0.9054688 - 0.5, 0.0)]
    assert (0.5, expected) == (row["change"], pytest.approx([row["low"], row["high"]], abs=1e-6))


def test_a_change_from_what_cannot_be_said_says_why(tmp_path):
    """Nobody bought in March, so April has nothing to be held against."""
    rows = [("a", "2023-02-05", 1.0), ("a", "2023-04-05", 2.0), ("b", "2023-04-05", 3.0)]
    table = rm.measure_changes(
        log_of(tmp_path, rows),
        period="M",
        start="2023-02-01",
        end="2023-04-30",
        measures=["spend_per_order"],
    )
    notes = table.loc[table["against"] == "previous period", "note"]
    assert [
        "The data do not reach back to the period before.",
        "Nobody bought.",
        "Before: Nobody bought.",
    ] == list(notes)


def test_a_variance_that_rounding_makes_negative_is_none(tmp_path):
    """One customer's ratio varies by nothing, in binary by −2·10⁻¹³: a change, and no warning."""
    rows = [("a", "2023-01-05", 8.76), ("b", "2023-01-06", 55.22)]
    rows += [("a", f"2023-02-0{day}", spend) for day, spend in ((5, 48.64), (6, 10.92), (7, 65.93))]
    ends = {"start": "2023-01-01", "end": "2023-02-28"}
    table = rm.measure_changes(
        log_of(tmp_path, rows), measures=["spend_per_order"], period="M", **ends
    )
    assert table["change"].dropna().tolist() == pytest.approx([125.49 / 3 - 63.98 / 2])
