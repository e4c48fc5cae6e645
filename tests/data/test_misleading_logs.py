"""Logs whose rows are sound and whose numbers would be wrong: refused with what shows it."""

from __future__ import annotations

import pytest

from retention_models.data.reading_transactions import read_transactions
from retention_models.errors import DataError, SettingsError

NAMES = {"customer_id": "id", "date": "day", "spend": "paid"}
HEAD = "id,day,paid"
LINES = [(f"c{i % 17}", f"2024-01-{1 + i % 28:02d}", f"{i + 1}.5") for i in range(60)]


def text(lines, head=HEAD) -> str:
    """A CSV."""
    return "\n".join([head, *(",".join(line) for line in lines)]) + "\n"


def spend(folder, content: str, **options) -> float:
    """The total, through a file."""
    path = folder / "log.csv"
    path.write_text(content, encoding="utf-8")
    table = read_transactions(path, **NAMES, **options).table
    return float(table["spend"].sum().execute())


@pytest.mark.slow
def test_a_log_of_which_every_row_stands_twice_is_refused(tmp_path):
    """Also where each copy bears the day of its export; not where the copies are dropped."""
    stamped = [(*line, stamp) for stamp in ("1 May", "2 May") for line in LINES]
    for content in (text(LINES + LINES), text(stamped, f"{HEAD},exported")):
        with pytest.raises(DataError, match="120 usable rows stands at least twice"):
            spend(tmp_path, content)
    assert 1860 == spend(tmp_path, text(LINES + LINES), duplicates="drop")
    assert 1860 + 1.5 == spend(tmp_path, text([*LINES, LINES[0]]))
    numbered = [(*line, str(place)) for place, line in enumerate(LINES + LINES)]
    assert 3720 == spend(tmp_path, text(numbered, f"{HEAD},order"), order_id="order")


@pytest.mark.slow
def test_ids_with_and_without_their_zeros_are_refused(tmp_path):
    """Half of a log that went through a spreadsheet; few twins may be two customers."""
    padded = [(f"{i % 17:04d}", *LINES[i][1:]) for i in range(60)]
    plain = [(f"{i % 17}", *LINES[i][1:]) for i in range(0, 60, 7)]
    with pytest.raises(DataError, match=r"'id' \(customer_id\): 9 of 17 ids .* such as '0000'"):
        spend(tmp_path, text(padded + plain))
    assert 1860 == spend(tmp_path, text(padded))
    assert 1860 + 4.5 == spend(tmp_path, text([*padded, ("3", "2024-02-01", "4.5")]))


@pytest.mark.slow
def test_a_point_with_three_digits_behind_it_wherever_it_stands_is_declared(tmp_path):
    """1.234 is what a German export and one of Kuwait write."""
    lines = [(who, day, f"{57 * i:,}".replace(",", ".")) for i, (who, day, _) in enumerate(LINES)]
    with pytest.raises(DataError, match=r'in 42 rows, three digits follow.*decimal = ","'):
        spend(tmp_path, text(lines))
    assert 57 * 59 * 30 == spend(tmp_path, text(lines), decimal=",")
    fine = [(who, day, f"{i + 1}.125") for i, (who, day, _) in enumerate(LINES)]
    assert 1837.5 == spend(tmp_path, text(fine), thousands=",")
    assert 1837.5 + 0.5 == spend(tmp_path, text([*fine, ("z", "2024-02-01", "0.500")]))


@pytest.mark.slow
def test_lines_of_a_sale_that_name_nobody_and_no_day_are_refused(tmp_path):
    """Subtotals do so, too, and are left out by a condition."""
    lines = [line for each in LINES for line in (each, ("", "", "9"))]
    with pytest.raises(DataError, match="60 of 120 rows have a spend and neither 'id' nor 'day'"):
        spend(tmp_path, text(lines))
    assert 1860 == spend(tmp_path, text(lines), where="`id` <> ''")
    assert 1860 == spend(tmp_path, text([*LINES, ("", "", "1860")]))


@pytest.mark.slow
def test_amounts_of_several_currencies_are_not_added(tmp_path):
    """Unless one is chosen, or it is said that the amounts are of one."""
    lines = [(*line, "EUR" if i % 2 else "USD") for i, line in enumerate(LINES)]
    content = text(lines, f"{HEAD},Currency")
    with pytest.raises(
        DataError, match=r"'Currency' names several currencies \(EUR 30, USD 30 rows"
    ):
        spend(tmp_path, content)
    assert 945 == spend(tmp_path, content, where="Currency = 'EUR'")
    assert 1860 == spend(tmp_path, content, where="`Currency` in ('EUR', 'USD')")
    assert 915 == spend(tmp_path, content, keep={"Currency": ["USD"]})


@pytest.mark.slow
@pytest.mark.parametrize(
    "totals",
    [
        [("Store A total", "800"), ("Store B total", "1060")],
        [("Zwischensumme Jan", "800"), ("Zwischensumme Feb", "1060"), ("Gesamtsumme", "1860")],
        [("Toplam", "800"), ("Toplam", "1060")],
    ],
)
def test_several_totals_of_a_report_are_refused(tmp_path, totals):
    """Of stores, months, and of all."""
    lines = [*LINES, *((who, "2024-01-31", paid) for who, paid in totals)]
    with pytest.raises(DataError, match=f"{len(totals)} of its rows are called totals"):
        spend(tmp_path, text(lines))
    named = sorted({who for who, _ in totals})
    assert 1860 == spend(tmp_path, text(lines), anonymous=named)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("%d/%m", "does not say the year"),
        ("%m/%Y", "does not say the day"),
        ("%d.%m.%Y %I:%M", '"%I" counts to 12'),
        ("%Q", '"%Q" is not known'),
        ("dd.mm.yyyy", "it names no field"),
    ],
)
def test_a_format_without_whole_days_is_refused(tmp_path, given, words):
    """All days of a month, or of all years, would be one."""
    with pytest.raises(SettingsError, match=words):
        spend(tmp_path, text(LINES), date_format=given)


@pytest.mark.slow
def test_ids_in_scientific_notation_are_refused_however_they_are_written(tmp_path):
    """With a comma, as German spreadsheets write; without a plus, as Java does; 12E4 is an id."""
    path = tmp_path / "log.csv"
    for ids in (["4,90E+11", "4,91E+11"], ["4.90E11", "4.91E11"], ["4.9e+11", "4.8e+11"]):
        rows = "\n".join(f"{one};2024-01-02;5" for one in ids)
        path.write_text(f"id;day;paid\n{rows}\n", encoding="utf-8")
        with pytest.raises(DataError, match="turned into a decimal number: 2"):
            read_transactions(path, **NAMES)
    assert 5 == spend(tmp_path, text([("12E4", "2024-01-02", "5")]))


def test_a_zone_of_the_list_that_ends_with_utc_is_one(tmp_path):
    """Etc/UTC."""
    path = tmp_path / "log.csv"
    path.write_text(text([("a", "2024-01-02 01:30:00 Etc/UTC", "5")]), encoding="utf-8")
    table = read_transactions(path, **NAMES, timezone="America/New_York").table
    assert "2024-01-01" == str(table["date"].execute()[0])[:10]
