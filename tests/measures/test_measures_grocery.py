"""Measures of the grocery demonstration's eight stores against SQL of its own over the raw file."""

from __future__ import annotations

import datetime as dt

import duckdb
import numpy as np
import pandas as pd
import pytest
from scipy.special import stdtrit
from scipy.stats import t

import retention_models as rm
from retention_models.data.reading_transactions import read_project_transactions
from retention_models.settings.reading import read_settings

END = "2017-12-31"


@pytest.fixture(scope="module")
def raw(grocery, tmp_path_factory):
    """The lines of the eight stores that have pages."""
    path = tmp_path_factory.mktemp("eight") / "transactions.parquet"
    lines = pd.read_parquet(grocery.parent / "data" / "raw" / "transactions.parquet")
    lines.loc[lines["store_id"].isin(read_settings(grocery).stores.ids)].to_parquet(path)
    return path


@pytest.fixture(scope="module")
def log(grocery, raw):
    """The demonstration's log, of these stores."""
    settings = read_settings(grocery)
    here = settings.transactions.model_copy(update={"source": str(raw)})
    return read_project_transactions(settings.model_copy(update={"transactions": here}))


@pytest.fixture(scope="module")
def sql(raw):
    """A connection of its own with the raw lines: household, store, basket, day, amount, department."""
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'America/New_York'")
    connection.execute(
        f"""CREATE TABLE lines AS SELECT household_id AS h, store_id AS s, basket_id AS b,
        CAST(ordered_at AS DATE) AS d, sales_value AS v, department AS c FROM '{raw}'
        WHERE CAST(ordered_at AS DATE) <= DATE '2017-12-31'"""
    )
    return connection


def values(table: pd.DataFrame, *index: str) -> dict:
    """Measure → value, by the columns of the index."""
    return table.set_index([*index])["value"].to_dict()


@pytest.mark.slow
def test_purchases_by_store_and_month_are_the_sql_count(log, sql):
    """Customers, orders, revenue and four rates of eight stores in twelve months."""
    table = rm.measure_table(
        log, by="store_id", period="M", end=END, measures=list(_PURCHASES), start="2017-01-01"
    )
    found = table.pivot(index=["store_id", "start"], columns="measure", values="value")
    expected = sql.execute(
        """WITH per AS (
            SELECT s, date_trunc('month', d)::DATE AS m, h, count(DISTINCT d) AS days,
                   count(DISTINCT (d, b)) AS orders, sum(v) AS spend, count(DISTINCT c) AS cats
            FROM lines GROUP BY ALL)
        SELECT s AS store_id, m AS start, count(*)::DOUBLE AS customers,
               sum(orders)::DOUBLE AS orders, sum(spend) AS revenue,
               avg((days > 1)::INT) AS repeat_customer_rate, avg(orders) AS purchase_frequency,
               sum(spend) / sum(orders) AS spend_per_order, avg(spend) AS sales_per_customer,
               sum((cats > 1)::INT) / sum((cats > 0)::INT) AS upsell_rate
        FROM per GROUP BY ALL ORDER BY ALL"""
    ).df()
    expected["start"] = pd.to_datetime(expected["start"]).dt.date
    expected = expected.set_index(["store_id", "start"])
    assert 96 == len(found)
    for name in _PURCHASES:
        assert expected[name].to_numpy() == pytest.approx(found.sort_index()[name].to_numpy()), name


_PURCHASES = (
    "customers",
    "orders",
    "revenue",
    "repeat_customer_rate",
    "purchase_frequency",
    "spend_per_order",
    "sales_per_customer",
    "upsell_rate",
)


@pytest.mark.slow
def test_intervals_of_ratios_are_those_of_customers_one_by_one(log, sql):
    """From each customer's own numbers, not from sums of products: log ratio ± t · SE."""
    per = sql.execute(
        """SELECT h, count(DISTINCT (d, b)) AS orders, sum(v) AS spend FROM lines
        WHERE s = '367' GROUP BY h"""
    ).df()
    ratio = per["spend"].sum() / per["orders"].sum()
    n = len(per)
    residual = (per["spend"] - ratio * per["orders"]) / per["orders"].sum()
    step = t.ppf(0.975, n - 1) * np.sqrt(n / (n - 1) * (residual**2).sum()) / ratio
    row = rm.store_measures(log, store_id="367", end=END).loc["spend_per_order"]
    assert [ratio * np.exp(-step), ratio * np.exp(step)] == pytest.approx([row["low"], row["high"]])


@pytest.mark.slow
def test_the_activity_window_is_the_sql_percentile(log, sql):
    """The smallest number of days that 90% of the gaps do not exceed, store by store."""
    expected = dict(
        sql.execute(
            """WITH days AS (SELECT DISTINCT s, h, d FROM lines),
            gaps AS (SELECT s, d - lag(d) OVER (PARTITION BY s, h ORDER BY d) AS gap FROM days)
            SELECT s, quantile_disc(gap, 0.9) FROM gaps WHERE gap IS NOT NULL GROUP BY s"""
        ).fetchall()
    )
    assert expected == {s: rm.activity_window(log, store_id=s, end=END) for s in expected}


