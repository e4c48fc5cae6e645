"""Which purchase a return lowers, line by line."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest

import retention_models as rm
from retention_models.data.days import (
    LAST_PURCHASE,
    NO_PURCHASE,
    OWN_ORDER,
    SAME_DAY,
    purchase_days,
    returns_by_place,
)

BEGIN = dt.date(2024, 1, 1)


def read(folder, lines) -> rm.Transactions:
    """A log of one customer's lines: day's number, spend, order id."""
    rows = [("a", BEGIN + dt.timedelta(days=day), spend, order) for day, spend, order in lines]
    pd.DataFrame(rows, columns=["c", "d", "s", "o"]).to_csv(folder / "log.csv", index=False)
    return rm.read_transactions(
        folder / "log.csv", customer_id="c", date="d", spend="s", order_id="o"
    )


def spend_by_day(log) -> dict[int, float]:
    """Day's number → its net spend."""
    table = purchase_days(log.table).execute()
    days = (pd.to_datetime(table["date"]) - pd.Timestamp(BEGIN)).dt.days
    return dict(sorted(zip(days, table["spend"].astype(float), strict=True)))


@pytest.mark.parametrize(
    ("returned", "expected", "place"),
    [
        ((9, -5, "A"), {0: 95, 6: 50}, OWN_ORDER),  # a later day without a purchase
        ((6, -5, "A"), {0: 95, 6: 50}, OWN_ORDER),  # a later day with another order
        ((0, -5, "A"), {0: 95, 6: 50}, SAME_DAY),  # the order's own day
        ((6, -5, "R"), {0: 100, 6: 45}, SAME_DAY),  # an order id of its own
        ((6, -5, None), {0: 100, 6: 45}, SAME_DAY),
        ((9, -5, None), {0: 100, 6: 45}, LAST_PURCHASE),
        ((9, -5, "R"), {0: 100, 6: 45}, LAST_PURCHASE),
        ((3, -5, "B"), {0: 95, 6: 50}, LAST_PURCHASE),  # before the order that it names
        ((-1, -5, "A"), {0: 100, 6: 50}, NO_PURCHASE),
    ],
)
def test_a_return_lowers_the_order_that_it_names_else_the_purchase_before_it(
    tmp_path, returned, expected, place
):
    """Order A of 100 on day 0 and order B of 50 on day 6."""
    log = read(tmp_path, [(0, 100, "A"), (6, 50, "B"), returned])
    assert expected == spend_by_day(log)
    places = returns_by_place(log.table)
    assert {place: 1} == places[places > 0].to_dict()


def test_a_return_belongs_to_the_last_order_of_a_number_that_began_anew(tmp_path):
    """Order 1 of day 0 and order 1 of day 6 are two; a return on day 8 is of the second."""
    log = read(tmp_path, [(0, 100, "1"), (6, 50, "1"), (8, -5, "1")])
    assert {0: 100, 6: 45} == spend_by_day(log)


def test_a_purchase_that_came_back_whole_is_still_a_purchase(tmp_path):
    """The customer was there: its day counts, with a spend of 0."""
    log = read(tmp_path, [(0, 100, "A"), (6, 50, "B"), (9, -50, "B")])
    summary = rm.customer_summary(log, observation_end="2024-01-31", time_unit="D")
    assert (1, 6.0, 30.0, 0.0) == tuple(summary.loc["a"])


def test_a_return_of_something_bought_before_the_holdout_is_not_charged_to_it(tmp_path):
    """Day 20 returns order A of day 0: the holdout's own purchase keeps its spend."""
    log = read(tmp_path, [(0, 100, "A"), (20, 30, "B"), (20, -70, "A")])
    split = rm.calibration_holdout_summary(
        log, calibration_end="2024-01-10", holdout_end="2024-01-31", time_unit="D"
    )
    assert (1, 30.0) == tuple(split.loc["a", ["frequency_holdout", "monetary_value_holdout"]])


def test_blank_order_ids_are_none(tmp_path):
    """Lines of a blank id are no order that a later return could name."""
    log = read(tmp_path, [(0, 100, " "), (6, 50, "B"), (9, -5, " ")])
    assert {0: 100, 6: 45} == spend_by_day(log)
