"""A file of one's own becomes a project: ten exports mapped right, and no guess where it cannot say."""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb
import pandas as pd
import pytest

import exports
from retention_models import cli
from retention_models.data.reading_transactions import read_project_transactions
from retention_models.errors import DataError, SettingsError
from retention_models.project.own_file.new import new_project
from retention_models.settings.project import Settings
from retention_models.settings.reading import read_settings
from retention_models.summaries.customers import customer_summary

pytestmark = pytest.mark.slow


def made(folder: Path, source: str, **answers: str) -> Settings:
    """The project of a file, nobody being asked."""
    return read_settings(new_project(folder / "shop", source, answers, say=lambda _: None))


def refused(folder: Path, source: Path, **answers: str) -> str:
    """The questions of a file; no project file is written."""
    with pytest.raises(SettingsError) as caught:
        made(folder, str(source), **answers)
    assert not (folder / "shop").exists()
    return str(caught.value)


def totals(settings: Settings) -> tuple[int, int, float]:
    """Customers, purchases and spend of the log that a project file describes."""
    log = read_project_transactions(settings)
    summary = customer_summary(log)
    spend = float(log.table["spend"].sum().execute())
    return len(summary), int((summary["frequency"] + 1).sum()), round(spend, 2)


@pytest.mark.parametrize("export", exports.EXPORTS, ids=lambda export: export.__name__)
def test_an_export_is_mapped_right_and_its_totals_are_those_of_pandas(tmp_path, export):
    """Every column, every key; customers, purchases and spend by a second way."""
    right = export(tmp_path)
    settings = made(tmp_path, right.source, **right.flags)
    named = settings.transactions.columns.model_dump(exclude_none=True)
    assert right.columns == named
    given = settings.transactions.model_dump(exclude_unset=True, exclude={"source", "columns"})
    plain = {key: list(v) if isinstance(v, tuple) else v for key, v in given.items()}
    plain["keep"] = {column: list(values) for column, values in plain.get("keep", {}).items()}
    expected = (
        {"keep": {}} | right.options | {k: v for k, v in right.flags.items() if k == "timezone"}
    )
    assert expected == plain
    assert right.totals == totals(settings)
    lines = (tmp_path / "shop" / "retention.toml").read_text(encoding="utf-8").splitlines()
    assert 28 <= len(lines) <= 40
    assert all("#" in line for line in lines if "=" in line)


def ambiguous(folder: Path) -> Path:
    """Two columns of days, neither of which says more; all days at most 12; no currency."""
    log = exports.orders(11)
    log = log[log["day"].dt.day <= 12]
    table = pd.DataFrame(
        {
            "Client ID": log["customer"],
            "Booked": log["day"].dt.strftime("%d/%m/%Y"),
            "Value date": log["day"].dt.strftime("%d/%m/%Y"),
            "Invoice date": log["day"].dt.strftime("%d/%m/%Y"),
            "Net amount": log["amount"],
            "Total amount": log["amount"] * 1.2,
        }
    )
    table.to_csv(folder / "log.csv", index=False)
    return folder / "log.csv"


def test_what_a_file_cannot_say_is_asked_all_at_once_and_never_guessed(tmp_path):
    """Which day, which amount, which currency; then, how the days are written."""
    path = ambiguous(tmp_path)
    said = refused(tmp_path, path)
    assert "3 questions" in said
    for words in (
        "'Value date' (",
        "'Invoice date' (",
        "--date 'Value date'",
        "--spend",
        "--currency",
    ):
        assert words in said
    said = refused(tmp_path, path, date="Invoice date", spend="Net amount", currency="EUR")
    assert "1 question" in said
    assert "fit several formats: %d/%m/%Y (from" in said
    assert "%m/%d/%Y (from" in said
    assert "--date-format '%d/%m/%Y'" in said
    answers = {"date": "Invoice date", "spend": "Net amount", "currency": "EUR"}
    settings = made(tmp_path, str(path), **answers, date_format="%d/%m/%Y")
    assert "%d/%m/%Y" == settings.transactions.date_format


def test_the_command_ends_with_2_and_the_questions(tmp_path, capsys, monkeypatch):
    """Where there is no terminal; with the flags it writes, checks and says what is next."""
    arguments = ["retention", "new", str(tmp_path / "shop"), "--from", str(ambiguous(tmp_path))]
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)
    monkeypatch.setattr(sys, "argv", arguments)
    with pytest.raises(SystemExit) as caught:
        cli.main()
    assert 2 == caught.value.code
    said = capsys.readouterr()
    assert "3 questions that the file cannot answer" in said.err
    assert all(flag in said.err for flag in ("--date ", "--spend ", "--currency "))
    assert "" == said.out
    flags = ["--date", "Invoice date", "--date-format", "%d/%m/%Y", "--spend", "Net amount"]
    monkeypatch.setattr(sys, "argv", [*arguments, *flags, "--currency", "eur", "--store", "none"])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    assert 0 == caught.value.code
    done = capsys.readouterr().out
    assert "no mistakes" in done
    assert "then: retention run" in done


