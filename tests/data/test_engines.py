"""DuckDB, PostgreSQL and Spark give the same tables, to the cent and the day."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from conftest import skip_or_fail

import nights
import retention_models as rm
from engines import (
    COLUMNS,
    IDS,
    in_parquet,
    in_postgresql,
    in_spark,
    log_of_an_odd_shop,
    psycopg_connection,
    why_not,
)
from retention_models.errors import DataError
from retention_models.runs.publishing.fingerprints import data_print

# Spark's own client leaves its sockets for the interpreter to close.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

# With summer time, so that some days have 23 hours and some 25.
ZONE = "Europe/Berlin"


@pytest.fixture(scope="module")
def frame():
    """The log."""
    return log_of_an_odd_shop()


@pytest.fixture(scope="module")
def duckdb_log(frame, tmp_path_factory):
    """The log, read by DuckDB."""
    return _read(in_parquet(frame, tmp_path_factory.mktemp("parquet")))


@pytest.fixture(scope="module", params=["postgresql", "spark"])
def other_log(request, frame, tmp_path_factory):
    """The log, read by another engine."""
    if request.param == "postgresql":
        return _read(in_postgresql(frame, request.getfixturevalue("postgresql")))
    if why_not("spark"):
        skip_or_fail(why_not("spark"))
    return _read(in_spark(frame, tmp_path_factory.mktemp("spark")))


def _read(where):
    return rm.read_transactions(where["source"], table=where.get("table"), timezone=ZONE, **COLUMNS)


def test_checks_find_the_same(duckdb_log, other_log):
    """Unusable rows by reason, stores with their days, returns, free items and repeats."""
    pd.testing.assert_frame_equal(duckdb_log.quality, other_log.quality)
    pd.testing.assert_frame_equal(duckdb_log.stores, other_log.stores)
    assert duckdb_log.remarks == other_log.remarks
    assert len(duckdb_log.remarks) == 3


@pytest.mark.parametrize("same_day", ["one", "each", "each_line"])
def test_summaries_are_the_same(duckdb_log, other_log, same_day):
    """Every customer, every day, every cent; of all stores and of one."""
    for store in (None, "1"):
        ours = rm.customer_summary(duckdb_log, store_id=store, same_day=same_day)
        theirs = rm.customer_summary(other_log, store_id=store, same_day=same_day)
        pd.testing.assert_frame_equal(ours, theirs, check_exact=False, rtol=1e-12)
    assert len(ours) > 50


@pytest.mark.parametrize(
    "where",
    [
        "shop in ('01', '1') and not (kind = 'tea') and paid > 0.5",
        "paid <> 0 and (at >= '2023-03-01' or shop = 'Ü')",
        "kind = '' or not (paid * 2 / 3 - 1 < 10)",
    ],
)
def test_expressions_are_computed_alike(duckdb_log, other_log, where):
    """Spend by arithmetic and rows by a condition; a table of Ibis is asked where it lies."""
    names = COLUMNS | {"spend": "paid * 2 / 3 - 0.5"}
    ours, theirs = (
        rm.read_transactions(log.origin.table, **names, where=where, timezone=ZONE)
        for log in (duckdb_log, other_log)
    )
    assert other_log.origin.table.get_backend() is theirs.origin.table.get_backend()
    pd.testing.assert_frame_equal(ours.quality, theirs.quality)
    summaries = (rm.customer_summary(log) for log in (ours, theirs))
    pd.testing.assert_frame_equal(*summaries, check_exact=False, rtol=1e-6)
    assert 0 < ours.quality["rows"].sum() < ours.rows_read


def test_a_session_whose_days_begin_elsewhere_is_refused(other_log):
    """A table of Ibis on a server has its own session's zone."""
    with pytest.raises(DataError, match="days begin in Europe/Berlin in the table's session"):
        rm.read_transactions(other_log.origin.table, **COLUMNS, timezone="Asia/Tokyo")


@pytest.mark.parametrize(
    "options", [{}, {"store_id": "1", "time_unit": "D"}, {"first_seen_from": "2023-06-01"}]
)
def test_sums_of_log_gaps_are_the_same(duckdb_log, other_log, options):
    """Of the whole chain, of a store, and of those first seen from a day on."""
    one = rm.sum_log_gaps(duckdb_log, **options)
    assert one == pytest.approx(rm.sum_log_gaps(other_log, **options), rel=1e-12)


def test_holdouts_are_the_same(duckdb_log, other_log):
    """Calibration and holdout too."""
    days = {"calibration_end": "2023-12-31", "holdout_end": "2024-04-30"}
    ours, theirs = (
        rm.calibration_holdout_summary(log, store_id="01", **days)
        for log in (duckdb_log, other_log)
    )
    pd.testing.assert_frame_equal(ours, theirs, check_exact=False, rtol=1e-12)