@pytest.mark.slow
def test_retention_by_store_and_quarter_is_the_sql_count(log, sql):
    """Bought in the window before the quarter; of these, bought in the window before its end."""
    table = rm.measure_table(
        log, by="store_id", period="Q", end=END, measures=["retention_rate", "annual_churn_rate"]
    )
    rates = table[table["measure"] == "retention_rate"].dropna(subset="value")
    assert 24 == len(rates)
    for row in rates.to_dict("records"):
        days = rm.activity_window(log, store_id=row["store_id"], end=END)
        before = row["start"] - dt.timedelta(days=1)
        (counts,) = sql.execute(
            """WITH a AS (SELECT DISTINCT h FROM lines WHERE s = $1 AND d > $2::DATE - $4::INT
                          AND d <= $2::DATE),
                    z AS (SELECT DISTINCT h FROM lines WHERE s = $1 AND d > $3::DATE - $4::INT
                          AND d <= $3::DATE)
            SELECT count(z.h), count(a.h) FROM a LEFT JOIN z USING (h)""",
            [row["store_id"], before, row["end"], days],
        ).fetchall()
        assert counts == (row["numerator"], row["denominator"])
        assert counts[0] / counts[1] == row["value"]
        yearly = table[(table["measure"] == "annual_churn_rate") & (table["start"] == row["start"])]
        (yearly,) = yearly.loc[yearly["store_id"] == row["store_id"], "value"]
        length = (row["end"] - row["start"]).days + 1
        assert 1 - row["value"] ** (365 / length) == pytest.approx(yearly)


@pytest.mark.slow
def test_the_first_quarter_has_no_retention_and_says_why(log):
    """Who was active when the data began cannot be known."""
    table = rm.measure_table(
        log, store_id="367", period="Q", end=END, measures=["retention_rate"], start="2017-01-01"
    )
    first = table.iloc[0]
    assert np.isnan(first["value"])
    assert first["note"].startswith("The data begin on 2017-01-01; who was active on 2017-01-01")


@pytest.mark.slow
def test_historic_value_is_yearly_revenue_times_lifetime(log, sql):
    """Over the year's customers: mean spend × mean years from first to last purchase."""
    spend, life = sql.execute(
        """SELECT avg(v), avg(life) FROM (SELECT h, sum(v) AS v, (max(d) - min(d)) / 365 AS life
        FROM lines WHERE d >= DATE '2017-01-01' GROUP BY h)"""
    ).fetchall()[0]
    names = ["mean_lifetime", "historic_clv"]
    found = values(rm.measure_table(log, end=END, measures=names), "measure")
    assert spend * life == pytest.approx(found["historic_clv"])
    assert life * 365 / 365.25 == pytest.approx(found["mean_lifetime"])


@pytest.mark.slow
def test_the_interval_of_a_product_is_that_of_the_jackknife(log, sql):
    """Leaving out each customer in turn gives the standard error of spend × lifetime within 2%."""
    per = sql.execute(
        """SELECT h, sum(v) AS v, (max(d) - min(d)) / 365 AS life FROM lines
        WHERE s = '367' GROUP BY h"""
    ).df()
    n, v, life = len(per), per["v"].to_numpy(), per["life"].to_numpy()
    without = (v.sum() - v) / (n - 1) * (life.sum() - life) / (n - 1)
    error = np.sqrt((n - 1) / n * ((without - without.mean()) ** 2).sum())
    row = rm.measure_table(log, store_id="367", end=END, measures=["historic_clv"]).iloc[0]
    found = np.log(row["high"] / row["low"]) / 2 * row["value"] / t.ppf(0.975, n - 1)
    assert error == pytest.approx(found, rel=0.02)


@pytest.mark.slow
def test_changes_are_paired_by_customer(log, sql):
    """Sales per customer, second half-year less first: SE of the customers' differences one by one."""
    per = sql.execute(
        """SELECT h, sum(v) FILTER (d BETWEEN '2017-01-02' AND '2017-07-02') AS early,
        sum(v) FILTER (d > '2017-07-02') AS late FROM lines GROUP BY h
        HAVING early IS NOT NULL OR late IS NOT NULL"""
    ).df()
    early, late = (per[c].dropna() for c in ("early", "late"))
    gap = ((per["late"] - late.mean()) / len(late)).fillna(0) - (
        (per["early"] - early.mean()) / len(early)
    ).fillna(0)
    table = rm.measure_changes(log, period=182, end=END, measures=["sales_per_customer"])
    row = table[table["against"] == "previous period"].iloc[-1]
    assert late.mean() - early.mean() == pytest.approx(row["change"])
    # Only the factors n ÷ (n − 1) and t differ, since each window has its own n.
    half = t.ppf(0.975, len(late) - 1) * np.sqrt((gap**2).sum())
    assert half == pytest.approx((row["high"] - row["low"]) / 2, rel=0.002)
    unpaired = 1.96 * np.hypot(late.sem(), early.sem())
    assert half < 0.75 * unpaired


