"""Σ ln gap of a log against plain Python, and with the summary that it goes with."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

import retention_models as rm
from engines import COLUMNS, in_parquet, log_of_an_odd_shop
from retention_models.errors import SettingsError
from retention_models.models.regular.regularity import check_log_gaps
from retention_models.summaries import histories


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    """A log with returns, free items, odd ids and several purchases a day."""
    where = in_parquet(log_of_an_odd_shop(), tmp_path_factory.mktemp("parquet"))
    return rm.read_transactions(where["source"], timezone="Europe/Istanbul", **COLUMNS)


def gaps_in_python(log, end, begin=dt.date.min):
    """Gaps in days between each customer's purchase days, of those first seen from a day on."""
    table = log.table.execute()
    table = table[(table["spend"] >= 0) & (pd.to_datetime(table["date"]) <= pd.Timestamp(end))]
    found = []
    for _, days in table.groupby("customer_id")["date"]:
        own = sorted({pd.Timestamp(day).date() for day in days})
        if own[0] >= begin:
            found += [(later - day).days for day, later in pairwise(own)]
    return np.array(found, dtype=float)


@pytest.mark.parametrize(("unit", "days"), [("D", 1.0), ("W", 7.0)])
def test_it_is_the_sum_over_every_customers_gaps(log, unit, days):
    """In days and in weeks, up to a day, and of those first seen from a day on."""
    end, begin = dt.date(2024, 1, 31), dt.date(2023, 3, 1)
    gaps = gaps_in_python(log, end)
    found = rm.sum_log_gaps(log, observation_end=end, time_unit=unit)
    assert found == pytest.approx(np.log(gaps / days).sum(), rel=1e-12)
    late = gaps_in_python(log, end, begin)
    assert 0 < late.size < gaps.size
    found = rm.sum_log_gaps(log, observation_end=end, time_unit=unit, first_seen_from=begin)
    assert found == pytest.approx(np.log(late / days).sum(), rel=1e-12)


@pytest.mark.parametrize("options", [{}, {"store_id": "01"}, {"first_seen_from": "2023-06-01"}])
def test_it_goes_with_the_summary(log, options):
    """Same customers, same unit: its bounds by frequency and recency hold, and a model takes both."""
    summary = rm.customer_summary(log, **options)
    log_gaps = rm.sum_log_gaps(log, **options)
    back = summary[summary["frequency"] > 0]
    x, t_x = (back[name].to_numpy(dtype=float) for name in ("frequency", "recency"))
    check_log_gaps(log_gaps, x, t_x, np.ones(x.size), 1.0 / 7.0)
    history = (summary[name] for name in ("frequency", "recency", "T"))
    assert rm.ModifiedBetaGeoCNBDFitter().fit(*history, log_gaps=log_gaps).k_ == 1


def test_a_large_log_is_summed_a_range_of_customers_at_a_time(log, monkeypatch):
    """To the same sum."""
    whole = rm.sum_log_gaps(log)
    monkeypatch.setattr(histories, "LINES_AT_ONCE", 500)
    assert rm.sum_log_gaps(log) == pytest.approx(whole, rel=1e-12)


def test_where_nobody_came_back_the_sum_is_nothing(log):
    """Up to the first day there are no gaps; a unit that is none is refused."""
    assert 0.0 == rm.sum_log_gaps(log, observation_end=dt.date(2022, 12, 31))
    with pytest.raises(SettingsError, match="time_unit"):
        rm.sum_log_gaps(log, time_unit="Y")
