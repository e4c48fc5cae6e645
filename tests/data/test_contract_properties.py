"""What must hold for every log, against plain Python; each store of an example is a log of its own."""

from __future__ import annotations

import csv
import datetime as dt
import tempfile
import warnings
from collections import defaultdict
from collections.abc import Iterator
from fractions import Fraction
from itertools import chain
from pathlib import Path
from zoneinfo import ZoneInfo

import lifetimes.utils
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

import retention_models as rm
from retention_models.data.days import NO_PURCHASE, purchase_days, returns_by_place
from tiers import sized

BEGIN, DAYS, SPLIT = dt.date(2024, 3, 1), 40, 20
END = BEGIN + dt.timedelta(days=DAYS)
STORES = [f"{i:04d}" for i in range(16)] + ["NO", "<b>", "فروشگاه ۷", "Şişli"]
IDS = [
    "0042",
    "42",
    "NO",
    "12E4",
    "../x",
    "O'Brien",
    "<b>",
    "مشتری ۷",
    "İğne",
    "ığne",
    " x ",
    "x",  # the same customer: blanks around an id are none of it
    'a "b", c',
]
NAMES = {"customer_id": "c", "date": "d", "spend": "s", "store_id": "shop", "order_id": "o"}

lines = st.tuples(
    st.sampled_from(STORES),
    st.sampled_from(IDS),
    st.integers(0, DAYS * 24 * 60 - 1),  # minutes from the first midnight, as the clock says it
    st.sampled_from(["", "", "Z", "+03:00", "-08:00"]),
    st.integers(-3000, 6000),  # cents
    st.sampled_from(["", "1", "2", "R-9"]),
    st.sampled_from([1, 1, 1, 2]),  # times that the row stands in the file
)
logs = st.lists(lines, min_size=1, max_size=260)
zones = st.sampled_from(["Europe/Istanbul", "America/New_York", "UTC"])
calm = {
    "deadline": None,
    "suppress_health_check": [
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.large_base_example,
    ],
}


def as_text(drawn) -> list[tuple[str, ...]]:
    """The rows of the file."""
    rows = []
    for store, customer, minute, offset, cents, order, copies in drawn:
        moment = dt.datetime.combine(BEGIN, dt.time()) + dt.timedelta(minutes=minute)
        row = (store, customer, f"{moment:%Y-%m-%dT%H:%M:%S}{offset}", f"{cents / 100:.2f}", order)
        rows += [row] * copies
    return rows


def read(rows, zone: str, **options) -> rm.Transactions:
    """Read rows through a CSV file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["shop", "c", "d", "s", "o"])
            writer.writerows(rows)
        return rm.read_transactions(path, timezone=zone, **NAMES, **options)


def shop_day(text: str, zone: str) -> int:
    """Days from the first to the one on which the shop's clock saw it."""
    moment = dt.datetime.fromisoformat(text)
    local = moment.astimezone(ZoneInfo(zone)) if moment.tzinfo else moment
    return (local.date() - BEGIN).days


def by_customer(rows, zone: str) -> dict[tuple[str, str], list[tuple[int, Fraction, str]]]:
    """(Store, customer) → lines in order of their days: day, spend, order id."""
    found = defaultdict(list)
    for store, customer, when, spend, order in rows:
        found[store, customer.strip()].append((shop_day(when, zone), Fraction(spend), order))
    return {who: sorted(bought, key=lambda line: line[0]) for who, bought in found.items()}


def plain_days(bought, end: int) -> dict[int, list]:
    """Day with a purchase → spend net of returns, orders. The contract, line by line."""
    days: dict[int, list] = {}
    bought = [line for line in bought if line[0] <= end]
    for day, spend, order in bought:
        if spend >= 0:
            entry = days.setdefault(day, [Fraction(0), set()])
            entry[0] += spend
            entry[1].add(order)
    for day, spend, order in bought:
        if spend < 0:
            of_order = [
                d for d, (_, orders) in days.items() if order and order in orders and d <= day
            ]
            before = [d for d in days if d <= day]
            if before:
                days[max(of_order or before)][0] += spend
    return days


def plain_summary(bought, end: int, *, orders: bool) -> tuple[float, ...] | None:
    """Frequency, recency, T and monetary_value in days, or None without a purchase."""
    days = plain_days(bought, end)
    if not days:
        return None
    first, count = min(days), {day: len(ids) if orders else 1 for day, (_, ids) in days.items()}
    spend = sum(value for value, _ in days.values()) - days[first][0] / count[first]
    repeats = sum(count.values()) - 1
    mean = float(spend / repeats) if repeats else 0.0
    return repeats, max(days) - first, end - first + (0.5 if orders else 0.0), mean


