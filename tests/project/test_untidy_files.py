"""Files as they lie about: what is found in them is right, and what is wrong with them is said."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pandas as pd
import pytest

import exports
from retention_models.data.reading_transactions import read_transactions
from retention_models.errors import DataError, SettingsError
from retention_models.project.own_file.encoding import encoding_of
from retention_models.project.own_file.look import look_at
from retention_models.project.own_file.options import propose_options
from retention_models.project.own_file.proposal import Proposal, propose_columns

pytestmark = pytest.mark.slow

LOG = exports.orders(21, customers=15)
DAY = LOG["day"].dt.strftime("%Y-%m-%d")
SECONDS = LOG["at"].astype("datetime64[s]").astype("int64")


def found_in(path: Path, frame: pd.DataFrame, **answers: str) -> Proposal:
    """What is proposed for a file that holds these rows."""
    frame.to_csv(path, index=False)
    seen = look_at(str(path), table=None, encoding=None, sheet=None)
    found = propose_columns(seen, answers)
    propose_options(found)
    return found


@pytest.mark.parametrize(
    ("columns", "spend", "options", "currency"),
    [
        (
            {"CUST_ID": LOG["customer"], "TRX_DT": DAY, "NET_AMT": LOG["amount"]},
            *("NET_AMT", {}, None),
        ),
        (
            {"user_id": LOG["customer"], "day": DAY, "total_cents": LOG["amount"] * 100},
            *("total_cents / 100", {}, None),
        ),
        (
            {"Kunde": LOG["customer"], "Datum": DAY, "Bruttobetrag CHF": LOG["amount"]},
            *("Bruttobetrag CHF", {}, "CHF"),
        ),
        (
            {
                "Debitor": LOG["customer"],
                "Buch.dat.": DAY,
                "Betr. in HW": LOG["amount"],
                "HWähr": "EUR",
            },
            *("Betr. in HW", {}, "EUR"),
        ),
        (
            {
                "user_id": LOG["customer"],
                "event_timestamp": SECONDS * 1_000_000,
                "revenue": LOG["amount"],
            },
            *("revenue", {"date_format": "unix microseconds"}, None),
        ),
        (
            {"user_id": LOG["customer"], "ts": SECONDS.astype(float), "revenue": LOG["amount"]},
            *("revenue", {"date_format": "unix seconds"}, None),
        ),
        (
            {
                "customer": LOG["customer"],
                "date": DAY.where(LOG.index % 20 != 0, "0000-00-00"),
                "total": LOG["amount"].astype(str).where(LOG.index % 30 != 0, "N/A"),
            },
            *("total", {}, None),
        ),
    ],
    ids=["short", "cents", "code", "SAP", "microseconds", "decimals", "nothing"],
)
def test_columns_of_untidy_files_are_found(tmp_path, columns, spend, options, currency):
    """Names cut short, cents, a currency in a name, moments as numbers, words that stand for nothing."""
    found = found_in(tmp_path / "log.csv", pd.DataFrame(columns))
    customer, date, _ = [name for name in columns if name != "HWähr"]
    assert {"customer_id": customer, "date": date, "spend": spend} == found.columns
    assert (options, currency) == (found.options, found.currency)
    expected = [*(["timezone"] if options else []), *([] if currency else ["currency"])]
    assert expected == [question.key for question in found.questions]


def test_statuses_of_woocommerce_have_a_prefix_where_its_database_wrote_them(tmp_path):
    """wc-refunded is refunded; and an amount in brackets is shown where brackets are told."""
    table = pd.read_csv(exports.woocommerce(tmp_path).source, dtype=str)
    states = ["wc-completed", "wc-refunded", "wc-failed"]
    table["Order Status"] = [states[i % 3] for i in range(len(table))]
    found = found_in(tmp_path / "woo.csv", table)
    assert {"Order Status": ["wc-completed", "wc-refunded"]} == found.options["keep"]
    money = ["(12.50)" if i % 9 == 0 else "1,012.50" for i in range(len(LOG))]
    frame = pd.DataFrame({"client": LOG["customer"], "date": DAY, "total": money})
    found = found_in(tmp_path / "log.csv", frame)
    assert "amounts such as (12.50)" == found.why["minus"]
    assert "amounts such as 1,012.50" == found.why["thousands"]


def test_an_id_that_many_rows_lack_is_said_with_a_column_that_has_it(tmp_path):
    """As of guests, who have an address and no account."""
    frame = LOG[["customer", "day", "amount"]].rename(columns={"customer": "customer id"})
    frame["email"] = frame["customer id"] + "@x.de"
    frame.loc[::4, "customer id"] = None
    why = found_in(tmp_path / "log.csv", frame).why["customer_id"]
    assert why.endswith("% of the rows, 'email' in 0%")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (
            "54,2023-01-01,15.99\n52,2023-01-02,4.10\n",
            "has values (54, 2023-01-01, 15.99), no names",
        ),
        ("00054 20230101  1 15.99\n00052 20230102  1 4.10\n", "all of a line is one cell"),
    ],
    ids=["no names", "one cell"],
)
def test_a_file_without_names_or_cells_is_refused(tmp_path, content, words):
    """Its first row would be lost, or every column be asked for in vain."""
    (tmp_path / "log.csv").write_text(content)
    with pytest.raises(DataError) as caught:
        look_at(str(tmp_path / "log.csv"), table=None, encoding=None, sheet=None)
    assert words in str(caught.value)


def test_a_sheet_is_asked_for_as_anything_else(tmp_path):
    """With the flag where nobody answers, else among the questions."""
    from retention_models.project.own_file.new import new_project

    book = openpyxl.Workbook()
    book.active.append(["About", "us"])
    sheet = book.create_sheet("Sales")
    for row in (
        ["customer", "date", "total (EUR)"],
        *LOG[["customer", "day", "amount"]].to_numpy(),
    ):
        sheet.append(
            [cell.to_pydatetime() if isinstance(cell, pd.Timestamp) else cell for cell in row]
        )
    book.save(tmp_path / "log.xlsx")
    source = str(tmp_path / "log.xlsx")
    with pytest.raises(SettingsError, match=r"It has 'Sheet', 'Sales'\. Say which with --sheet"):
        new_project(tmp_path / "a", source, {}, say=lambda _: None)
    said = []
    new_project(
        tmp_path / "a", source, {}, say=said.append, ask=lambda q: {"sheet": "Sales"}[q.key]
    )
    assert f"Customers: {LOG['customer'].nunique()}." in said


def test_no_encoding_that_mixes_scripts_in_a_word_is_asked_for(tmp_path):
    """Währung is no HWдhrung; of three that read alike, one is taken."""
    (tmp_path / "log.csv").write_text("Kunde;Ware;Größe\n1;Möbel;2\n", encoding="cp1252")
    assert ("cp1252",) == encoding_of(str(tmp_path / "log.csv")).fits


def test_an_answer_that_is_no_column_is_told_what_the_file_has(tmp_path):
    """And why it is no arithmetic over columns either."""
    frame = LOG[["customer", "day", "amount"]]
    with pytest.raises(
        SettingsError, match=r"no column 'a\. b'.*The file has: customer \(\d+\), day"
    ):
        found_in(tmp_path / "log.csv", frame, spend="a. b")


def test_addresses_that_differ_in_case_are_one_customer(tmp_path):
    """Where they are addresses; in the log, among nobodies, and as the project file says."""
    frame = LOG[["customer", "day", "amount"]].rename(columns={"customer": "email"})
    frame["email"] = "c" + frame["email"] + "@x.de"
    frame.loc[::3, "email"] = frame["email"].str.upper()
    found = found_in(tmp_path / "log.csv", frame)
    assert {"ignore_case": True} == found.options
    names = {"customer_id": "email", "date": "day", "spend": "amount"}
    ids = {
        fold: set(
            read_transactions(
                tmp_path / "log.csv", **names, ignore_case=fold, anonymous=[frame["email"][0]]
            )
            .table.execute()["customer_id"]
            .str.lower()
        )
        for fold in (False, True)
    }
    assert LOG["customer"].nunique() - 1 == len(ids[True])
    assert frame["email"][0].lower() not in ids[True]
    codes = frame.assign(email=frame["email"].str.replace("@", "-"))
    assert {} == found_in(tmp_path / "codes.csv", codes).options


def test_an_id_that_lost_digits_is_seen_in_either_case(tmp_path):
    """1.23E+11 is no id, in lower case neither."""
    (tmp_path / "log.csv").write_text("id,day,paid\n1.23E+11,2024-01-13,5\n")
    for fold in (False, True):
        with pytest.raises(DataError, match="customer id turned into a decimal number"):
            read_transactions(
                tmp_path / "log.csv", customer_id="id", date="day", spend="paid", ignore_case=fold
            )