def test_stores_are_summarised_in_one_pass_alike(duckdb_log, other_log):
    """`customer_summary_by_store`."""
    ours, theirs = (rm.customer_summary_by_store(log) for log in (duckdb_log, other_log))
    assert list(ours) == list(theirs) == ["01", "1", "Ü"]
    for store in ours:
        pd.testing.assert_frame_equal(ours[store], theirs[store], check_exact=False, rtol=1e-12)


@pytest.mark.parametrize("same_day", ["one", "each", "each_line"])
def test_purchases_by_day_are_the_same(duckdb_log, other_log, same_day):
    """Every day from the first to the last; repeat purchases are the frequencies, all told."""
    ours, theirs = (
        rm.count_purchase_days(log, store_id="1", same_day=same_day)
        for log in (duckdb_log, other_log)
    )
    pd.testing.assert_frame_equal(ours, theirs)
    rows = rm.count_customers(duckdb_log, store_id="1", same_day=same_day)
    assert ours["repeat_purchases"].sum() == rows["frequency"] @ rows["customers"]
    assert ours["new_customers"].sum() == rows["customers"].sum()
    assert len(ours) == (ours["date"].max() - ours["date"].min()).days + 1


@pytest.mark.parametrize("store_id", [None, "1"])
def test_gaps_between_purchases_are_the_same(duckdb_log, other_log, store_id):
    """By the day before and their own; as many as repeat purchases, and their logs' sum."""
    ours, theirs = (
        rm.count_purchase_gaps(log, store_id=store_id) for log in (duckdb_log, other_log)
    )
    pd.testing.assert_frame_equal(ours, theirs)
    logs = np.log((ours["date"] - ours["before"]).dt.days) @ ours["purchases"]
    one = rm.sum_log_gaps(duckdb_log, store_id=store_id, time_unit="D")
    assert one == pytest.approx(logs, rel=1e-12)


def test_measures_and_cohorts_are_the_same(duckdb_log, other_log):
    """The rates of a window, and the shares of every cohort."""
    for question in (rm.store_measures, rm.cohort_retention):
        ours, theirs = (question(log, store_id="01") for log in (duckdb_log, other_log))
        pd.testing.assert_frame_equal(ours, theirs, check_exact=False, rtol=1e-12)


def test_categories_are_the_same(duckdb_log, other_log):
    """How many each customer has bought, and one of them."""
    for store in (None, "01"):
        ours, theirs = (rm.category_counts(log, store_id=store) for log in (duckdb_log, other_log))
        pd.testing.assert_frame_equal(ours, theirs)
    assert {1, 2} == set(ours["categories"])


# Spark takes a second for each of a hundred questions, whatever the size of the log.
@pytest.mark.parametrize(
    "other_log",
    ["postgresql", pytest.param("spark", marks=pytest.mark.nightly)],
    indirect=True,
    scope="module",
)
def test_the_quality_of_the_log_is_the_same(duckdb_log, other_log):
    """Every finding: returns and where they went, repeats, orders standing twice, the log's start."""
    ours, theirs = (rm.data_quality(log).set_index("finding") for log in (duckdb_log, other_log))
    for table in (ours, theirs):
        # Spark writes a moment without its offset.
        table["detail"] = table["detail"].str.replace(
            r"(\d{2}:\d{2}:\d{2})\+\d{2}", r"\1", regex=True
        )
    pd.testing.assert_frame_equal(ours.iloc[1:], theirs.iloc[1:], check_exact=False, rtol=1e-9)
    assert ours.loc["orders standing twice", "count"] > 0
    assert ours.loc["returns before any purchase", "count"] > 0


@pytest.mark.nightly
def test_every_measure_is_the_same_by_store_period_and_attribute(duckdb_log, other_log, tmp_path):
    """With tables of this process beside the log: attributes, survey answers, events."""
    rng = np.random.default_rng(2)
    who = [*IDS, *(f"c{i}" for i in range(60))]
    day = pd.to_datetime("2023-02-01") + pd.to_timedelta(rng.integers(0, 300, len(who)), unit="D")
    table = pd.DataFrame({"who": who, "day": day, "score": rng.integers(0, 11, len(who))})
    table.assign(up=table["score"] > 5, kind="click").to_parquet(tmp_path / "said.parquet")
    said = {"source": tmp_path / "said.parquet", "customer_id": "who"}
    settings = {
        "by": ["store_id", "tier"],
        "attributes": pd.DataFrame({"customer_id": who, "tier": rng.choice(["a", "b"], len(who))}),
        "period": "Q",
        "surveys": rm.read_surveys(**said, answered_at="day", score="score", thumb="up"),
        "events": rm.read_events(**said, date="day", kind="kind"),
    }
    several = ["spend_per_order", "retention_rate", "net_promoter_score"]
    # 16 of 17 measures have a value: no year is complete.
    for question, names, valued in ((rm.measure_table, None, 16), (rm.measure_changes, several, 3)):
        ours, theirs = (
            question(log, measures=names, **settings) for log in (duckdb_log, other_log)
        )
        assert valued == ours.dropna(subset="value")["measure"].nunique()
        pd.testing.assert_frame_equal(ours, theirs, check_exact=False, rtol=1e-9)


