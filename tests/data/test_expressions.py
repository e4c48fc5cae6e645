"""Spend and conditions as expressions: computed by the engine, checked, never run as code."""

from __future__ import annotations

from contextlib import suppress

import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st

from project_files import GOOD, mistakes
from retention_models.data.quality import data_quality
from retention_models.data.reading_transactions import read_transactions
from retention_models.errors import DataError, SettingsError
from retention_models.settings.expressions import amount, condition
from tiers import few

LOG = pd.DataFrame(
    {
        "id": ["a", "a", "b", "c", "d"],
        "day": ["2024-01-05", "2024-02-05", "2024-01-09", "2024-01-10", "2024-03-01"],
        "Quantity": [2, 1, 3, -1, 4],
        "Unit price": [1.5, 4.0, 2.0, 7.0, 0.25],
        "Country": ["Germany", "France", "Germany", "O'Land", None],
        "paid": [True, True, False, True, True],
    }
)
NAMES = {"customer_id": "id", "date": "day"}
PRICE = "Quantity * `Unit price`"


def spends(source, spend: str, **options) -> list[float]:
    """Spend of every usable row, in the order of the ids and days."""
    log = read_transactions(source, **NAMES, spend=spend, **options)
    return [float(x) for x in log.table.order_by("customer_id", "date")["spend"].execute()]


@pytest.mark.parametrize(
    ("spend", "expected"),
    [
        (PRICE, LOG["Quantity"] * LOG["Unit price"]),
        ("Quantity*`Unit price`/100", LOG["Quantity"] * LOG["Unit price"] / 100),
        ("-(Quantity - 1.5) + 2 * 3", -(LOG["Quantity"] - 1.5) + 6),
        ("`Unit price`", LOG["Unit price"]),
        ("Unit price", LOG["Unit price"]),
    ],
)
def test_arithmetic_is_that_of_pandas(tmp_path, spend, expected):
    """REF: pandas' own operators, on typed columns and on text."""
    assert list(expected.round(6)) == spends(LOG, spend)
    LOG.to_csv(tmp_path / "log.csv", index=False)
    assert list(expected.round(6)) == spends(tmp_path / "log.csv", spend)


@pytest.mark.parametrize(
    ("where", "ids"),
    few(
        5,
        [
            ("Country = 'Germany'", "ab"),
            ("Country <> 'Germany'", "acd"),
            ("Country in ('France', 'O''Land')", "ac"),
            ("not Country in ('France')", "abcd"),
            ("Country not in ('Germany') and Quantity > 0", "ad"),
            ("Country = ''", "d"),
            ("Country <> '' and (Quantity >= 3 or `Unit price` = 4)", "ab"),
            ("Quantity in (2, 3)", "ab"),
            ("paid = true", "acd"),
            ("paid = FALSE", "b"),
            ("day >= '2024-02-01'", "ad"),
            ("'2024-02-01' > day", "abc"),
            ("Quantity * `Unit price` > 3", "ab"),
            ("0 < Quantity AND Quantity < 3", "a"),
        ],
    ),
)
def test_conditions_keep_the_rows_of_which_they_hold(tmp_path, where, ids):
    """Of typed columns and of text; the others are counted and not held against the log."""
    LOG.to_csv(tmp_path / "log.csv", index=False)
    typed = LOG.assign(day=pd.to_datetime(LOG["day"]))
    for source in (LOG, typed, tmp_path / "log.csv"):
        log = read_transactions(source, **NAMES, spend=PRICE, where=where)
        assert ids == "".join(sorted(set(log.table["customer_id"].execute())))
        assert len(LOG) == log.rows_read
        assert set(log.quality["reason"]) <= {"row of a kind that is not kept"}


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('true')",
        "Quantity ** 9 ** 9",
        "Quantity if paid else 0",
        "[Quantity for Quantity in x]",
        "lambda: 0",
        "Quantity; DROP TABLE given",
        "Quantity.real",
        "f(Quantity)",
        "(Quantity := 5)",
        "'a' * 3",
        "Quantity + 'a'",
        "1 + 2",
        "Quantity *",
        "Quantity = 3",
        "Quantity" + " + 1" * 400,
        "(" * 300 + "Quantity" + ")" * 300,
        "Quantity -- x",
        "`Quantity",
        "",
    ],
)
def test_what_is_no_arithmetic_is_refused(text):
    """In words, by the grammar: nothing but columns, numbers, + - * / and brackets is read."""
    if text == "Quantity -- x":
        assert ("Quantity", "x") == amount(text).columns  # minus minus: a comment nowhere
        return
    with pytest.raises(ValueError, match=r"expected|meaning|longer"):
        amount(text)


