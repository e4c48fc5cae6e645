"""What each column of a file is proposed to be, with the reason; what cannot be told is a question."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import ibis

from retention_models.data.engines import to_frame
from retention_models.errors import SettingsError
from retention_models.project.own_file.look import ColumnSeen, FileSeen
from retention_models.project.own_file.names import (
    LIKELY,
    SURE,
    Export,
    in_hundredths,
    known_export,
    score,
)
from retention_models.project.own_file.why_not import why_not
from retention_models.settings.expressions import amount

# What `retention new` calls the answer to each question.
FLAGS = {
    "customer_id": "--customer-id",
    "date": "--date",
    "spend": "--spend",
    "store_id": "--store",
    "order_id": "--order-id",
    "category": "--category",
    "date_format": "--date-format",
    "decimal": "--decimal",
    "timezone": "--timezone",
    "currency": "--currency",
    "keep": "--keep",
    "encoding": "--encoding",
    "sheet": "--sheet",
    "table": "--table",
}
_WHAT = {
    "customer_id": "who bought",
    "date": "when",
    "spend": "the money paid",
    "store_id": "the store",
    "order_id": "the order",
    "category": "the product's category",
}
_NONE = "none"


@dataclass(frozen=True)
class Question:
    """What the file cannot say."""

    key: str
    text: str
    choices: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """With the flag that answers it."""
        if not self.choices:
            return f"{self.text} Say which with {FLAGS[self.key]}."
        quoted = self.choices[0] if self.choices[0].isalnum() else f"'{self.choices[0]}'"
        return f"{self.text} Say which with {FLAGS[self.key]}, such as {FLAGS[self.key]} {quoted}."


@dataclass
class Proposal:
    """What was found: a value for each key of the project file, why, and what is still open."""

    seen: FileSeen = field(repr=False)
    answers: Mapping[str, str]
    export: Export | None = None
    columns: dict[str, str] = field(default_factory=dict)  # by role
    options: dict[str, object] = field(default_factory=dict)  # of [transactions]
    currency: str | None = None
    why: dict[str, str] = field(default_factory=dict)  # by role or key
    questions: list[Question] = field(default_factory=list)

    def ask(self, key: str, text: str, choices: tuple[str, ...] = ()) -> None:
        """Note what cannot be told."""
        self.questions.append(Question(key, text, choices))

    def take(self, role: str, name: str, why: str) -> None:
        """Note what a role's column is."""
        self.columns[role], self.why[role] = name, why

    def column(self, role: str) -> ColumnSeen | None:
        """What was seen of a role's column; None where there is none, or it is an expression."""
        return self.seen.columns.get(self.columns.get(role, ""))


def propose_columns(seen: FileSeen, answers: Mapping[str, str]) -> Proposal:
    """Look for the column of every role, the answers first; what cannot be told is asked."""
    found = Proposal(seen, answers, known_export(list(seen.columns)))
    for role in ("customer_id", "date", "store_id", "order_id", "category"):
        _role(found, role)
    _spend(found)
    return found


def _role(found: Proposal, role: str) -> None:
    given = found.answers.get(role)
    if given is not None:
        if given != _NONE:
            require_column(found, role, given)
            found.take(role, given, "as you said")
        elif role in ("customer_id", "date"):
            raise SettingsError(f"{FLAGS[role]}: a log needs {_WHAT[role]}.")
        return
    if (known := _of_export(found, role)) is not None:
        found.take(role, known, _export_words(found, role))
        _say_what_is_blank(found, role)
        return
    best = _best(found, role)
    doubtful = role == "customer_id" and best and score(role, best[0].name) < LIKELY
    if len(best) == 1 and not doubtful:
        found.take(role, best[0].name, _named(best[0], role))
        _say_what_is_blank(found, role)
    elif role in ("customer_id", "date"):
        _ask_which(found, role, best)
    elif best:
        found.why[role] = f"left out: it may be {_listed(best)} ({FLAGS[role]})"


def require_column(found: Proposal, role: str, name: str) -> None:
    """Refuse an answer that names no column of the file."""
    if name not in found.seen.columns:
        raise SettingsError(
            f"{FLAGS[role]}: no column {name!r}. The file has: {_all_columns(found.seen)}."
        )