def test_questions_are_asked_one_by_one_where_somebody_answers(tmp_path):
    """The next question knows the answer to the one before."""
    asked = []

    def ask(question) -> str:
        asked.append(question.key)
        answers = {"date": "Invoice date", "date_format": "%d/%m/%Y", "spend": "Net amount"}
        return answers.get(question.key, "EUR")

    new_project(tmp_path / "shop", str(ambiguous(tmp_path)), {}, say=lambda _: None, ask=ask)
    assert ["date", "spend", "date_format", "currency"] == asked


def test_an_answer_that_cannot_be_is_asked_for_again(tmp_path):
    """With the reason; as an option it is refused, and nothing is written."""
    right = exports.woocommerce(tmp_path)
    answers, told = iter(["dollars", "EUR"]), []
    new_project(tmp_path / "shop", right.source, {}, say=told.append, ask=lambda _: next(answers))
    assert any("--currency: expected three letters" in line for line in told)
    for key, value in {
        "currency": "dollars",
        "timezone": "Mars",
        "where": "x",
        "decimal": ";",
    }.items():
        with pytest.raises(SettingsError, match=f"--{key}: "):
            made(tmp_path / "other", right.source, **{"currency": "EUR", key: value})
    assert not (tmp_path / "other").exists()


def test_a_mark_that_may_part_decimals_or_thousands_is_asked_for(tmp_path):
    """1,234 is more than a thousand, or little more than one."""
    log = exports.orders(12).assign(amount="1,234")
    frame = log[["customer", "day", "amount"]].rename(columns={"customer": "customer id"})
    frame.to_csv(tmp_path / "log.csv", index=False)
    assert "--decimal" in refused(tmp_path, tmp_path / "log.csv", currency="EUR", date="day")
    settings = made(tmp_path, str(tmp_path / "log.csv"), currency="EUR", decimal=".")
    assert (".", ",") == (settings.transactions.decimal, settings.transactions.thousands)
    assert 1234.0 * len(log) == totals(settings)[2]


def test_an_orders_total_on_every_line_is_not_counted_for_each(tmp_path):
    """It is asked what a line costs."""
    log = exports.orders(13)
    lines = log.loc[log.index.repeat(log["lines"])].reset_index(drop=True)
    frame = pd.DataFrame(
        {
            "order_id": lines["order"],
            "customer_id": lines["customer"],
            "date": lines["day"].dt.strftime("%Y-%m-%d"),
            "item": [f"i{i % 7}" for i in range(len(lines))],
            "total": lines["amount"],
            "qty": 2,
            "unit_price": 1.5,
        }
    )
    frame.to_csv(tmp_path / "log.csv", index=False)
    said = refused(tmp_path, tmp_path / "log.csv", currency="EUR")
    assert "'total' has one amount on every line of an order" in said
    assert "--spend 'qty * unit_price'" in said


def test_a_known_exports_total_on_every_line_is_not_counted_for_each_either(tmp_path):
    """As where WooCommerce is told to fill in the order on every row."""
    right = exports.woocommerce(tmp_path)
    table = pd.read_csv(right.source, dtype=str)
    lines = pd.concat([table, table.assign(**{"Item Name": "Cup"})])
    lines.to_csv(right.source, index=False)
    said = refused(tmp_path, Path(right.source), **right.flags)
    assert "'Order Total Amount' has one amount on every line of an order" in said


def test_a_column_that_is_called_so_and_cannot_be_it_is_said(tmp_path):
    """Nobody buys twice, and no day is understood."""
    log = exports.orders(17)
    frame = pd.DataFrame({"customer id": log["order"], "date": "soon", "total": log["amount"]})
    frame.to_csv(tmp_path / "log.csv", index=False)
    said = refused(tmp_path, tmp_path / "log.csv", currency="EUR")
    assert "'customer id' is called so, but no id stands in two rows" in said
    assert "'date' is called so, but it holds no days that are understood (soon)" in said


def test_net_and_gross_are_not_chosen_between(tmp_path):
    """Nor a total and what comes before shipping: each is money paid, to somebody."""
    log = exports.orders(19)
    for other in ("gross amount", "Subtotal", "net sales"):
        frame = pd.DataFrame({"customer id": log["customer"], "date": log["day"]})
        frame["Total amount"], frame[other] = log["amount"] * 1.2, log["amount"]
        frame.to_csv(tmp_path / "log.csv", index=False)
        said = refused(tmp_path, tmp_path / "log.csv", currency="EUR")
        assert f"What is the money paid? It may be Total amount, or {other}" in said


