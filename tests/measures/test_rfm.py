"""RFM scores, by hand and by a slow reference."""

import numpy as np
import pandas as pd
import pytest

import retention_models as rm


def log_of(lines):
    """A log of (customer, day, spend)."""
    frame = pd.DataFrame(lines, columns=["id", "day", "paid"])
    return rm.read_transactions(frame, customer_id="id", date="day", spend="paid")


@pytest.fixture(scope="module")
def lines():
    """Sixty customers with ties in everything, and returns."""
    rng = np.random.default_rng(3)
    found = []
    for customer in range(60):
        for day in rng.integers(1, 29, rng.integers(1, 5)):
            found.append((f"c{customer:02d}", f"2024-02-{day:02d}", float(rng.integers(1, 6))))
    return [*found, ("c00", "2024-02-29", -2.0)]


def by_hand(values):
    """⌈5 · (mean rank − ½) ÷ n⌉ by counting."""
    n = len(values)
    ranks = [sum(o < v for o in values) + (sum(o == v for o in values) + 1) / 2 for v in values]
    return [int(np.ceil(5 * (rank - 0.5) / n)) for rank in ranks]


def test_scores_are_fifths_by_rank_whatever_the_order_of_rows(lines):
    """Equal customers score equal; a return lowers money and is no purchase."""
    scores = rm.rfm_scores(log_of(lines))
    frame = pd.DataFrame(lines, columns=["id", "day", "paid"])
    bought = frame[frame["paid"] >= 0].groupby("id")
    recency = (pd.Timestamp("2024-02-29") - pd.to_datetime(bought["day"].max())).dt.days
    assert recency.to_dict() == scores["recency_days"].to_dict()
    assert bought["day"].nunique().to_dict() == scores["frequency"].to_dict()
    assert frame.groupby("id")["paid"].sum().to_dict() == pytest.approx(
        scores["monetary"].to_dict()
    )
    assert by_hand([-day for day in scores["recency_days"]]) == scores["r"].tolist()
    assert by_hand(scores["frequency"].tolist()) == scores["f"].tolist()
    assert by_hand(scores["monetary"].tolist()) == scores["m"].tolist()
    pd.testing.assert_frame_equal(scores, rm.rfm_scores(log_of(lines[::-1])))


def test_each_pair_of_scores_has_one_customary_name(lines):
    """All 25 are named, and the grid counts everybody once."""
    scores = rm.rfm_scores(log_of(lines))
    grid = rm.rfm_grid(scores)
    assert 25 == len(grid)
    assert set(rm.RFM_SEGMENTS) == set(grid["segment"])
    names = grid.set_index(["r", "f"])["segment"]
    assert ("champions", "hibernating", "cannot lose them", "new") == tuple(
        names[pair] for pair in [(5, 5), (1, 1), (1, 5), (5, 1)]
    )
    assert len(scores) == grid["customers"].sum()
    assert grid["monetary"].sum() == pytest.approx(scores["monetary"].sum())
    assert grid["share"].sum() == pytest.approx(1.0)


def test_five_customers_at_least_and_somebody_who_bought():
    """Else there are no fifths; who only brought back is no customer."""
    four = [(name, "2024-01-01", 1.0) for name in "abcd"]
    with pytest.raises(rm.CannotSay, match="4 customers are too few"):
        rm.rfm_scores(log_of([*four, ("e", "2024-01-02", -1.0)]))
    assert [3] * 5 == rm.rfm_scores(log_of([*four, ("e", "2024-01-01", 1.0)]))["r"].tolist()
