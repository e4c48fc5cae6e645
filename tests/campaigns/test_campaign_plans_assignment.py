"""Drawing arms: the planned ratio, alike arms, the same draw again, and files that stay."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

import retention_models as rm
from plan_samples import coupon, expectations

BEFORE = "2024-02-28"
THREE = {"control": 0.2, "coupon": 0.5, "shipping": 0.3}


def drawn(customers, campaign, **how):
    """Arm by customer."""
    found = rm.assign_customers(customers, campaign, assigned_at=BEFORE, **how)
    return found.table.set_index("customer_id")["arm"]


@pytest.mark.parametrize("shares", [{"control": 0.5, "coupon": 0.5}, THREE])
@pytest.mark.parametrize("size", [1, 7, 103, 1001])
def test_each_stratum_has_the_planned_ratio_within_one(shares, size):
    """Of every arm, whatever the size; nobody is lost."""
    found = rm.assign_customers(expectations(size, 1), coupon(shares=shares), assigned_at=BEFORE)
    counts = found.strata[list(shares)]
    planned = found.strata["customers"].to_numpy()[:, None] * np.array(list(shares.values()))
    assert (np.abs(counts - planned) < 1.0).all(axis=None)
    assert size == counts.sum().sum() == len(found.table) == found.table["customer_id"].nunique()
    assert (
        found.arms.to_dict()
        == found.table["arm"].value_counts().reindex(list(shares)).fillna(0).astype(int).to_dict()
    )


def test_the_same_arms_in_any_order_of_rows():
    """Row order is not chance, so it changes nothing."""
    customers = expectations(500, 2)
    mixed = customers.sample(frac=1.0, random_state=3)
    assert drawn(customers, coupon()).equals(drawn(mixed, coupon()))


@pytest.mark.parametrize("change", [{"id": "summer"}, {"seed": 8}])
def test_another_campaign_or_seed_draws_other_arms(change):
    """About half of the customers are in the other arm then."""
    customers = expectations(2000, 4)
    other = (drawn(customers, coupon()) != drawn(customers, coupon(**change))).mean()
    assert 0.45 < other < 0.55


def test_two_campaigns_arms_have_nothing_to_do_with_each_other():
    """Correlation of 20,000 customers' arms within four standard errors of 0."""
    customers = expectations(20_000, 5)
    first, second = (drawn(customers, coupon(id=name)) == "coupon" for name in ("a", "b"))
    assert abs(np.corrcoef(first, second)[0, 1]) < 4.0 / np.sqrt(20_000)


@pytest.mark.nightly
def test_every_customer_has_the_planned_chance_of_every_arm():
    """Over 1,000 seeds, in strata whose sizes are no multiple of the arms'."""
    customers, draws = expectations(23, 6), 1000
    counts = pd.DataFrame(0, index=customers.index, columns=list(THREE))
    for seed in range(draws):
        arms = drawn(customers, coupon(shares=THREE, seed=seed), strata=4)
        for arm in THREE:
            counts[arm] += arms == arm
    share = np.array(list(THREE.values()))
    z = (counts / draws - share) / np.sqrt(share * (1.0 - share) / draws)
    assert z.abs().max(axis=None) < 4.5  # the largest of 69
    assert 0.5 < (z**2).mean(axis=None) < 1.5


def test_strata_balance_better_than_a_coin():
    """Difference of mean expected purchases between arms: less than half its spread by simple chance."""
    customers = expectations(400, 7).fillna(0.1)
    values = customers["expected_purchases"]
    gaps = []
    for seed in range(20):
        treated = drawn(customers, coupon(seed=seed)) == "coupon"
        gaps.append(values[treated].mean() - values[~treated].mean())
    by_chance = values.std() * np.sqrt(4.0 / len(values))
    assert np.std(gaps) < 0.5 * by_chance


def test_customers_who_are_expected_to_buy_the_same_stay_together():
    """Ties are not cut into strata, and those without history are a stratum of their own."""
    values = [np.nan, np.nan, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 2.0, 2.0]
    ids = [f"c{i}" for i in range(10)]
    found = rm.assign_customers(
        pd.DataFrame({"expected_purchases": values}, index=ids),
        coupon(),
        strata=4,
        assigned_at=BEFORE,
    ).strata
    assert [0, 1, 2, 3] == list(found.index)
    assert [2, 5, 1, 2] == found["customers"].tolist()
    assert np.isnan(found.loc[0, "lowest"])


def test_the_table_is_what_a_campaign_is_read_from():
    """Ids as they were given, one day for all."""
    customers = expectations(12, 8).rename(index={"00003": "=1+1", "00004": "0042 "})
    table = rm.assign_customers(customers, coupon(), assigned_at=BEFORE).table
    assert ["campaign_id", "customer_id", "arm", "assigned_at"] == list(table.columns)
    assert sorted(customers.index) == table["customer_id"].tolist()
    assert {"spring"} == set(table["campaign_id"])
    assert {dt.date(2024, 2, 28)} == set(table["assigned_at"])


def test_files_hold_ids_as_they_are_and_nothing_that_a_spreadsheet_runs(tmp_path):
    """Parquet for machines, CSV for people."""
    customers = expectations(12, 8).rename(index={"00003": "=1+1"})
    assignment = rm.assign_customers(customers, coupon(), assigned_at=BEFORE)
    path = rm.write_assignment(assignment, tmp_path / "made" / "spring.parquet")
    assert sorted(customers.index) == pd.read_parquet(path)["customer_id"].tolist()
    shown = pd.read_csv(path.with_suffix(".csv"), dtype=str)
    assert "'=1+1" in set(shown["customer_id"])
    assert "00001" in set(shown["customer_id"])
    assert {"spring.csv", "spring.parquet"} == {each.name for each in path.parent.iterdir()}


