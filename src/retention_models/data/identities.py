"""Customer ids that are nobody's or one person's twice, and columns whose rows may be no sales."""

from __future__ import annotations

from collections.abc import Iterator

import ibis
from ibis.expr.types import BooleanValue, Table, Value

from retention_models.data.contract import NOT_KEPT, mended
from retention_models.data.engines import to_frame
from retention_models.data.transactions import Transactions

# What tills, shops and data frames write where they do not know the customer, in small letters.
NOBODY_NAMES = (
    *(
        "nan",
        "null",
        "none",
        "na",
        "n/a",
        "<na>",
        "nil",
        "undefined",
        "unknown",
        "-",
        "?",
        "0",
        "-1",
    ),
    *(
        "guest",
        "guests",
        "anonymous",
        "anon",
        "walk-in",
        "walkin",
        "walk in",
        "cash",
        "default",
        "test",
    ),
    *(
        "misafir",
        "gast",
        "kunde",
        "invité",
        "dummy",
        "no customer",
        "00000000-0000-0000-0000-000000000000",
    ),
    # What a report writes below its rows.
    *("total", "totals", "grand total", "subtotal", "sub-total", "sum", "summe", "gesamt"),
    *(
        "gesamtsumme",
        "insgesamt",
        "zwischensumme",
        "endsumme",
        "toplam",
        "genel toplam",
        "ara toplam",
    ),
    *(
        "összesen",
        "mindösszesen",
        "végösszeg",
        "total général",
        "sous-total",
        "total general",
        "suma",
    ),
    *("totale", "totaal", "جمع", "جمع کل", "مجموع", "المجموع"),
)
# Nobody else buys on so many days: five times as many as all but one customer in a hundred.
_FEWEST_DAYS, _TIMES = 50, 5.0
NO_SALE = (
    *(
        "failed",
        "cancelled",
        "canceled",
        "refunded",
        "partially_refunded",
        "voided",
        "void",
        "declined",
    ),
    *(
        "returned",
        "on-hold",
        "on_hold",
        "pending",
        "expired",
        "abandoned",
        "draft",
        "trash",
        "rejected",
    ),
    *("error", "chargeback", "unpaid", "iptal", "iade", "storniert", "annulée"),
    *("refund", "return", "credit note", "gutschrift", "erstattung", "rückerstattung", "retoure"),
    *("storno", "stornó", "sztornó", "visszáru", "visszatérítés", "remboursement", "avoir"),
    *("devolución", "reembolso", "مرجوعی"),
)
_MOST_VALUES, _SHOWN = 30, 5


def nobody(log: Transactions) -> tuple[int, int, str, list[str]]:
    """Rows of ids that look like nobody's, all rows, those ids in words, and the ids."""
    table = log.table
    by_id = table.group_by("customer_id").aggregate(
        rows=table.count(), days=table["date"].nunique()
    )
    most = by_id["days"].quantile(0.99)
    usual = float(to_frame(by_id.aggregate(usual=most))["usual"].item())
    named = by_id["customer_id"].lower().isin(NOBODY_NAMES)
    far = (by_id["days"] >= _FEWEST_DAYS) & (by_id["days"] >= _TIMES * usual)
    found = to_frame(
        by_id.filter(named | far).order_by(ibis.desc("rows"), "customer_id").limit(100)
    )
    shown = ", ".join(
        f"{row['customer_id']!r} ({row['rows']:,} rows on {row['days']:,} days)"
        for row in found.head(_SHOWN).to_dict("records")
    )
    rows = int(log.stores["rows"].sum())
    return int(found["rows"].sum()), rows, shown, list(found["customer_id"].head(_SHOWN))


@ibis.udf.scalar.builtin  # type: ignore[untyped-decorator]
def nfc_normalize(text: str) -> str:  # type: ignore[empty-body]
    """DuckDB's one form of letters that Unicode can write in several ways."""


