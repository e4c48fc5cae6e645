"""How a file's days and amounts are written, its currency, its sales: options of the project file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from zoneinfo import available_timezones

from retention_models.data.contract import Amounts
from retention_models.data.engines import to_frame
from retention_models.data.identities import NO_SALE, NOBODY_NAMES, given_back
from retention_models.errors import SettingsError
from retention_models.project.own_file.look import ColumnSeen, Days
from retention_models.project.own_file.names import SURE, currencies_in, score
from retention_models.project.own_file.proposal import Proposal, in_backquotes, require_column
from retention_models.settings.expressions import amount, condition
from retention_models.settings.types import DECIMALS


def propose_options(found: Proposal) -> None:
    """Look for every option, the answers first; what cannot be told is asked."""
    _require_sound(found.answers)
    for step in (_dates, _zone, _amounts, _money, _sales, _identities):
        step(found)


def _require_sound(answers: Mapping[str, str]) -> None:
    """Refuse answers that no project file could hold."""
    if not re.fullmatch(r"[A-Za-z]{3}", answers.get("currency", "EUR")):
        raise SettingsError("--currency: expected three letters (ISO 4217), such as EUR.")
    if answers.get("timezone", "UTC") not in available_timezones():
        raise SettingsError(
            "--timezone: expected a zone of the IANA list, such as Europe/Istanbul."
        )
    if answers.get("decimal", ".") not in DECIMALS:
        raise SettingsError("--decimal: expected . or a comma.")
    if "where" in answers:
        try:
            condition(answers["where"])
        except ValueError as error:
            raise SettingsError(f"--where: {error}.") from None


_CURRENCIES = {
    "€": "EUR",
    "£": "GBP",
    "₺": "TRY",
    "TL": "TRY",
    "₹": "INR",
    "₽": "RUB",
    "zł": "PLN",
    "Ft": "HUF",
}


def _dates(found: Proposal) -> None:
    column = found.column("date")
    if column is None:
        return
    given = found.answers.get("date_format")
    ways: tuple[Days, ...] = column.days
    if given is not None:
        found.options["date_format"] = given
        found.why["date_format"] = "as you said"
    elif not ways:
        found.ask("date_format", f"How are the days of {column.name!r} written ({_shown(column)})?")
    elif len(ways) > 1:
        shown = "; ".join(f"{way.date_format} (from {way.first} to {way.last})" for way in ways)
        found.ask(
            "date_format",
            f"All dates of {column.name!r} ({_shown(column)}) fit several formats: {shown}. The data "
            "cannot say which it is: ask who exported them.",
            tuple(str(way.date_format) for way in ways),
        )
    elif ways[0].date_format is not None:
        found.options["date_format"] = ways[0].date_format
        found.why["date_format"] = f"the only one that fits: from {ways[0].first} to {ways[0].last}"


def _shown(column: ColumnSeen) -> str:
    return " · ".join(column.first)


def _zone(found: Proposal) -> None:
    column, given = found.column("date"), found.answers.get("timezone")
    form = str(found.options.get("date_format", ""))
    if given is not None:
        found.options["timezone"], found.why["timezone"] = given, "as you said"
    elif column is not None and "utc" in column.name.lower() and not column.has_zone:
        found.options["timezone"] = "UTC"
        found.why["timezone"] = (
            f"{column.name!r} is in UTC; for days of the shop, export local times"
        )
    elif column is not None and (
        column.has_zone or form.startswith("unix") or "%z" in form.lower()
    ):
        found.ask(
            "timezone",
            f"In which time zone do the shop's days begin? {column.name!r} ({_shown(column)}) has "
            "moments, and an evening in one zone is the next day in another.",
            ("Europe/Istanbul", "America/New_York", "UTC"),
        )


def _amounts(found: Proposal) -> None:
    spend = found.columns.get("spend")
    if spend is None:
        return
    names = (spend,) if spend in found.seen.columns else amount(spend).columns
    notations = [set(found.seen.columns[name].amounts) for name in names]
    texts = [
        ways
        for name, ways in zip(names, notations, strict=True)
        if found.seen.columns[name].is_text
    ]
    if not texts:
        return
    for name, ways in zip(names, notations, strict=True):
        if not ways:
            shown = _shown(found.seen.columns[name])
            raise SettingsError(f"{name!r} does not hold amounts in one notation ({shown}).")
    common = set.intersection(*texts) or {_joint(texts)}
    decimals = {way.decimal for way in common}
    given = found.answers.get("decimal")
    if given is not None:
        common = {way for way in common if way.decimal == given} or {Amounts(given)}
        if given == "." and len(decimals) > 1:
            # 1.234 alone does not say so: what parts thousands must be another mark.
            common = {replace(way, thousands=way.thousands or ",") for way in common}
    elif len(decimals) > 1:
        found.ask(
            "decimal",
            f"Is the mark in amounts such as {_shown(found.seen.columns[names[0]])} before decimals or "
            "before thousands? Both fit.",
            (".", ","),
        )
        return
    way = sorted(common, key=str)[0]
    for key, value, usual in (
        ("decimal", way.decimal, "."),
        ("thousands", way.thousands, None),
        ("currency_sign", way.currency_sign, None),
        ("minus", way.minus, "front"),
    ):
        if value != usual:
            found.options[key] = value
            shown = _example([found.seen.columns[name] for name in names], key, str(value))
            found.why[key] = f"amounts such as {shown}"


_MINUS = {"behind": "-", "brackets": "("}


def _example(columns: list[ColumnSeen], key: str, value: str) -> str:
    """The longest of the amounts that are written so."""
    mark = _MINUS.get(value, value) if key == "minus" else value
    texts = [text for column in columns for text in column.texts]
    return max([text for text in texts if mark in text] or texts, key=len)


def _joint(several: list[set[Amounts]]) -> Amounts:
    """The notation that reads what each column's does: one column's marks may not occur in another."""
    ways = [sorted(ways, key=lambda way: (way.thousands is None, str(way)))[0] for ways in several]
    return Amounts(
        decimal=max((way.decimal for way in ways), key=lambda mark: mark == ","),
        thousands=next((way.thousands for way in ways if way.thousands), None),
        currency_sign=next((way.currency_sign for way in ways if way.currency_sign), None),
        minus=next((way.minus for way in ways if way.minus != "front"), "front"),
    )


def _money(found: Proposal) -> None:
    given = found.answers.get("currency")
    columns = [name for name in found.seen.columns if score("currency", name) >= SURE]
    codes = found.seen.columns[columns[0]].texts if len(columns) == 1 else []
    if len(codes) > 1:
        shown = ", ".join(codes[:5])
        if given is None:
            found.ask(
                "currency",
                f"Amounts in which currency? {columns[0]!r} has {shown}.",
                tuple(codes[:5]),
            )
            return
        same = next((code for code in codes if code.upper() == given.upper()), given)
        found.options["where"] = f"{in_backquotes(columns[0])} = '{same}'"
        found.why["where"] = f"the others are in other currencies ({shown})"
    if given is not None:
        doubt = _against_currency(found, given.upper(), columns[0] if codes else "", codes)
        found.currency, found.why["currency"] = given.upper(), f"as you said{doubt}"
    elif len(codes) == 1 and len(codes[0]) == 3:
        found.currency, found.why["currency"] = codes[0].upper(), f"the only one in {columns[0]!r}"
    else:
        sign = str(found.options.get("currency_sign") or _sign_in_name(found))
        named = currencies_in(found.columns.get("spend", "")) or currencies_in(sign)
        if sign in _CURRENCIES:
            found.currency, found.why["currency"] = _CURRENCIES[sign], f"the sign {sign}"
        elif len(named) == 1:
            found.currency, found.why["currency"] = named.pop(), "beside the amounts"
        else:
            found.ask("currency", "In which currency is the money?", ("EUR", "USD", "TRY"))


def _against_currency(found: Proposal, given: str, column: str, codes: list[str]) -> str:
    """What in the file speaks against a currency; refused where a column names others only."""
    sign = str(found.options.get("currency_sign") or "")
    known = {code.upper() for code in codes if re.fullmatch(r"[A-Za-z]{3}", code)}
    if codes and len(known) == len(codes) and given not in known:
        raise SettingsError(
            f"--currency: {given}, but {column!r} has {', '.join(codes[:5])}. Amounts are not "
            "converted: name their own currency, or export them in the other."
        )
    if codes:
        return ""
    if _CURRENCIES.get(sign, given) != given:
        return f", although amounts bear the sign {sign}: they are not converted"
    named = currencies_in(found.columns.get("spend", ""))
    if named and given not in named:
        return f", although a column is called {found.columns['spend']!r}: it is not converted"
    return ""


def _sign_in_name(found: Proposal) -> str:
    return next((sign for sign in _CURRENCIES if sign in found.columns.get("spend", "")), "")


def _sales(found: Proposal) -> None:
    given = found.answers.get("keep")
    if given is not None:
        if given != "all":
            name, _, values = given.partition("=")
            require_column(found, "keep", name.strip())
            found.options["keep"] = {name.strip(): [value.strip() for value in values.split(",")]}
            found.why["keep"] = "as you said"
        return
    export = found.export
    if export is not None and export.status in found.seen.columns:
        statuses = found.seen.columns[export.status].texts
        sales = sorted(value for value in statuses if export.is_sale(value))
        found.options["keep"] = {export.status: sales}
        found.why["keep"] = f"{export.called}: other rows are no sales"
        return
    for name, column in found.seen.columns.items():
        odd = [v for v in column.texts if v.lower() in NO_SALE]
        if (
            odd
            and score("status", name)
            and name not in found.columns.values()
            and len(column.texts) <= 30
            and not _all_given_back(found, name, odd)
        ):
            kept = ",".join(sorted(set(column.texts) - set(odd)))
            found.ask(
                "keep",
                f"Which rows are sales? {name!r} has {', '.join(column.texts[:8])}. (Or --keep all, "
                "where rows that give money back have amounts below 0.)",
                (f"{name}={kept}", "all"),
            )
            return


def _all_given_back(found: Proposal, name: str, odd: list[str]) -> bool:
    """Whether rows of these values have amounts below 0, so that they count as returns as they are."""
    rows = found.seen.table
    rows = rows.filter(rows[name].cast("string").strip().isin(odd))
    sold = rows.filter(~given_back(rows, found.columns.get("spend")))
    return int(to_frame(sold.aggregate(n=sold.count()))["n"].item()) == 0


def _identities(found: Proposal) -> None:
    column = found.column("customer_id")
    if column is None:
        return
    if column.lost_point:
        found.options["mend_ids"] = True
        found.why["mend_ids"] = f"a tool made {_shown(column)} of whole numbers"
    if (pair := column.alike_but_for_case) is not None:
        found.options["ignore_case"] = True
        found.why["ignore_case"] = f"an address of e-mail is one however it is typed, as {pair}"
    # A 0 may be somebody's; the check says how often it buys.
    named = [name for name in NOBODY_NAMES if any(letter.isalpha() for letter in name)]
    if nobody := column.called(named):
        found.options["anonymous"] = nobody
        found.why["anonymous"] = "these stand for nobody"