@pytest.mark.parametrize(
    "text",
    [
        "Country",
        'Country = "Germany"',
        "Country = 'a' or 1",
        "0 < Quantity < 3",
        "Country = 'x' & paid",
        "Country in ()",
        "Country in ('a', 2)",
        "Country in (Quantity, 2)",
        "Country like 'G%'",
        "'a' = 'a'",
        "true",
        "Country = 'a'; DROP TABLE given",
        "exists(select 1)",
    ],
)
def test_what_is_no_condition_is_refused(text):
    """In words."""
    with pytest.raises(ValueError, match=r"expected|meaning"):
        condition(text)


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="ab1'`()+-*/=<>, .\"\\\n#:[]{}@&|", max_size=40))
def test_any_text_is_read_or_refused_in_words(text):
    """No other error, whatever it holds."""
    for read in (amount, condition):
        with suppress(ValueError):
            assert text == read(text).text


def test_columns_that_are_not_there_are_named():
    """With what was meant."""
    with pytest.raises(
        DataError, match=r"spend, Unitprice = 'Unitprice' \(did you mean 'Unit price'"
    ):
        spends(LOG, "Quantity * Unitprice")
    with pytest.raises(DataError, match="where, Land = 'Land'"):
        spends(LOG, PRICE, where="Land = 'x'")
    with pytest.raises(DataError, match=r"spend = 'Quantity \*\* 2'.*As an expression, "):
        spends(LOG, "Quantity ** 2")
    with pytest.raises(SettingsError, match=r"where: .* is not a condition"):
        spends(LOG, PRICE, where="Country")


def test_a_column_whose_name_looks_like_arithmetic_is_that_column():
    """Nobody asked for a difference."""
    frame = LOG.assign(**{"Quantity - net (x)": 5.0})
    assert [5.0] * 5 == spends(frame, "Quantity - net (x)")


def test_numbers_that_are_missing_are_said_with_their_cells(tmp_path):
    """A cell without a number makes no spend and no condition; the rows are shown as they stand."""
    text = LOG.astype({"Quantity": str})
    text.loc[0, "Quantity"] = "two"
    text.loc[1, "Quantity"] = None
    with pytest.raises(DataError) as caught:
        spends(text, PRICE)
    assert "no spend: 1" in str(caught.value)
    assert "spend is not a number: 1" in str(caught.value)
    assert "Quantity = 'two', Unit price = '1.5'" in str(caught.value)
    log = read_transactions(
        text, **NAMES, spend="Unit price", where="Quantity > 0", max_unusable_share=0.5
    )
    assert 2 == log.quality.set_index("reason")["rows"].filter(like="where cannot be told").sum()
    assert 0 < len(data_quality(log))


def test_texts_are_not_compared_as_numbers_by_chance(tmp_path):
    """Of two columns of text 10 comes before 9; a number wants no quotes."""
    LOG.to_csv(tmp_path / "log.csv", index=False)
    with pytest.raises(DataError, match="write their difference, `Quantity` - `Unit price` > 0"):
        spends(tmp_path / "log.csv", PRICE, where="Quantity > `Unit price`")
    with pytest.raises(DataError, match="holds numbers: write 10 without quotes"):
        spends(LOG, PRICE, where="Quantity > '10'")


def test_a_wrong_condition_is_a_mistake_of_the_project_file(tmp_path):
    """Found with the others."""
    text = GOOD.replace('source = "log.csv"', 'source = "log.csv"\nwhere = "a ="\nencoding = "x1"')
    head, *lines = mistakes(tmp_path, text)
    assert "2 mistakes" in head
    assert any(line.startswith("  - transactions.where: ") for line in lines)
    assert any("no encoding of text is called so" in line for line in lines)
