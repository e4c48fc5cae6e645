"""Data that do not stop a run are told: by rule, above the pages, by notices and an exit code."""

import datetime as dt
import json

import numpy as np
import pandas as pd
import pytest
from test_endings import (
    ended,
    shop as shop,  # a fixture
)

import nights
import shops
from retention_models import cli
from retention_models.data.reading_transactions import read_project_transactions
from retention_models.data.rules import check_data
from retention_models.runs.publishing.manifest import read_manifest
from retention_models.runs.publishing.notices import outcome, sentences
from retention_models.settings.reading import read_settings
from tiers import few

LAST = dt.date(2023, 12, 31)
TIMES = "observation_end = 2023-12-31"


@pytest.fixture(scope="module")
def rows():
    """Two stores of some thirty rows a day, half as many on Sundays."""
    rng, found = np.random.default_rng(4), []
    for date in pd.date_range("2022-10-01", "2023-12-31"):
        for store in ("0042", "7"):
            size = rng.poisson(8 if date.day_of_week == 6 else 16)
            ids = rng.integers(0, 900, size)
            spend = np.round(rng.gamma(3.0, 8.0, size) + 0.01, 2)
            found += [(f"{i:04d}", date.date(), s, store) for i, s in zip(ids, spend, strict=True)]
    return pd.DataFrame(found, columns=["customer", "day", "amount", "shop"])


def checked(folder, rows, *, today=LAST, before=None, extra=""):
    """What a log gives to warn of: (rule, store) pairs, and the check."""
    project = shops.write_project(folder, rows, ["0042", "7"], extra=extra)
    settings = read_settings(project)
    found = check_data(settings, read_project_transactions(settings), LAST, today, before)
    return {(one["rule"], one["store"]) for one in found.warnings}, found


def of_month(rows, month):
    """Which rows are of a month."""
    return pd.to_datetime(rows["day"]).dt.strftime("%Y-%m") == month


def test_data_as_they_should_be_give_no_warning(rows, tmp_path):
    """Chance and the week's shape are no fault, and a week is kept for the next run."""
    found, check = checked(tmp_path, rows)
    assert set() == found
    assert "2023-12-31" == check.newest_week["last"]
    newest = rows[pd.to_datetime(rows["day"]) > "2023-12-24"]
    assert len(newest) == check.newest_week["rows"]
    assert newest["customer"].nunique() == check.newest_week["customers"]
    assert newest["amount"].sum() == pytest.approx(check.newest_week["spend"])


def header_only(rows):
    """The newest month is not there."""
    return rows[~of_month(rows, "2023-12")]


def lost_ids(rows):
    """The newest month has lost its customers."""
    return rows.assign(customer=rows["customer"].mask(of_month(rows, "2023-12")))


def empty_between(rows):
    """A month in the middle is not there."""
    return rows[~of_month(rows, "2023-09")]


def twice(rows):
    """A month stands twice."""
    return pd.concat([rows, rows[of_month(rows, "2023-11")]])


def cents(rows):
    """The newest month is in cents."""
    return rows.assign(amount=rows["amount"] * np.where(of_month(rows, "2023-12"), 100, 1))


def cents_of_one(rows):
    """So, at one store."""
    those = of_month(rows, "2023-12") & (rows["shop"] == "7")
    return rows.assign(amount=rows["amount"] * np.where(those, 100, 1))


def without_a_store(rows):
    """The newest week of a store is not there."""
    return rows[~((rows["shop"] == "7") & (pd.to_datetime(rows["day"]) > "2023-12-24"))]


def part_of_a_day(rows):
    """The newest day is cut."""
    return rows[(rows["day"] < LAST) | (rows.index % 9 == 0)]


@pytest.mark.parametrize(
    ("damage", "broken"),
    few(
        3,
        [
            (header_only, ("newest day", None)),
            (lost_ids, ("newest day", None)),
            (empty_between, ("month", None)),
            (twice, ("loaded twice", None)),
            (cents, ("unit of spend", None)),
            (cents_of_one, ("unit of spend", "7")),
            (without_a_store, ("newest week", "7")),
        ],
    ),
)
def test_each_damage_is_told(rows, tmp_path, damage, broken):
    """None of which makes a row unusable enough to stop the run."""
    found, check = checked(tmp_path, damage(rows))
    assert broken in found
    (said, *_) = [one["message"] for one in check.warnings if one["rule"] == broken[0]]
    assert said.endswith(".")


@pytest.mark.slow
def test_days_that_the_project_file_declares_closed_are_no_fault(rows, tmp_path):
    """Neither a month nor a newest week; another month that is missing still is."""
    calendar = '[calendar]\nclosed = ["2023-09-01/2023-09-30", "2023-12-25/2023-12-31"]\n'
    shut = empty_between(rows)
    shut = shut[pd.to_datetime(shut["day"]) <= "2023-12-24"]
    (tmp_path / "shut").mkdir()
    found, _ = checked(tmp_path / "shut", shut, extra=calendar)
    assert not {rule for rule, _ in found} & {"month", "newest week", "newest day's rows"}
    (tmp_path / "lost").mkdir()
    found, _ = checked(tmp_path / "lost", shut[~of_month(shut, "2023-06")], extra=calendar)
    assert ("month", None) in found


def test_a_day_that_is_cut_is_told(rows, tmp_path):
    """Against the same weekday."""
    many = pd.concat([rows.assign(customer=rows["customer"] + str(n)) for n in range(3)])
    many = many.reset_index(drop=True)
    assert {("newest day's rows", None)} == checked(tmp_path, part_of_a_day(many))[0]