@pytest.mark.slow
def test_engagement_counts_purchases_and_redeemed_coupons(log, sql, grocery):
    """Of the households that had bought by the quarter's end, those with a purchase or a coupon."""
    redeemed = grocery.parent / "data" / "raw" / "coupon_redemptions.parquet"
    query = f"SELECT customer_id, redeemed_at, 'coupon' AS kind FROM '{redeemed}'"
    coupons = sql.execute(query).df()
    path = grocery.parent / "coupons.parquet"
    coupons.to_parquet(path)
    events = rm.read_events(path, customer_id="customer_id", date="redeemed_at", kind="kind")
    table = rm.measure_table(
        log, by="store_id", period="Q", end=END, events=events, start="2017-01-01"
    )
    expected = sql.execute(
        f"""WITH q AS (SELECT DISTINCT date_trunc('quarter', d)::DATE AS q FROM lines
                        WHERE d >= '2017-01-01'),
        first AS (SELECT s, h, min(d) AS first FROM lines GROUP BY ALL),
        known AS (SELECT s, h, q FROM first, q WHERE first < q + INTERVAL 3 MONTH),
        kinds AS (SELECT s, h, q,
            EXISTS (FROM lines l WHERE l.s = k.s AND l.h = k.h AND date_trunc('quarter', l.d) = q)::INT
            + EXISTS (FROM '{path}' c WHERE c.customer_id = k.h
                      AND date_trunc('quarter', c.redeemed_at) = q)::INT AS n FROM known k)
        SELECT s, q, avg((n > 0)::INT), avg(n), count(*) FROM kinds GROUP BY ALL ORDER BY ALL"""
    ).fetchall()
    wanted = table[table["measure"].isin(["engagement_rate", "contact_kinds_per_customer"])]
    found = wanted.set_index(["store_id", "start", "measure"])
    for store, start, engaged, kinds, n in expected:
        assert engaged == pytest.approx(found.loc[(store, start, "engagement_rate"), "value"])
        row = found.loc[(store, start, "contact_kinds_per_customer")]
        assert (kinds, n) == (pytest.approx(row["value"]), row["customers"])


@pytest.mark.slow
@pytest.mark.parametrize(("period", "unit"), [("W", "week"), ("M", "month"), ("Q", "quarter")])
def test_cohorts_are_the_sql_count(log, sql, period, unit):
    """Active customers, revenue and value per customer of every cohort and age, with its interval."""
    table = rm.cohort_table(log, store_id="343", period=period, end=END)
    expected = sql.execute(
        f"""WITH per AS (SELECT h, date_trunc('{unit}', d) AS p, sum(v) AS v FROM lines
                         WHERE s = '343' GROUP BY ALL),
        first AS (SELECT h, min(p) AS cohort FROM per GROUP BY h),
        ages AS (SELECT h, cohort, p FROM first, (SELECT DISTINCT p FROM per) WHERE p >= cohort),
        cum AS (SELECT a.h, cohort, a.p, coalesce(v, 0) AS v, (v IS NOT NULL)::INT AS active,
            sum(coalesce(v, 0)) OVER (PARTITION BY a.h ORDER BY a.p) AS total
            FROM ages a LEFT JOIN per USING (h, p))
        SELECT cohort, date_diff('{unit}', cohort, p) AS cohort_age, count(*) AS customers,
            sum(active) AS active, avg(v) AS revenue_per_customer, avg(total) AS value_per_customer,
            coalesce(stddev_samp(total) / sqrt(count(*)), 0) AS error
        FROM cum GROUP BY cohort, p ORDER BY cohort, p"""
    ).df()
    columns = ["customers", "active", "revenue_per_customer", "value_per_customer"]
    assert expected[columns].to_numpy() == pytest.approx(table[columns].to_numpy(), abs=1e-9)
    assert list(pd.to_datetime(expected["cohort"])) == list(table["cohort"])
    several = (table["customers"] >= 2).to_numpy()
    step = np.log(table["value_high"] / table["value_per_customer"]).to_numpy()
    error = step * table["value_per_customer"] / stdtrit(table["customers"] - 1.0, 0.975)
    assert expected["error"][several].to_numpy() == pytest.approx(
        error[several].to_numpy(), rel=1e-6
    )


@pytest.mark.slow
def test_every_measure_has_a_row_with_a_value_or_a_reason(log):
    """Nothing is left out without a word."""
    table = rm.measure_table(log, by="store_id", period="M", end=END)
    silent = table[table["value"].isna() & (table["note"] == "")]
    unsure = table[table["value"].notna() & table["low"].isna() & (table["note"] == "")]
    assert 17 == table["measure"].nunique()
    assert (0, 0) == (len(silent), len(unsure))