def test_typed_tables_are_looked_at_too(tmp_path):
    """Moments with a zone in Parquet need the shop's zone; a view of a DuckDB file is named."""
    log = exports.orders(20)
    frame = pd.DataFrame(
        {"customer_id": log["customer"], "date": log["at"], "total": log["amount"]}
    )
    frame.assign(date=frame["date"].dt.tz_localize("UTC")).to_parquet(tmp_path / "log.parquet")
    assert "--timezone" in refused(tmp_path, tmp_path / "log.parquet", currency="EUR")
    with duckdb.connect(str(tmp_path / "log.duckdb")) as connection:
        connection.register("frame", frame)
        connection.execute("CREATE TABLE sales AS SELECT * FROM frame")
        connection.execute("CREATE VIEW big AS SELECT * FROM sales WHERE total > 500")
    settings = made(tmp_path, str(tmp_path / "log.duckdb"), currency="EUR", table="big")
    assert ("big", "UTC") == (settings.transactions.table, settings.transactions.timezone)
    big = frame.loc[frame["total"] > 500, "total"].sum()
    assert round(float(big), 2) == totals(settings)[2]


def test_states_and_currencies_of_an_unknown_export_are_asked_for(tmp_path):
    """Cancelled orders are no sales, and francs no euros."""
    log = exports.orders(14)
    frame = log[["customer", "day", "amount"]].assign(
        status=log["is_sale"].map({True: "done", False: "cancelled"}),
        currency=["EUR" if i % 3 else "CHF" for i in range(len(log))],
    )
    frame.to_csv(tmp_path / "log.csv", index=False)
    said = refused(tmp_path, tmp_path / "log.csv")
    assert "Which rows are sales? 'status' has done, cancelled" in said
    assert "Amounts in which currency? 'currency' has EUR, CHF" in said
    answers = {"currency": "EUR", "keep": "status=done"}
    settings = made(tmp_path, str(tmp_path / "log.csv"), **answers)
    kept = frame[(frame["status"] == "done") & (frame["currency"] == "EUR")]
    assert round(float(kept["amount"].sum()), 2) == totals(settings)[2]


def test_text_that_several_encodings_read_differently_is_asked_for(tmp_path):
    """With what each makes of it."""
    log = exports.orders(15)
    frame = log[["customer", "day", "amount"]].assign(city="İğdır")
    frame.to_csv(tmp_path / "log.csv", index=False, encoding="cp1254")
    said = refused(tmp_path, tmp_path / "log.csv", currency="TRY")
    assert "cp1254: " in said
    assert "İğdır" in said
    assert "Ýðdýr" in said
    settings = made(tmp_path, str(tmp_path / "log.csv"), currency="TRY", encoding="cp1254")
    assert "cp1254" == settings.transactions.encoding


def test_names_and_cells_of_a_file_are_text_in_the_project_file(tmp_path):
    """Whatever they hold: quotes, line ends, brackets of tables, code."""
    log = exports.orders(16)
    name = 'customer id "x"\n[money]\nmargin = 9'
    frame = pd.DataFrame({name: log["customer"], "day": log["day"], "total": log["amount"]})
    frame[name] = '"]\n[money] #' + frame[name] + "\u2028"
    frame.to_parquet(tmp_path / "log.parquet")
    settings = made(tmp_path, str(tmp_path / "log.parquet"), currency="EUR", customer_id=name)
    assert name == settings.transactions.columns.customer_id
    assert 1.0 == settings.money.margin
    assert log["customer"].nunique() == totals(settings)[0]


def test_a_check_that_refuses_leaves_the_project_file_to_be_mended(tmp_path):
    """And says so."""
    log = exports.orders(18)
    frame = log[["customer", "day", "amount"]].astype({"amount": str})
    frame.loc[::10, "amount"] = None
    frame.to_csv(tmp_path / "log.csv", index=False)
    with pytest.raises(DataError, match=r"no spend: \d+[\s\S]*then: retention check"):
        made(tmp_path, str(tmp_path / "log.csv"), currency="EUR")
    assert "EUR" == read_settings(tmp_path / "shop" / "retention.toml").money.currency


def test_what_stands_there_is_not_overwritten(tmp_path):
    """Unless it is asked for; and a flag names a column of the file."""
    right = exports.months(tmp_path)
    made(tmp_path, right.source)
    with pytest.raises(SettingsError, match="stands there"):
        made(tmp_path, right.source)
    with pytest.raises(
        SettingsError, match=r"--customer-id: no column 'client'\. The file has: order"
    ):
        new_project(tmp_path / "other", right.source, {"customer_id": "client"}, say=lambda _: None)
    with pytest.raises(DataError, match="no such file"):
        made(tmp_path / "third", str(tmp_path / "none.csv"))


def test_a_source_within_the_project_is_named_from_there(tmp_path):
    """So that the folder can be moved."""
    (tmp_path / "shop" / "data").mkdir(parents=True)
    right = exports.months(tmp_path / "shop" / "data")
    assert "data/sales-*.csv" == made(tmp_path, right.source).transactions.source