@pytest.mark.slow
def test_the_newest_day_is_held_against_the_day_that_the_data_should_reach(rows, tmp_path):
    """Today, where the project file names no last day."""
    assert set() == checked(tmp_path, rows, today=LAST + dt.timedelta(days=7))[0]
    found, check = checked(tmp_path, rows, today=LAST + dt.timedelta(days=8))
    assert {("newest day", None)} == found
    assert (
        "The newest day in the data is 31 December 2023, more than 7 days before the day that they "
        "should reach."
    ) == check.warnings[0]["message"]
    extra = "[reports.warnings]\nnewest_day = 8\n"
    assert set() == checked(tmp_path, rows, today=LAST + dt.timedelta(days=8), extra=extra)[0]
    off = "[reports.warnings]\nenabled = false\n"
    assert [] == checked(tmp_path, cents(rows), extra=off)[1].warnings


@pytest.mark.slow
def test_the_run_before_is_remembered(rows, tmp_path):
    """All rows in cents, or a part of them lost, is seen by what the run before had."""
    _, good = checked(tmp_path, rows)
    data = {"source": "log.csv", "rows": len(rows), "unusable": 0, "newest_week": good.newest_week}
    before = {"data": data}
    assert set() == checked(tmp_path, rows, before=before)[0]
    all_cents = rows.assign(amount=rows["amount"] * 100)
    assert {("week of the run before", None)} == checked(tmp_path, all_cents, before=before)[0]
    fewer = rows[rows.index % 40 > 0]
    found, check = checked(tmp_path, fewer, before=before)
    assert {("lost rows", None)} == found
    assert f"The data have {len(fewer):,} rows, those of the run before had {len(rows):,}." in str(
        check.warnings
    )
    some = rows.assign(customer=rows["customer"].mask(rows.index % 50 == 0))
    assert {("unusable rows", None)} == checked(tmp_path, some, before=before)[0]
    elsewhere = {"data": {**data, "source": "other.csv"}}
    assert set() == checked(tmp_path, fewer, before=elsewhere)[0]


WARNING = {"rule": "newest day", "store": None, "message": "The newest day is <old>."}
OF_B = {"rule": "newest week", "store": "b", "message": "b: few rows."}


def warned_night(folder, *warnings, **more):
    """A night whose data give warnings."""
    settings = nights.settings_in(folder, ("a", "b"))
    plan = nights.plan_for(settings, folder / "reports", ("a", "b"), **more)
    plan.head["warnings"] = list(warnings)
    return nights.run_night(plan)


def pages(folder):
    """The pages of a night: the index, a's, b's."""
    day = folder / "reports" / "2023-12-31"
    places = ("index.html", "a/store_report.html", "b/store_report.html")
    return [(day / place).read_text(encoding="utf-8") for place in places]


def test_a_warning_stands_in_the_manifest_and_above_the_pages(tmp_path):
    """Of pages that were made, of pages that stand unchanged, and no longer than the data are so."""
    manifest = warned_night(tmp_path, WARNING, OF_B)
    assert [WARNING, OF_B] == read_manifest(manifest.folder).head["warnings"]
    nights.require_truth(tmp_path / "reports")
    index, a, b = pages(tmp_path)
    for page in (index, a, b):
        assert page.index("<main") < page.index("The newest day is &lt;old&gt;.")
    assert ["b: few rows." in page for page in (index, a, b)] == [True, False, True]
    assert {"a": "skipped", "b": "skipped"} == nights.outcomes(warned_night(tmp_path, OF_B))
    assert ["newest day is" in page for page in pages(tmp_path)] == [False] * 3
    assert ["b: few rows." in page for page in pages(tmp_path)] == [True, False, True]
    nights.require_truth(tmp_path / "reports")
    assert {"a": "skipped", "b": "skipped"} == nights.outcomes(warned_night(tmp_path))
    assert ["with a warning" in page for page in pages(tmp_path)] == [False] * 3
    nights.require_truth(tmp_path / "reports")


def test_notices_tell_a_warning(tmp_path):
    """To a command as data, to people as a line."""
    summary = outcome(warned_night(tmp_path, WARNING), "Shops")
    assert ([], [WARNING]) == (summary["failed"], summary["warnings"])
    title, text = sentences(summary)
    assert title.endswith("2 of 2 stores have their page, published with a warning")
    assert "Warning: The newest day is <old>." in text


@pytest.mark.slow
def test_a_warning_has_an_exit_code_of_its_own(shop, monkeypatch, capsys):
    """And is told to whoever is told of failures only, in the log and in the file of events."""
    project, told = shop
    text = project.read_text(encoding="utf-8")
    project.write_text(text.replace(TIMES, "observation_end = 2024-02-01"), encoding="utf-8")
    events = project.parent / "events.jsonl"
    assert cli.WARNED == 4 == ended(monkeypatch, "run", project, "--log", events)
    assert "warning: The newest day in the data is" in capsys.readouterr().err
    assert "newest day" == json.loads(told.read_text())["warnings"][0]["rule"]
    assert "warning" in [json.loads(line)["event"] for line in events.read_text().splitlines()]
    folder = project.parent / "reports" / "latest"
    assert "Published with a warning" in (folder / "index.html").read_text(encoding="utf-8")
    nights.VALID.validate(json.loads((folder / "manifest.json").read_text(encoding="utf-8")))
