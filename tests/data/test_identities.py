"""Nobody's ids, ids that are one person's twice, rows that are no sales, a mistyped last day."""

from __future__ import annotations

import datetime as dt
import sys
from pathlib import Path

import pandas as pd
import pytest

from retention_models import cli
from retention_models.data.quality import data_quality
from retention_models.data.quality_words import quality_sentences
from retention_models.data.reading_transactions import read_transactions
from retention_models.data.transactions import Transactions
from retention_models.errors import DataError
from retention_models.settings.reading import read_settings

pytestmark = pytest.mark.slow

NAMES = {"customer_id": "id", "date": "day", "spend": "paid"}
PROJECT = """
name = "Shop"
[transactions]
source = "log.csv"
{keys}
[transactions.columns]
customer_id = "id"
date = "day"
spend = "paid"
[money]
currency = "EUR"
margin = 0.3
annual_discount_rate = 0.1
"""


def read(folder: Path, rows: list[tuple], extra: str = "", **options: object) -> Transactions:
    """A log of 400 sales of 100 customers, and more rows."""
    start = dt.date(2024, 1, 1)
    usual = [(f"A{i % 100}", start + dt.timedelta(days=i * 7 % 365), 5) for i in range(400)]
    columns = ["id", "day", "paid", *([extra] if extra else [])]
    usual = [(*row, "completed") if extra else row for row in usual]
    pd.DataFrame([*usual, *rows], columns=columns).to_csv(folder / "log.csv", index=False)
    return read_transactions(folder / "log.csv", **NAMES, **options)


def said(log: Transactions) -> str:
    """What `check` says of it."""
    return "\n".join(quality_sentences(data_quality(log)))


def every_day(identity: str, days: int = 60) -> list[tuple]:
    """So many purchases of one id, one a day."""
    start = dt.date(2024, 2, 1)
    return [(identity, start + dt.timedelta(days=i), 5) for i in range(days)]


@pytest.mark.parametrize("identity", ["nan", "NULL", "GUEST", "0", "K-77"])
def test_ids_that_are_nobodys_are_found_and_left_out_by_a_key(tmp_path, identity):
    """By their name, or because nobody else buys on so many days."""
    rows = every_day(identity)
    found = said(read(tmp_path, rows))
    assert f'anonymous = ["{identity}"] in [transactions]' in found
    log = read(tmp_path, rows, anonymous=[identity])
    assert {"customer id that stands for nobody": 60} == log.quality.set_index("reason")[
        "rows"
    ].to_dict()
    assert 400 == log.stores["rows"].sum()
    assert "look like nobody's" not in said(log)


def test_an_ordinary_log_holds_nobody(tmp_path):
    """Nothing is said of what is not found."""
    found = said(read(tmp_path, []))
    assert "nobody" not in found
    assert "equal another" not in found


def test_blanks_around_ids_join_them_and_it_is_said(tmp_path):
    """A12 and "A12 " are one customer."""
    log = read(tmp_path, [("A12 ", "2024-05-01", 5), (" A13", "2024-05-01", 5)])
    assert 100 == log.table.aggregate(n=log.table["customer_id"].nunique()).execute()["n"].item()
    assert "4 ids differ only in the blanks around them" in said(log)


@pytest.mark.parametrize("other", ["a12", "A12\u00a0", "\ufeffA12", "A۱۲", "A١٢"])
def test_ids_equal_but_for_case_or_form_are_said(tmp_path, other):
    """They stay two, since some systems tell them apart."""
    assert "2 of 101 customer ids equal another one" in said(
        read(tmp_path, [(other, "2024-05-01", 5)])
    )


def test_a_status_is_named_with_its_values_and_a_key_filters(tmp_path):
    """Failed and cancelled orders are no sales."""
    rows = [("A1", "2024-05-01", 5, "Failed")] * 3 + [("A2", "2024-05-01", 5, "cancelled")]
    log = read(tmp_path, rows, extra="status")
    found = said(log)
    assert "4 of 404 rows may be no sales: column 'status'" in found
    assert "completed 400, Failed 3, cancelled 1" in found
    assert 'keep = { status = ["…"] }' in found
    log = read(tmp_path, rows, extra="status", keep={"status": ["completed"]})
    assert {"row of a kind that is not kept": 4} == log.quality.set_index("reason")[
        "rows"
    ].to_dict()
    assert "may be no sales" not in said(log)
    with pytest.raises(DataError, match="compared as they stand"):
        read(tmp_path, rows, extra="status", keep={"status": ["Completed"]})
    with pytest.raises(DataError, match=r"did you mean 'status'"):
        read(tmp_path, rows, extra="status", keep={"Status": ["completed"]})


def test_a_mistyped_year_in_the_last_row_is_refused(tmp_path):
    """The row is named; a log that goes on after a closure is read."""
    with pytest.raises(DataError, match=r"row 401 after the header.*2026-01-05") as error:
        read(tmp_path, [("A1", "2026-01-05", 5)])
    assert "which end on 2024-12-30" in str(error.value)
    late = [(f"A{i}", "2026-01-05", 5) for i in range(20)]
    assert dt.date(2026, 1, 5) == read(tmp_path, late).last_day()


def test_the_project_file_has_both_keys(tmp_path):
    """They reach the reader."""
    keys = 'anonymous = ["GUEST"]\nkeep = { status = ["completed"] }'
    path = tmp_path / "p.toml"
    path.write_text("\ufeff" + PROJECT.format(keys=keys), encoding="utf-8")
    settings = read_settings(path)
    assert ("GUEST",) == settings.transactions.anonymous
    assert {"status": ("completed",)} == settings.transactions.keep


@pytest.mark.parametrize("command", ["check", "run"])
def test_events_whose_ids_lost_their_zeros_are_refused(tmp_path, capsys, monkeypatch, command):
    """By the check and by a run: complaints that are nobody's would be on no list."""
    start = dt.date(2024, 1, 1)
    rows = [(f"{i % 50:04d}", start + dt.timedelta(days=i), 5) for i in range(200)]
    pd.DataFrame(rows, columns=list(NAMES.values())).to_csv(tmp_path / "log.csv", index=False)
    events = [(str(i), "2024-05-01", "click") for i in range(50)]
    pd.DataFrame(events, columns=["id", "day", "kind"]).to_csv(tmp_path / "e.csv", index=False)
    more = '[events]\nsource = "e.csv"\n[events.columns]\ncustomer_id = "id"\n'
    more += 'date = "day"\nkind = "kind"\n'
    (tmp_path / "p.toml").write_text(PROJECT.format(keys="") + more)
    monkeypatch.setattr(sys, "argv", ["retention", command, str(tmp_path / "p.toml")])
    with pytest.raises(SystemExit, match="2"):
        cli.main()
    shown = capsys.readouterr().err
    assert "50 of 50 customer ids are unknown" in shown
    assert "padded with zeros to 4 digits" in shown