def compared(drawn, zone: str, *, drop: bool) -> Iterator[tuple[object, object]]:
    """What is expected of the stores of one file, and what was found."""
    rows = as_text(drawn)
    log = read(rows, zone, duplicates="drop" if drop else "keep")
    rows = sorted(set(rows)) if drop else rows
    yield len(rows), int(log.stores["rows"].sum())
    customers = by_customer(rows, zone)
    for same_day in ("one", "each") if all(row[4] for row in rows) else ("one",):
        tables = rm.customer_summary_by_store(
            log, observation_end=END, time_unit="D", same_day=same_day
        )
        expected = {
            who: summary
            for who, bought in customers.items()
            if (summary := plain_summary(bought, DAYS, orders=same_day == "each"))
        }
        found = {
            (store, customer): tuple(row)
            for store, table in tables.items()
            for customer, *row in table.itertuples()
        }
        yield set(expected), set(found)
        for who, numbers in expected.items():
            yield pytest.approx(numbers, abs=1e-9), found.get(who)
        counted = sum(len(table) + table["frequency"].sum() for table in tables.values())
        yield sum(1 + numbers[0] for numbers in expected.values()), counted


def money_compared(drawn, zone: str) -> Iterator[tuple[object, object]]:
    """What the days of a store's customers are worth is what was paid less what was given back."""
    rows = as_text(drawn)
    store = rows[0][0]
    own = by_customer([row for row in rows if row[0] == store], zone)
    log = read(rows, zone)
    table = purchase_days(log.rows(store)).execute()
    everything = sum(spend for bought in own.values() for _, spend, _ in bought)
    early = [
        spend
        for bought in own.values()
        for day, spend, _ in bought
        if not any(d <= day for d in plain_days(bought, day))
    ]
    yield pytest.approx(float(everything - sum(early)), abs=1e-9), float(table["spend"].sum())
    yield len(early), returns_by_place(log.rows(store))[NO_PURCHASE]


def split_compared(drawn, zone: str) -> Iterator[tuple[object, object]]:
    """Calibration knows no later line; purchases and late joiners are conserved beside it."""
    rows = as_text(drawn)
    end, split = END, BEGIN + dt.timedelta(days=SPLIT)
    table = rm.calibration_holdout_summary(
        read(rows, zone), store_id=rows[0][0], calibration_end=split, holdout_end=end, time_unit="D"
    )
    own = by_customer([row for row in rows if row[0] == rows[0][0]], zone)
    before = {c: s for (_, c), b in own.items() if (s := plain_summary(b, SPLIT, orders=False))}
    after = {c: plain_days(b, DAYS) for (_, c), b in own.items()}
    columns = ["frequency", "recency", "T", "monetary_value"]
    yield set(before), set(table.index)
    for customer, numbers in before.items():
        yield pytest.approx(numbers, abs=1e-9), tuple(table.loc[customer, columns])
        later = [float(v) for day, (v, _) in after[customer].items() if day > SPLIT]
        mean = sum(later) / len(later) if later else 0.0
        held_out = table.loc[customer, ["frequency_holdout", "monetary_value_holdout"]]
        yield pytest.approx((len(later), mean), abs=1e-9), tuple(held_out)
    new = sum(bool(days) and customer not in before for customer, days in after.items())
    yield new, table.attrs["customers_new_in_holdout"]


@settings(max_examples=3, **calm)
@given(drawn=logs, zone=zones, drop=st.booleans())
def test_summaries_are_the_contract_in_plain_python(drawn, zone, drop):
    """20 stores an example: ties, returns with and without order ids, repeats, zones, strange ids."""
    for expected, found in compared(drawn, zone, drop=drop):
        assert expected == found


@pytest.mark.slow
@pytest.mark.sized
@settings(max_examples=sized(15, 50), **calm)
@given(drawn=logs, zone=zones, drop=st.booleans())
def test_a_thousand_summaries_are_the_contract_in_plain_python(drawn, zone, drop):
    """The same, of 1,000 stores."""
    for expected, found in compared(drawn, zone, drop=drop):
        assert expected == found


@pytest.mark.slow
@pytest.mark.sized
@settings(max_examples=sized(8, 25), **calm)
@given(drawn=logs.map(lambda drawn: [(STORES[0], *line[1:]) for line in drawn]), zone=zones)
def test_money_and_purchases_are_conserved(drawn, zone):
    """To the cent; every return is in one place; a holdout changes nothing before it."""
    for expected, found in chain(money_compared(drawn, zone), split_compared(drawn, zone)):
        assert expected == found


@pytest.mark.slow
@settings(max_examples=10, **calm)
@given(
    drawn=logs.map(lambda drawn: [(*line[:3], "", abs(line[4]) + 1, *line[5:]) for line in drawn])
)
def test_without_returns_every_store_has_lifetimes_own_summary(drawn):
    """In days, where lifetimes' periods are days too; ids with blanks and quotes included."""
    rows = as_text(drawn)
    tables = rm.customer_summary_by_store(read(rows, "UTC"), observation_end=END, time_unit="D")
    frame = pd.DataFrame(rows, columns=["shop", "c", "d", "s", "o"]).astype({"s": float})
    frame["d"] = pd.to_datetime(frame["d"]).dt.normalize()
    frame["c"] = frame["c"].str.strip()
    assert sorted(frame["shop"].unique()) == list(tables)
    for store, own in frame.groupby("shop"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # lifetimes uses what pandas 3 deprecates
            theirs = lifetimes.utils.summary_data_from_transaction_data(
                own, "c", "d", monetary_value_col="s", observation_period_end=END
            )
        pd.testing.assert_frame_equal(
            tables[store],
            theirs.sort_index(),
            check_dtype=False,
            check_names=False,
            check_index_type=False,
        )