@pytest.mark.parametrize("period", ["W", "Q"])
def test_cohorts_with_their_money_are_the_same(duckdb_log, other_log, period):
    """By store; sums of squares are of decimals in every engine."""
    ours, theirs = (
        rm.cohort_table(log, by="store_id", period=period) for log in (duckdb_log, other_log)
    )
    pd.testing.assert_frame_equal(ours, theirs, check_exact=False, rtol=1e-9)


def test_a_database_that_is_not_there_is_said_without_its_password(tmp_path):
    """The address is named, the password is not."""
    if why_not("postgresql"):
        skip_or_fail(why_not("postgresql"))
    with pytest.raises(DataError) as caught:
        rm.read_transactions("postgresql://shop:secret@localhost:1/orders", **COLUMNS)
    assert "postgresql://shop:***@localhost:1/orders: cannot be read." in str(caught.value)
    assert "secret" not in str(caught.value)


def test_tables_are_named_where_one_is_missing(frame, postgresql):
    """What there is stands in the message."""
    where = in_postgresql(frame, postgresql)
    with pytest.raises(DataError, match=r"no table 'sales'; expected table to be one of .*log"):
        rm.read_transactions(where["source"], table="sales", **COLUMNS)


def test_text_is_not_read_as_days_in_a_database(frame, postgresql):
    """A database has types; a view says them."""
    where = in_postgresql(frame.assign(paid=frame["paid"].astype(str)), postgresql)
    with psycopg_connection(postgresql) as connection:
        connection.execute("DROP VIEW IF EXISTS as_text")
        connection.execute("CREATE VIEW as_text AS SELECT who, at::text AS at, paid FROM log")
    columns = {name: COLUMNS[name] for name in ("customer_id", "date", "spend")}
    with pytest.raises(DataError, match=r"column 'at' \(date\) holds text.*view"):
        rm.read_transactions(where["source"], table="as_text", **columns)


def in_engine(engine, request, frame, folder):
    """The log, read by an engine."""
    folder.mkdir()
    if engine == "postgresql":
        return _read(in_postgresql(frame, request.getfixturevalue("postgresql")))
    if engine == "spark" and why_not("spark"):
        skip_or_fail(why_not("spark"))
    return _read({"duckdb": in_parquet, "spark": in_spark}[engine](frame, folder))


def two_of(frame, store_id):
    """Places of two whole rows of a store with different customers, days and amounts."""
    rows = frame[(frame["shop"] == store_id) & (frame["paid"] > 1)].dropna().reset_index()
    rows = rows.assign(day=rows["at"].dt.floor("3D"))
    for column in ("who", "day", "paid", "ticket"):
        rows = rows.drop_duplicates(column, keep=False)
    return rows["index"].iloc[:2].tolist()


def another_cent(frame):
    """A cent of store 1 moves from one row to another: every sum and count stays."""
    changed = frame.copy()
    changed.loc[two_of(frame, "1"), "paid"] += [0.01, -0.01]
    return changed


def exchanged(frame):
    """In each store two rows exchange customers or days, or one loses its category."""
    changed = frame.copy()
    for store_id, column in (("01", "who"), ("Ü", "at")):
        one, other = two_of(frame, store_id)
        changed.loc[[one, other], column] = frame.loc[[other, one], column].to_numpy()
    changed.loc[two_of(frame, "1")[0], "kind"] = None
    return changed


@pytest.mark.parametrize(
    "engine", ["duckdb", "postgresql", pytest.param("spark", marks=pytest.mark.nightly)]
)
def test_a_stores_fingerprint_is_of_its_rows_in_any_order(engine, request, frame, tmp_path):
    """Whatever changes in a row is told, of its store alone; the order of rows, and of sums, is not."""
    settings = nights.settings_in(tmp_path)

    def printed(changed, name):
        return data_print(settings, in_engine(engine, request, changed, tmp_path / name))

    frame = frame.drop_duplicates(ignore_index=True)
    before = printed(frame, "before")
    assert before == printed(frame.sample(frac=1, random_state=4), "shuffled")
    for change, told in ((another_cent, {"1"}), (exchanged, {"01", "1", "Ü"})):
        after = printed(change(frame), change.__name__)
        assert before.sha256 != after.sha256
        assert {"01", "1", "Ü"} == set(after.stores) == set(before.stores)
        assert told == {s for s in after.stores if after.stores[s] != before.stores[s]}
        for store_id in told:  # no count tells it
            assert before.stores[store_id]["rows"] == after.stores[store_id]["rows"]
