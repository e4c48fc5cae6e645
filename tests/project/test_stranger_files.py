"""A stranger's own file, in the shapes they lie about in: the right totals, or words on what to do."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from retention_models.data.reading_transactions import (
    read_project_transactions,
    read_transactions,
)
from retention_models.errors import DataError, SettingsError
from retention_models.project.own_file.new import new_project
from retention_models.settings.reading import read_settings
from tiers import few

pytestmark = pytest.mark.slow


class Line(NamedTuple):
    """A purchase."""

    customer: str
    day: dt.date
    paid: float
    order: int


FIRST = dt.date(2023, 1, 3)
LINES = sorted(
    (
        Line(
            *(f"{1 + (place * 5) % 14:04d}", FIRST + dt.timedelta(days=(place * 37) % 601)),
            *(round(3 + (place * 239.77) % 2400, 2), 1000 + place),
        )
        for place in range(49)
    ),
    key=lambda line: line.day,
)
TOTAL = round(sum(line.paid for line in LINES), 2)
HEAD = ("customer_id", "date", "amount", "order_id")
PERSIAN = str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹")
MONTHS = ("Jan.", "Feb.", "März", "April", "Mai", "Juni", "Juli", "August", "Sept.", "Okt.")
MONTHS += ("Nov.", "Dez.")

Cell = Callable[[Line], Any]


def cells(line: Line) -> tuple[Any, ...]:
    """As a sound file has them."""
    return line.customer, line.day.isoformat(), f"{line.paid:.2f}", line.order


def comma(amount: float) -> str:
    """1.234,50."""
    return f"{amount:,.2f}".translate(str.maketrans(",.", ".,"))


def table(
    day: Cell | str = "%Y-%m-%d",
    paid: Cell = lambda line: f"{line.paid:.2f}",
    who: Cell = lambda line: line.customer,
    *,
    head: tuple[str, ...] = HEAD,
    more: Cell | None = None,
    mark: str = ",",
    of: list[Line] | None = None,
) -> str:
    """A file's text."""
    rows = [head]
    for line in LINES if of is None else of:
        days = line.day.strftime(day) if isinstance(day, str) else day(line)
        row = (who(line), days, paid(line), line.order, *([] if more is None else [more(line)]))
        rows.append(row[: len(head)])
    return "".join(mark.join(map(str, row)) + "\n" for row in rows)


PLAIN = table()
SEMI = {"mark": ";", "day": "%d.%m.%Y", "paid": lambda line: comma(line.paid)}
EMAIL = ("Email", "date", "amount", "order_id")