def _say_what_is_blank(found: Proposal, role: str) -> None:
    """Where many rows lack the customer's id: which column has it more often."""
    column = found.column(role)
    if role != "customer_id" or column is None or column.share > 0.95:
        return
    others = [
        found.seen.columns[name] for name in found.seen.columns if score(role, name) >= LIKELY
    ]
    fuller = max(others, key=lambda other: other.filled, default=column)
    found.why[role] += f"; blank in {1 - column.share:.0%} of the rows"
    if fuller.filled > column.filled:
        found.why[role] += f", {fuller.name!r} in {1 - fuller.share:.0%}"


def _of_export(found: Proposal, role: str) -> str | None:
    if found.export is None:
        return None
    for name in found.export.columns.get(role, ()):
        known = name in found.seen.columns
        if known or ("`" in name and set(amount(name).columns) <= set(found.seen.columns)):
            return name
    return None


def _export_words(found: Proposal, role: str) -> str:
    assert found.export is not None
    more = found.export.why.get(role)
    return f"{found.export.called}{f': {more}' if more else ''}"


def _named(column: ColumnSeen, role: str) -> str:
    return (
        "its name" if score(role, column.name) > 0 else f"the only column that can be {_WHAT[role]}"
    )


_CAN_BE: dict[str, Callable[[ColumnSeen], bool]] = {
    "date": lambda column: column.share > 0.5 and bool(column.days),
    "customer_id": lambda column: (
        column.different > 1
        and column.different < column.filled
        and not column.values.type().is_temporal()
        and not column.values.type().is_boolean()
    ),
    "order_id": lambda column: column.different > 1 and not column.values.type().is_temporal(),
    "store_id": lambda column: 0 < column.different <= 5_000 and column.share > 0.9,
    "category": lambda column: 0 < column.different <= 5_000,
    "spend": lambda column: column.filled > 0 and bool(column.amounts),
    "quantity": lambda column: column.filled > 0 and bool(column.amounts),
    "unit_price": lambda column: column.filled > 0 and bool(column.amounts),
}


def _candidates(found: Proposal, role: str) -> dict[str, int]:
    """Columns whose names fit a role, and that can be it, with their scores."""
    scores = {name: points for name in found.seen.columns if (points := score(role, name)) > 0}
    taken = {name for other, name in found.columns.items() if other != role}
    return {
        name: points
        for name, points in scores.items()
        if name not in taken and _CAN_BE[role](found.seen.columns[name])
    }


def _best(found: Proposal, role: str) -> list[ColumnSeen]:
    """The columns that fit a role best: one, several between which nothing decides, or none."""
    scores = _candidates(found, role)
    if not scores and role == "date":
        # Without a name that says it, whatever holds days as text or days.
        scores = {
            name: 0
            for name, column in found.seen.columns.items()
            if not column.values.type().is_numeric() and _CAN_BE[role](column)
        }
    if scores and max(scores.values()) < SURE and role in ("store_id", "category", "order_id"):
        scores = {name: points for name, points in scores.items() if points >= SURE - 1}
    # An id that is said to be one stands before an address or a name.
    most = max(scores.values(), default=0)
    # Of two days that are said to be one, or of net and gross, no name says which is meant.
    bound = {"date": SURE, "spend": LIKELY}.get(role, most)
    rivals = [name for name, points in scores.items() if points >= bound]
    if role in ("date", "spend") and len(rivals) > 1:
        return [found.seen.columns[name] for name in rivals]
    return [found.seen.columns[name] for name, points in scores.items() if points == most]


def _listed(columns: list[ColumnSeen]) -> str:
    return " or ".join(f"{column.name!r}" for column in columns)


def _all_columns(seen: FileSeen) -> str:
    """Every column, with its first value where one stands in it."""
    return ", ".join(
        f"{name} ({column.first[0]})" if column.first else name
        for name, column in seen.columns.items()
    )