def test_the_same_arms_again_leave_the_file_as_it_is(tmp_path):
    """Also on another day: the first is when they were drawn."""
    customers, path = expectations(50, 9), tmp_path / "spring.parquet"
    rm.write_assignment(rm.assign_customers(customers, coupon(), assigned_at=BEFORE), path)
    content = path.read_bytes()
    later = rm.assign_customers(customers[::-1], coupon(), assigned_at="2024-02-29")
    assert path == rm.write_assignment(later, path)
    assert content == path.read_bytes()


@pytest.mark.parametrize("other", ["arms", "customers", "fewer", "campaign"])
def test_another_assignment_never_takes_a_files_place(tmp_path, other):
    """Whoever was offered it must be found again."""
    customers, path = expectations(50, 9), tmp_path / "spring.parquet"
    rm.write_assignment(rm.assign_customers(customers, coupon(), assigned_at=BEFORE), path)
    content = path.read_bytes(), path.with_suffix(".csv").read_bytes()
    changed = {
        "arms": (customers, coupon(seed=8)),
        "customers": (expectations(60, 9), coupon()),
        "fewer": (customers[:-1], coupon()),
        "campaign": (customers, coupon(id="summer")),
    }[other]
    assignment = rm.assign_customers(*changed, assigned_at=BEFORE)
    with pytest.raises(rm.DataError, match=r"holds another assignment.*left as it is"):
        rm.write_assignment(assignment, path)
    assert content == (path.read_bytes(), path.with_suffix(".csv").read_bytes())


def test_other_files_are_not_overwritten_either(tmp_path):
    """A file that is no assignment, and a CSV without its Parquet."""
    assignment = rm.assign_customers(expectations(9, 1), coupon(), assigned_at=BEFORE)
    path = tmp_path / "spring.parquet"
    path.write_text("notes", encoding="utf-8")
    with pytest.raises(rm.DataError, match="no assignment file"):
        rm.write_assignment(assignment, path)
    pd.DataFrame({"campaign_id": ["spring"]}).to_parquet(path)
    with pytest.raises(rm.DataError, match="columns are missing: customer_id"):
        rm.write_assignment(assignment, path)
    path.unlink()
    path.with_suffix(".csv").write_text("notes", encoding="utf-8")
    with pytest.raises(rm.DataError, match="holds something else"):
        rm.write_assignment(assignment, path)
    assert not path.exists()
    with pytest.raises(rm.SettingsError, match=r"ends in \.parquet"):
        rm.write_assignment(assignment, tmp_path / "spring.csv")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"design": "targeted"}, "design is 'targeted'"),
        ({"shares": {}}, "expected the share of each arm"),
        ({"shares": {"control": 1.0}}, "expected the share of each arm"),
        ({"shares": {"a": 0.5, "b": 0.5}}, "that of 'control' among them"),
        ({"shares": {"control": 1.5, "b": -0.5}}, "all above 0"),
    ],
)
def test_a_campaign_that_cannot_be_drawn_is_refused(changes, said):
    """The campaign and what was expected are named."""
    campaign = coupon().model_copy(update=changes)
    with pytest.raises(rm.SettingsError, match=said):
        rm.assign_customers(expectations(9, 1), campaign, assigned_at=BEFORE)


def test_shares_may_have_any_unit():
    """One and three is a quarter and three quarters."""
    customers = expectations(100, 1)
    ratio = drawn(customers, coupon(shares={"control": 1.0, "coupon": 3.0}))
    assert ratio.equals(drawn(customers, coupon(shares={"control": 0.25, "coupon": 0.75})))


def test_arms_are_not_drawn_after_the_start():
    """Neither by a day given, nor today for a campaign of the past."""
    with pytest.raises(rm.SettingsError, match="starts on 2024-03-01"):
        rm.assign_customers(expectations(9, 1), coupon(), assigned_at="2024-03-02")
    with pytest.raises(rm.SettingsError, match="Draw them before it starts"):
        rm.assign_customers(expectations(9, 1), coupon())


def test_customers_that_cannot_be_drawn_are_refused():
    """Numbers for ids, one id twice, no expectation, and one that is no number."""
    good = expectations(9, 1)
    with pytest.raises(rm.DataError, match="as text; 9 are not, such as 0"):
        rm.assign_customers(good.set_axis(range(9)), coupon(), assigned_at=BEFORE)
    with pytest.raises(rm.DataError, match="several, such as '00001'"):
        rm.assign_customers(pd.concat([good, good.loc[["00001"]]]), coupon(), assigned_at=BEFORE)
    with pytest.raises(rm.SettingsError, match="column expected_purchases"):
        rm.assign_customers(good.rename(columns=str.upper), coupon(), assigned_at=BEFORE)
    for bad in (-1.0, np.inf, "many"):
        wrong = good.astype(object)
        wrong.iloc[3, 0] = bad
        with pytest.raises(rm.DataError, match="such as that of '00003'"):
            rm.assign_customers(wrong, coupon(), assigned_at=BEFORE)
    with pytest.raises(rm.SettingsError, match="strata: expected a whole number from 1"):
        rm.assign_customers(good, coupon(), strata=0, assigned_at=BEFORE)