# Name, content, answers, (rows, money) beyond those of the lines, or what is said of it.
Right = tuple[int, float]
RIGHT: list[tuple[str, str | bytes, Right]] = [
    ("semicolons, decimal comma", table(**SEMI, head=("Kunde", "Datum", "Betrag")), (0, 0)),
    ("a total's row by name", f"{PLAIN}TOTAL,{LINES[-1].day},{TOTAL},\n", (0, 0)),
    ("a total's row", f"{PLAIN},,{TOTAL},\n", (0, 0)),
    ("empty rows", f"{PLAIN},,,\n,,,\n,,,\n", (0, 0)),
    ("titles with marks", f"My shop;;;\nExport;of;2024;\n{table(mark=';')}", (0, 0)),
    ("a minus sign", f"{PLAIN}0001,2024-09-01,\u221212.50,7\n", (1, -12.5)),
    ("before 1970", table(lambda line: f"{line.day.year - 60}-{line.day:%m-%d}"), (0, 0)),
    (
        "Hungarian",
        table(
            *("%Y.%m.%d.", lambda line: f"{line.paid:.2f} Ft".replace(".", ",")),
            head=("Vevőkód", "Vásárlás dátuma", "Bruttó összeg", "Bizonylatszám"),
            mark=";",
        ),
        (0, 0),
    ),
    ("Persian", table(head=("شماره مشتري", "تاریخ", "مبلغ", "شماره سفارش")), (0, 0)),
    (
        "Turkish of Windows",
        table(**SEMI, head=("Müşteri No", "Sipariş Tarihi", "Tutar (TL)", "Fiş No")).encode(
            "cp1254"
        ),
        (0, 0),
    ),
    (
        "German of Windows",
        table(**SEMI, head=("Kunden-Nr.", "Käufe am Datum", "Bruttobetrag", "Beleg")).encode(
            "cp1252"
        ),
        (0, 0),
    ),
    ("French", table(head=("N° client", "Date d'achat", "Montant TTC", "N° commande")), (0, 0)),
    ("Spanish", table(head=("Nº cliente", "Fecha de venta", "Importe", "Nº pedido")), (0, 0)),
    ("nobody", f"{PLAIN}GUEST,2024-01-05,9.00,1\n,2024-01-07,5.00,3\n", (0, 0)),
    ("returns", f"{PLAIN}0001,2024-09-01,-12.50,7\n", (1, -12.5)),
    ("returns in brackets", f"{PLAIN}0001,2024-09-01,(12.50),7\n", (1, -12.5)),
    ("returns with a minus behind", f"{PLAIN}0001,2024-09-01,12.50-,7\n", (1, -12.5)),
    ("titles", f"My shop\nExport of 2024\n\n{PLAIN}", (0, 0)),
    ("a mark of the order of bytes", b"\xef\xbb\xbf" + PLAIN.encode(), (0, 0)),
    ("thousands", table(paid=lambda line: f'"{line.paid:,.2f}"'), (0, 0)),
    (
        "thousands of Switzerland",
        table(paid=lambda line: f"{line.paid:,.2f}".replace(",", "’")),
        (0, 0),
    ),
    ("thousands by a blank", table(paid=lambda x: f"{x.paid:,.2f}".replace(",", "\u00a0")), (0, 0)),
    ("years of two digits", table("%d/%m/%y"), (0, 0)),
    ("days without a nought", table(lambda x: f"{x.day.day}.{x.day.month}.{x.day.year}"), (0, 0)),
    ("zones", table(lambda x: f"{x.day}T12:00:00{('Z', '+02:00')[x.order % 2]}"), (0, 0)),
    ("addresses", table(who=lambda x: f"{'aA'[x.order % 2]}{x.customer}@x.de", head=EMAIL), (0, 0)),
    ("a sign of currency", table(paid=lambda line: f'"€{line.paid:,.2f}"'), (0, 0)),
    ("a sign behind", table(**SEMI | {"paid": lambda line: f"{comma(line.paid)} €"}), (0, 0)),
    ("quoted line ends", table(head=(*HEAD, "note"), more=lambda _: '"two\nlines"'), (0, 0)),
    ("Windows line ends", PLAIN.replace("\n", "\r\n"), (0, 0)),
    ("one day", table(lambda _: "2024-03-01"), (0, 0)),
    ("empty columns", table(head=(*HEAD, ""), more=lambda _: ""), (0, 0)),
    ("ids of decimals", table(who=lambda line: f"{int(line.customer)}.0"), (0, 0)),
    ("ids as formulas", table(who=lambda line: f'="{line.customer}"'), (0, 0)),
    (
        "returns of a kind, below 0",
        f"{table(head=(*HEAD, 'art'), more=lambda _: 'sale')}0001,2024-09-01,-12.50,7,refund\n",
        (1, -12.5),
    ),
]
SAID: list[tuple[str, str | bytes, list[str]]] = [
    (
        "one amount in words",
        f"{PLAIN}0001,2024-09-01,twelve,7\n",
        ["1 of 50 rows", "row 50 after the header: spend is not a number", "amount = 'twelve'"],
    ),
    (
        "one day to come",
        f"{PLAIN}0001,2099-01-01,5.00,7\n",
        ["row 50 after the header: date in the future", "date = '2099-01-01'"],
    ),
    ("a header in the middle", PLAIN + PLAIN, ["row 50 after the header", "date = 'date'"]),
    (
        "one day of 1900",
        f"{PLAIN}0001,1900-01-01,5.00,7\n",
        ["1 of its rows lies more than 123 years before all others", "row 50 after the header"],
    ),
    (
        "all days to come",
        table(lambda line: f"{line.day.year + 60}-{line.day:%m-%d}"),
        ["'date' is called so, but its days, from 2083-01-", "do not lie between 1900-01-01 and"],
    ),
    (
        "days of another calendar",
        table(lambda line: f"14{line.day:%y/%m/%d}"),
        ["Solar Hijri calendar", "Export days as 2017-12-31"],
    ),
    (
        "Persian digits",
        table(paid=lambda line: str(line.paid).translate(PERSIAN)),
        ["'amount' is called so", "not written in the digits 0-9", "export them so"],
    ),
    (
        "Persian days",
        table(lambda line: line.day.isoformat().translate(PERSIAN)),
        ["'date' is called so", "not written in the digits 0-9. Export dates as 2017-12-31"],
    ),
    (
        "months in words",
        table(lambda x: f"{x.day.day}. {MONTHS[x.day.month - 1]} {x.day.year}"),
        ["'date' is called so", "months in words. Export dates as 2017-12-31"],
    ),
    (
        "two formats of days",
        table(lambda line: line.day.strftime(("%d.%m.%Y", "%Y-%m-%d")[line.order % 2])),
        ["'date' is called so", "the file mixes formats", "Export dates as 2017-12-31"],
    ),
    ("days of a spreadsheet", table(lambda x: x.day.toordinal()), ["'date' is called so"]),
    (
        "two currencies",
        table(paid=lambda line: f"{'€$'[line.order % 2]}{line.paid}"),
        ["its amounts bear several signs", "export one currency"],
    ),
    (
        "returns of a kind, above 0",
        f"{table(head=(*HEAD, 'type'), more=lambda _: 'sale')}0001,2024-09-01,12.50,7,refund\n",
        ["Which rows are sales? 'type' has sale, refund", "--keep 'type=sale'"],
    ),
    (
        "amounts in words",
        table(paid=lambda _: "twelve"),
        ["no amounts that are understood (twelve)"],
    ),
    (
        "one customer",
        table(who=lambda _: "0001"),
        ["all of its rows have one id (0001)", "--customer-id 'customer_id'"],
    ),
    (
        "two orders",
        table(of=LINES[:2]),
        ["no id stands in two rows", "--customer-id 'customer_id'"],
    ),
    (
        "two columns of one name",
        table(head=("customer_id", "date", "amount", "amount")),
        ["amount (column 3), or amount (column 4)", "--spend"],
    ),
    (
        "a total without cells",
        f"{PLAIN}Total: {TOTAL}\n",
        ["line 51: expected 4 cells", "Mend this"],
    ),
    ("a NUL byte", PLAIN[:200] + "\0" + PLAIN[200:], ["a NUL byte", "export it again as UTF-8"]),
    (
        "line ends of two kinds",
        PLAIN.replace("\n", "\r\n", 9),
        ["line ends are mixed", "Save it with one kind"],
    ),
    ("JSON", '[{"customer_id": "1", "date": "2024-01-01"}]', ["it is JSON", ".jsonl"]),
    (
        "ids that lost digits",
        table(who=lambda x: f"4.05E+{x.customer[2:]}"),
        ["export ids as text"],
    ),
    ("a header alone", ",".join(HEAD) + "\n", ["holds no rows"]),
]


