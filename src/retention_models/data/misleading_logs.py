"""Logs of which each row is sound and every number would be wrong: refused, with what shows it."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

import ibis
import pandas as pd
from ibis.expr.types import BooleanValue, StringValue, Table, Value

from retention_models.data.checked_sources import SourceCheck
from retention_models.data.contract import NO_CUSTOMER
from retention_models.data.engines import to_frame
from retention_models.errors import DataError
from retention_models.settings.expressions import condition

# Fewer different rows may all stand twice by chance.
_FEWEST_DIFFERENT = 20
# Of larger logs some customers are looked at, of about so many rows.
_ROWS_LOOKED_AT = 50_000
# An id with zeros in front beside the same id without: few are two customers by chance.
_FEWEST_TWINS, _TWIN_SHARE = 5, 0.2
# Totals of a report name neither customer nor day, too, but are few beside its rows.
_FEWEST_LINES, _LINES_SHARE = 5, 0.05
_FEWEST_AMOUNTS = 10

_CURRENCY = re.compile(
    r"((order|transaction|payment|sale|invoice) ?)?(currency( ?code)?|währung|waehrung|waers|"
    r"para birimi|döviz|devise|moneda|valuta|pénznem|deviza|ارز|واحد پول)"
)

EITHER, DECIMALS = 1, 2


def refuse_a_log_loaded_twice(check: SourceCheck, log: Table, counts: pd.DataFrame) -> None:
    """Refuse a log of which every row stands an even number of times: all spend would count twice.

    Two equal items in a basket do so for some rows, never for all of them. Columns beside the
    contract's, such as the day of the export, may differ.
    """
    usable = counts[counts["reason"].isna()]
    if (usable[["rows", "returns", "zeros", "orders"]] % 2).to_numpy().any():
        return
    roles = ["customer_id", "store_id", "date", "spend"]
    roles += [role for role in ("order_id", "category") if check.columns[role] is not None]
    rows = log
    if (parts := int(usable["rows"].sum()) // _ROWS_LOOKED_AT) > 1:
        # Of each of some customers every row must stand twice, too.
        rows = rows.filter(rows["customer_id"].hash().cast("int64").abs() % parts == 0)
    times = rows.group_by(roles).aggregate(n=rows.count())
    found = to_frame(
        times.aggregate(different=times.count(), odd=(times["n"] % 2 == 1).sum().fill_null(0))
    ).iloc[0]
    if int(found["odd"]) or int(found["different"]) < _FEWEST_DIFFERENT:
        return
    raise DataError(
        f"{check.name}: each of its {int(usable['rows'].sum()):,} usable rows stands at least twice, "
        "with the same customer, day and spend: the file was loaded twice, or one export was put "
        "behind another of the same days, and all spend would count twice. Take one out; duplicates = "
        '"drop" leaves rows out that agree in every column. If they are sales of their own, give each a '
        "number as order_id."
    )


def refuse_lost_zeros(check: SourceCheck, log: Table, counts: pd.DataFrame) -> None:
    """Refuse ids that stand there with and without zeros in front: one customer would be two."""
    if not counts["zeros_in_front"].sum():
        return
    for role in ("customer_id", "store_id"):
        if check.columns[role] is None:
            continue
        ids = log.select(id=log[role]).distinct()
        plain: StringValue = ids["id"].re_replace(r"^0+(\d)", r"\1")
        zeros = ids["id"].re_search(r"^0\d+$")
        padded = ids.filter(zeros).select(given="id", plain=plain)
        others = ids.filter(~zeros).select(plain="id")
        both = padded.join(others, "plain")
        twins = int(to_frame(both.aggregate(n=both.count()))["n"].item())
        all_padded = int(to_frame(padded.aggregate(n=padded.count()))["n"].item())
        if twins < _FEWEST_TWINS or twins < _TWIN_SHARE * all_padded:
            continue
        example = to_frame(both.order_by("given").limit(1)).iloc[0]
        raise DataError(
            f"{check.name}: column {check.columns[role]!r} ({role}): {twins:,} of {all_padded:,} ids "
            f"with zeros in front stand there without them, too, such as {example['given']!r} and "
            f"{example['plain']!r}: a part of the rows has lost its zeros, as numbers do, and one would "
            "be two. Export ids as text. If they are two, put a letter in front of one kind."
        )


def refuse_two_notations(check: SourceCheck) -> None:
    """Refuse spends of a worksheet that are in part numbers, where text has a comma for decimals."""
    parts = check.parts.get("spend", (str(check.columns["spend"]),))
    mixed = [name for name in parts if name in check.origin.part_numbers]
    if mixed and check.amounts.decimal == ",":
        raise DataError(
            f"{check.name}: column {mixed[0]!r} (spend) holds numbers and text. The text has a comma "
            "for decimals, and a number such as 7.125 would be read as 7125. Make all of its cells "
            "numbers in the workbook."
        )


def refuse_several_currencies(
    check: SourceCheck, reason: Value, keep: Collection[str], spend: str
) -> None:
    """Refuse a log whose rows name several currencies, unless where or keep names that column."""
    named = {*keep, *(condition(check.where).columns if check.where is not None else ())}
    if len(check.parts.get("spend", ())) > 1:
        return  # an amount times a rate
    for column in check.raw.columns:
        if column in named or not _CURRENCY.fullmatch(column.strip().casefold().replace("_", " ")):
            continue
        if not check.raw[column].type().is_string():
            continue
        rows = check.raw.filter(reason.isnull() & ~check.raw[column].strip().isin([""]))
        code = rows[column].strip().upper()
        codes = to_frame(
            rows.group_by(code=code).aggregate(n=rows.count()).order_by("code").limit(20)
        )
        codes = codes.dropna()
        if (
            len(codes) < 2
            or not codes["code"].str.fullmatch(r"[A-Z]{3}|[^\w\s]{1,2}|TL|FT|ZŁ").all()
        ):
            continue
        if {*re.findall(r"[A-Z]+", spend.upper())} & {*codes["code"]}:
            continue  # the amounts say theirs, as amount_eur does
        shown = ", ".join(
            f"{code} {n:,}" for code, n in zip(codes["code"], codes["n"], strict=True)
        )
        quoted = ", ".join(f"'{code}'" for code in codes["code"])
        raise DataError(
            f"{check.name}: column {column!r} names several currencies ({shown} rows), and their "
            f'amounts in {spend!r} would be added up. Choose one by where = "`{column}` = '
            f"'{codes['code'].iloc[0]}'\". If the amounts are of one currency already, say so by "
            f'where = "`{column}` in ({quoted})".'
        )


def mark_of_thousands(check: SourceCheck, columns: Sequence[str]) -> Value:
    """1 where a spend such as 1.234 may be thousands, 2 where one says what the point is, else 0."""
    texts = [check.raw[name] for name in columns if check.raw[name].type().is_string()]
    if check.amounts.decimal != "." or check.amounts.thousands is not None or not texts:
        return ibis.literal(0, "int8")
    either, told = ibis.literal(False), ibis.literal(False)
    for text in texts:
        point = text.contains(".")
        groups = text.re_search(r"^[^\d.]*[1-9]\d{0,2}\.\d{3}[^\d.]*$")
        either = either | groups
        # Whoever parts thousands parts them wherever there are four digits.
        told = told | (point & ~groups) | (~point & text.re_search(r"\d{4}"))
    return ibis.cases((told, DECIMALS), (either, EITHER), else_=0).cast("int8")


def refuse_doubtful_points(check: SourceCheck, counts: pd.DataFrame) -> None:
    """Refuse spends of which each with a point has three digits behind it: 1.234 may be 1,234."""
    usable = counts[counts["reason"].isna()]
    if usable["decimals"].sum() or usable["either"].sum() < _FEWEST_AMOUNTS:
        return
    raise DataError(
        f"{check.name}: column {check.columns['spend']!r} (spend): wherever a point stands, in "
        f"{int(usable['either'].sum()):,} rows, three digits follow, as in 1.234, which may be one and "
        'a bit or more than a thousand; both fit, and no row decides. Set decimal = "," where the point '
        'parts thousands, or thousands = "," where it parts decimals.'
    )


def refuse_lines_of_no_one(check: SourceCheck, counts: pd.DataFrame) -> None:
    """Refuse many lines with a spend of which only the first of an order names customer and day."""
    if not (counts["reason"] == NO_CUSTOMER).any():
        return
    blank = check.blank("customer_id") & check.blank("date") & ~check.blank("spend")
    asked = check.raw.aggregate(n=blank.sum().fill_null(0))
    lines = int(to_frame(asked)["n"].item())
    if lines < _FEWEST_LINES or lines <= _LINES_SHARE * int(counts["rows"].sum()):
        return
    customer, date = check.columns["customer_id"], check.columns["date"]
    raise DataError(
        "\n".join(
            [
                f"{check.name}: {lines:,} of {int(counts['rows'].sum()):,} rows have a spend and "
                f"neither {customer!r} nor {date!r}: where they are further lines of the sale above "
                "them, their money would be lost.",
                *first_words(check, blank, "spend of no customer and no day"),
                "Export both on every line, or fill them down. Where they are subtotals, leave them out "
                f"by where = \"`{customer}` <> ''\".",
            ]
        )
    )


def first_words(check: SourceCheck, rows: BooleanValue, reason: str) -> list[str]:
    """The first rows of a kind, as they stand in the source."""
    found = ibis.ifelse(rows, ibis.literal(reason), ibis.null("string"))
    return [
        f"  - {words}"
        for words in check.as_read(found, "customer_id", "date", "spend").first_rows(5)["words"]
    ]