def _ask_which(found: Proposal, role: str, best: list[ColumnSeen]) -> None:
    key, called = role, list[str]()
    if best:
        shown = "; ".join(f"{column.name!r} ({' · '.join(column.first)})" for column in best)
        text = f"Which column is {_WHAT[role]}? It may be {shown}."
    else:
        called = [name for name in found.seen.columns if score(role, name) >= LIKELY]
        why = "No column's name says so."
        if called:
            why = f"{called[0]!r} is called so, but {why_not(role, found.seen.columns[called[0]])}."
        text = f"Which column is {_WHAT[role]}? {why} The file has: {_all_columns(found.seen)}."
    # Whoever knows better may insist.
    named = tuple(column.name for column in best) or (
        tuple(called) if role == "customer_id" else ()
    )
    found.ask(key, text, named)


def _spend(found: Proposal) -> None:
    given = found.answers.get("spend")
    if given is not None:
        if given not in found.seen.columns:
            try:
                parts = amount(given).columns
            except ValueError as error:
                raise SettingsError(
                    f"--spend: no column {given!r}, and no arithmetic over columns: {error}. The file "
                    f"has: {_all_columns(found.seen)}."
                ) from None
            for name in parts:
                require_column(found, "spend", name)
        found.take("spend", given, "as you said")
        return
    if (known := _of_export(found, "spend")) is not None:
        paid = known if known in found.seen.columns else amount(known).columns[0]
        if _stands_on_every_line(found, found.seen.columns[paid]):
            _ask_for_line(found, found.seen.columns[paid], None)
        else:
            found.take("spend", known, _export_words(found, "spend"))
        return
    best, scores = _best(found, "spend"), _candidates(found, "spend")
    product = _product(found)
    sure = [column for column in best if scores[column.name] >= SURE]
    one = len(best) == 1 and scores[best[0].name] >= (LIKELY if product is None else SURE)
    if one:
        if not _stands_on_every_line(found, best[0]):
            _take_money(found, best[0])
            return
        _ask_for_line(found, best[0], product)
    elif (
        not sure
        and len(best) < 2
        and product is not None
        and score("unit_price", product[1]) >= SURE
    ):
        text = " * ".join(in_backquotes(name) for name in product)
        found.take("spend", text, "how many, at the price of one; no column has the amount")
    elif best or product:
        choices = [column.name for column in best]
        if product is not None:
            choices.append(" * ".join(in_backquotes(name) for name in product))
        found.ask(
            "spend", f"What is {_WHAT['spend']}? It may be {', or '.join(choices)}.", tuple(choices)
        )
    else:
        _ask_which(found, "spend", [])


def _take_money(found: Proposal, column: ColumnSeen) -> None:
    if in_hundredths(column.name):
        found.take(
            "spend", f"{in_backquotes(column.name)} / 100", "its name says that it counts cents"
        )
    else:
        found.take("spend", column.name, _named(column, "spend"))


def in_backquotes(name: str) -> str:
    """A column as an expression names it."""
    return name if name.isidentifier() else f"`{name}`"


def _product(found: Proposal) -> tuple[str, str] | None:
    """Columns with a quantity and a price of one."""
    many, price = _best(found, "quantity"), _best(found, "unit_price")
    if len(many) == 1 and len(price) == 1 and many[0].name != price[0].name:
        return many[0].name, price[0].name
    return None


def _stands_on_every_line(found: Proposal, spend: ColumnSeen) -> bool:
    """Whether an order's lines, which differ, all have one amount: the order's, not the line's."""
    order = found.column("order_id")
    if order is None:
        return False
    rows = found.seen.table.filter(found.seen.table[spend.name].notnull())
    lines = (
        rows.distinct()
        .group_by(rows[order.name].name("order"))
        .aggregate(lines=ibis._.count(), amounts=ibis._[spend.name].nunique())
    )
    several = lines.filter(lines["lines"] > 1)
    counts = to_frame(
        several.aggregate(n=several.count(), one=(several["amounts"] == 1).sum().fill_null(0))
    ).iloc[0]
    return int(counts["n"]) >= 3 and counts["one"] >= 0.95 * counts["n"]


def _ask_for_line(found: Proposal, spend: ColumnSeen, product: tuple[str, str] | None) -> None:
    choices = (" * ".join(in_backquotes(name) for name in product),) if product else ()
    found.ask(
        "spend",
        f"{spend.name!r} has one amount on every line of an order: it is the order's, and would count "
        "once for each line. What is the amount of a line? (Or export a row per order.)",
        choices,
    )