def made(folder: Path, content: str | bytes) -> Any:
    """The log of the project of a file that holds this."""
    source = folder / "orders.csv"
    source.write_bytes(content if isinstance(content, bytes) else content.encode())
    answers = {"currency": "EUR", "timezone": "UTC"}
    project = new_project(folder / "shop", str(source), answers, say=lambda _: None)
    return read_project_transactions(read_settings(project))


@pytest.mark.parametrize(("name", "content", "more"), few(0, RIGHT, 15))
def test_a_file_in_a_shape_that_can_be_told_has_its_totals(name, content, more, tmp_path):
    """Customers, rows and money, whatever stands around them."""
    log = made(tmp_path, content).table.execute()
    right = (14, 49 + more[0], pytest.approx(TOTAL + more[1], abs=1e-6))
    assert right == (log["customer_id"].nunique(), len(log), float(log["spend"].sum())), name


@pytest.mark.parametrize(("name", "content", "words"), few(0, SAID, 14))
def test_a_file_that_cannot_be_told_is_refused_with_what_to_do(name, content, words, tmp_path):
    """With the file, the column or the row, as it stands there."""
    with pytest.raises((DataError, SettingsError)) as caught:
        made(tmp_path, content)
    said = str(caught.value)
    assert str(tmp_path / "orders.csv") in said
    assert said.count(f"{tmp_path / 'orders.csv'}: {tmp_path / 'orders.csv'}") == 0
    assert [] == [word for word in words if word not in said], f"{name}: {said}"


