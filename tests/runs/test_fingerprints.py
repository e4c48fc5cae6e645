"""What counts as the same data, code and settings, and what does not."""

import datetime as dt
from dataclasses import replace

import pandas as pd
import pytest

import nights
import shops
from retention_models.data.reading_transactions import read_project_transactions
from retention_models.project.chosen_models import code_sha256
from retention_models.runs.publishing import fingerprints
from retention_models.runs.publishing.fingerprints import (
    DataPrint,
    data_print,
    inputs_sha256,
)
from retention_models.settings.reading import read_settings


def printed(folder, frame, extra=""):
    """Fingerprint of a log."""
    settings = read_settings(
        shops.write_project(folder, frame, ["0042"], extra=extra),
    )
    return data_print(settings, read_project_transactions(settings))


@pytest.fixture(scope="module")
def frame():
    """Two stores' log."""
    return pd.concat(
        [shops.simulated_log(10, seed=1), shops.simulated_log(10, seed=2, shop="0043")]
    ).reset_index(drop=True)


def test_the_order_of_rows_does_not_matter(frame, tmp_path):
    """Exports come in any."""
    assert printed(tmp_path / "a", frame) == printed(
        tmp_path / "b", frame.sample(frac=1, random_state=1)
    )


def swap_customers(frame):
    """Two customers take each other's rows: every sum and count stays."""
    a, b = frame["customer"].iloc[0], frame.loc[frame["shop"] == "0042", "customer"].iloc[-1]
    assert a != b
    return frame.assign(customer=frame["customer"].replace({a: b, b: a}))


def another_cent(frame):
    """A cent moves from one row to another."""
    amount = frame["amount"].copy()
    amount.iloc[0] += 0.01
    amount.iloc[1] -= 0.01
    return frame.assign(amount=amount)


@pytest.mark.parametrize("change", [swap_customers, another_cent, lambda f: pd.concat([f, f[:1]])])
def test_what_is_another_log_is_told(frame, tmp_path, change):
    """Of the store whose rows changed, and of the whole; the other store's stays."""
    before, after = printed(tmp_path / "a", frame), printed(tmp_path / "b", change(frame))
    assert before.sha256 != after.sha256
    assert before.stores["0042"]["sha256"] != after.stores["0042"]["sha256"]
    if change is not swap_customers:
        assert before.stores["0043"] == after.stores["0043"]


def test_rows_are_counted_by_store(frame, tmp_path):
    """Usable and not."""
    bad = frame.astype({"amount": object})
    bad.loc[0, "amount"] = "free"
    found = printed(tmp_path, bad, extra="").stores["0042"]
    rows = int((frame["shop"] == "0042").sum())
    assert (rows - 1, 1) == (found["rows"], found["unusable"])


def test_settings_that_no_page_depends_on_change_nothing(tmp_path):
    """Who is told, how many runs are kept, what a notebook may use and where it runs."""
    data = nights.plan_for(nights.settings_in(tmp_path), tmp_path, ("a",)).data

    def inputs(extra=""):
        settings = nights.settings_in(tmp_path / "x", extra=extra)
        return inputs_sha256("a", nights.DAY, settings, data, nights.CODE)

    for extra in (
        '[reports]\nkeep_runs = 9\noutput = "y"\n[reports.notices]\nwhen = "failure"',
        "[execution]\ntime_limit = 60",
        '[execution]\nmemory = "4GB"',
        '[execution]\nscheduler = "tcp://10.0.0.5:8786"',
    ):
        assert inputs() == inputs(extra), extra


def test_what_makes_another_page_is_told(tmp_path, monkeypatch):
    """Parameters, money, windows, limits of output, code, notebook, packages, data, store and day."""
    settings, data = nights.settings_in(tmp_path), DataPrint({}, "data", {"surveys.csv": "a"})
    given = {
        "store_id": "a",
        "as_of": nights.DAY,
        "settings": settings,
        "data": data,
        "code": nights.CODE,
    }
    found = [inputs_sha256(**given)]
    for extra in (
        "[reports]\nparameters = { weeks = 3 }",
        '[reports]\nnotebook = "mine.ipynb"',
        '[execution]\noutput = "1MB"',
        "[actions]\nlookback_days = 14",
        "[reports]\ncampaigns = 3",  # the store's page tells of so many
        "[reports]\ncustomer_ids = true",
    ):
        other = nights.settings_in(tmp_path / str(len(found)), extra=extra)
        found.append(inputs_sha256(**given | {"settings": other}))
    money = settings.money.model_copy(update={"margin": 0.4})
    for change in (
        {"settings": settings.model_copy(update={"money": money})},
        {"code": {**nights.CODE, "sha256": "other"}},
        {"code": {**nights.CODE, "notebook_sha256": "other"}},
        {"data": replace(data, sha256="other")},
        {"data": replace(data, files={"surveys.csv": "other"})},
        {"store_id": "b"},
        {"as_of": nights.DAY + dt.timedelta(days=1)},
    ):
        found.append(inputs_sha256(**given | change))
    monkeypatch.setattr(fingerprints, "lock_entry", lambda: {"installed": "other", "file": None})
    found.append(inputs_sha256(**given))
    assert len(found) == len({*found}) == 15
    assert inputs_sha256(**given | {"data": replace(data, files={"surveys.csv": None})}) is None


def test_the_code_is_told_by_its_files():
    """Sixty-four hexadecimal digits, the same each time."""
    assert 64 == len(code_sha256())
    assert code_sha256() == code_sha256.__wrapped__()