_OTHER_DIGITS, _DIGITS = "۰۱۲۳۴۵۶۷۸۹٠١٢٣٤٥٦٧٨٩", "01234567890123456789"


def nearly_equal(log: Transactions) -> tuple[int, int, str]:
    """Ids that others equal but for blanks, case, digits or form; all ids; the first in words."""
    ids = log.table.select("customer_id").distinct()
    spelled: Value = ids["customer_id"].lower()
    if ids.get_backend().name == "duckdb":
        blanks = r"^[\s\x{A0}\x{200B}\x{202F}\x{FEFF}]+|[\s\x{A0}\x{200B}\x{202F}\x{FEFF}]+$"
        spelled = nfc_normalize(spelled.re_replace(blanks, "").translate(_OTHER_DIGITS, _DIGITS))
    ids = ids.mutate(spelled=spelled)
    found, shown = _groups(ids)
    return found, int(to_frame(ids.aggregate(n=ids.count()))["n"].item()), shown


def joined_by_blanks(log: Transactions) -> tuple[int, str]:
    """Ids that are one customer's because blanks around them, or a .0 behind, were taken off."""
    how = log.as_read
    column = None if how is None else how.columns["customer_id"]
    raw = log.origin.table
    if column is None or not raw[column].type().is_string():
        return 0, ""
    ids = raw.select(customer_id=raw[column]).distinct()
    spelled = ids["customer_id"].strip()
    return _groups(ids.mutate(spelled=mended(spelled) if how and how.mended else spelled))


def _groups(ids: Table) -> tuple[int, str]:
    groups = ids.group_by("spelled").aggregate(
        n=ids.count(), first=ids["customer_id"].min(), last=ids["customer_id"].max()
    )
    groups = groups.filter((groups["n"] > 1) & (groups["spelled"] != ""))
    count = int(to_frame(groups.aggregate(n=groups["n"].sum().fill_null(0)))["n"].item())
    first = to_frame(groups.order_by("spelled").limit(3))
    pairs = (f"{row['first']!r} and {row['last']!r}" for row in first.to_dict("records"))
    return count, ", ".join(pairs)


def columns_of_no_sales(log: Transactions) -> Iterator[tuple[str, int, str]]:
    """Further columns with values such as "cancelled", or with refunds: name, such rows, values."""
    how, raw = log.as_read, log.origin.table
    if how is None or NOT_KEPT in set(log.quality["reason"]):
        return
    for column in raw.columns:
        if column in how.columns.values() or column in how.cells.values():
            continue
        text = raw[column].cast("string").strip() if _is_plain(raw[column]) else None
        if text is None:
            continue
        if "refund" in column.lower() and "date" not in column.lower():
            refunded = raw.filter((text.try_cast("float64") != 0).fill_null(False))
            count = int(to_frame(refunded.aggregate(n=refunded.count()))["n"].item())
            if count:
                yield column, count, ""
        elif raw[column].type().is_string():
            sold = ~given_back(raw, how.columns["spend"])
            counts = raw.group_by(value=text).aggregate(n=sold.sum())
            counts = counts.filter(counts["n"] > 0)
            top = to_frame(
                counts.order_by(ibis.desc("n"), "value").limit(_MOST_VALUES + 1)
            ).dropna()
            no_sale = top["value"].str.lower().isin(NO_SALE)
            if len(top) <= _MOST_VALUES and no_sale.any():
                shown = ", ".join(f"{v} {n:,}" for v, n in zip(top["value"], top["n"], strict=True))
                yield column, int(top.loc[no_sale, "n"].sum()), shown


def given_back(raw: Table, spend: str | None) -> BooleanValue:
    """Rows of an amount below 0: as returns they are counted already."""
    if spend not in raw.columns:
        return ibis.literal(False)
    text = raw[spend].cast("string").strip()
    return text.re_search(r"^[-−(]|-$").fill_null(False)


def _is_plain(column: Value) -> bool:
    return bool(column.type().is_string() or column.type().is_numeric())