def test_a_total_without_a_name_is_found_by_its_amount(tmp_path):
    """Whoever's id stands at it; as much twice is not all others together."""
    source = tmp_path / "log.csv"
    names = {"customer_id": "customer_id", "date": "date", "spend": "amount"}
    source.write_text(f"{PLAIN}9999,{LINES[-1].day},{TOTAL},9\n", encoding="utf-8")
    with pytest.raises(DataError, match="total of a report") as caught:
        read_transactions(source, **names)
    assert "row 50 after the header: as much as all others together (customer_id = '9999'" in str(
        caught.value
    )
    assert 49 == len(read_transactions(source, **names, anonymous=["9999"]).table.execute())
    source.write_text(f"{PLAIN}9999,{LINES[-1].day},{TOTAL + 0.02},9\n", encoding="utf-8")
    assert 50 == len(read_transactions(source, **names).table.execute())


def test_a_log_that_began_long_ago_is_read(tmp_path):
    """Where more than a few rows lie before a gap of years it is the shop's own."""
    early = "".join(
        f"{line.customer},2010-01-{place + 1:02d},5.00,7\n" for place, line in enumerate(LINES[:11])
    )
    source = tmp_path / "log.csv"
    source.write_text(PLAIN + early, encoding="utf-8")
    names = {"customer_id": "customer_id", "date": "date", "spend": "amount"}
    assert 60 == len(read_transactions(source, **names).table.execute())


def new(folder: Path, content: str, said: list[str] | None = None, **answers: str) -> str:
    """What is wrong with a file, or nothing; what is said of it stands in `said`."""
    source = folder / "orders.csv"
    source.write_text(content, encoding="utf-8")
    answers = {"currency": "EUR", "timezone": "UTC", **answers}
    try:
        say = (lambda _: None) if said is None else said.append
        new_project(folder / "shop", str(source), answers, say=say, force=True)
    except (DataError, SettingsError) as error:
        return str(error)
    return ""


def test_a_currency_that_the_file_contradicts_is_refused_or_said(tmp_path):
    """By a column of codes it is; a sign beside the amounts is said."""
    lines = PLAIN.splitlines()
    coded = "\n".join([f"{lines[0]},currency", *(f"{line},USD" for line in lines[1:])])
    assert "--currency: EUR, but 'currency' has USD" in new(tmp_path, coded)
    assert "" == new(tmp_path, coded, currency="USD")
    signed = "".join(f"{line.customer},{line.day},₺{line.paid}\n" for line in LINES)
    said: list[str] = []
    assert "" == new(tmp_path, f"customer_id,date,amount\n{signed}", said)
    assert "EUR: as you said, although amounts bear the sign ₺: they are not converted" in "".join(
        said
    )


def test_a_point_before_three_digits_is_written_as_it_was_answered(tmp_path):
    """So that the check, which asks the same, is content with it."""
    content = "customer_id,date,amount\n" + "".join(
        f"{line.customer},{line.day},{place}.125\n" for place, line in enumerate(LINES, start=1)
    )
    assert "before decimals or before thousands" in new(tmp_path, content)
    for mark, total in ((".", 49 * 25 + 49 / 8), (",", 49 * 25_000 + 49 * 125)):
        assert "" == new(tmp_path, content, decimal=mark)
        log = read_project_transactions(read_settings(tmp_path / "shop" / "retention.toml"))
        assert total == float(log.table["spend"].sum().execute())


def test_why_a_column_of_days_is_none(tmp_path):
    """Mostly empty, or to come: not that its format is unknown."""
    head = "customer_id,date,amount\n"
    sparse = "".join(f"{one.customer},{one.day},{one.paid}\n,,9\n" for one in LINES)
    assert "it is empty in 50% of the rows: have the day on every line" in new(
        tmp_path, head + sparse
    )
    soon = dt.date.today() + dt.timedelta(days=90)
    later = "".join(
        f"{one.customer},{soon if place % 3 else one.day},{one.paid}\n"
        for place, one in enumerate(LINES)
    )
    assert "32 of its days are to come (after " in new(tmp_path, head + later)
