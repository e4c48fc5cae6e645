"""Amounts and conditions over columns, told to the engine of a source; nothing of them is run here."""

from __future__ import annotations

import ast
import datetime as dt
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import ibis
from ibis.expr.types import BooleanValue, Table, Value

from retention_models.data.contract import (
    Amounts,
    is_blank,
    number_of,
    require_columns,
    require_types,
)
from retention_models.data.engines import Source
from retention_models.errors import DataError
from retention_models.settings.expressions import (
    ARITHMETIC,
    COMPARISONS,
    MEMBERSHIP,
    Column,
    Expression,
    amount,
)

_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
# What a comparison is when its sides change places.
_TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


@dataclass(frozen=True)
class InEngine:
    """An expression over the columns of a source."""

    source: str  # for messages
    key: str  # which key says it: spend, where
    found: Expression
    raw: Table
    amounts: Amounts

    def __post_init__(self) -> None:
        columns = {f"{self.key}, {name}": name for name in self.found.columns}
        require_columns(self.source, self.raw, columns)

    def amount(self) -> Value:
        """The number of every row; null where a column that it needs holds none."""
        return self._number(self.found.tree)

    def condition(self) -> BooleanValue:
        """Whether it holds of every row; null where a number that it needs is missing."""
        return self._truth(self.found.tree)

    def _number(self, node: ast.expr) -> Value:
        match node:
            case ast.BinOp(left, op, right):
                sides = self._number(left), self._number(right)
                return _OPERATORS[ARITHMETIC[type(op)]](*sides)
            case ast.UnaryOp(op, operand):
                number = self._number(operand)
                return -number if isinstance(op, ast.USub) else number
            case ast.Constant(value):
                return ibis.literal(float(value), "float64")  # type: ignore[arg-type]
        name = self._column(node)
        require_types(self.source, self.raw, {self.key: name})
        return number_of(self.source, self.raw[name], self.amounts, self.key)

    def _truth(self, node: ast.expr) -> BooleanValue:
        match node:
            case ast.BoolOp(op, values):
                join = ibis.and_ if isinstance(op, ast.And) else ibis.or_
                return join(*(self._truth(value) for value in values))
            case ast.UnaryOp(_, operand):
                return _not(self._truth(operand))
            case ast.Compare(left, [op], [right]) if type(op) in MEMBERSHIP:
                among = self._among(left, right)
                return among if MEMBERSHIP[type(op)] else _not(among)
            case ast.Compare(left, [op], [right]):
                return self._compared(left, COMPARISONS[type(op)], right)
        raise AssertionError(f"{ast.dump(node)} is no condition")

    def _among(self, column: ast.expr, items: ast.expr) -> BooleanValue:
        values = items.elts if isinstance(items, ast.Tuple) else [items]
        if isinstance(values[0], ast.Constant):
            numbers = [float(item.value) for item in values]  # type: ignore[attr-defined]
            return self._number(column).isin(numbers)
        texts = [str(self._meant(item)) for item in values]
        return self._text(self._column(column)).isin(texts)

    def _compared(self, left: ast.expr, sign: str, right: ast.expr) -> BooleanValue:
        if isinstance(self._meant(left), str | bool):
            return self._compared(right, _TURNED.get(sign, sign), left)
        value, compare = self._meant(right), _OPERATORS[sign]
        if isinstance(value, bool):
            return self._with_truth(self._column(left), compare, value)
        if isinstance(value, str):
            return self._with_text(self._column(left), sign, value)
        if isinstance(value, Column) and isinstance(self._meant(left), Column):
            return self._of_two_columns(self._column(left), sign, value.name)
        return compare(self._number(left), self._number(right))

    def _with_truth(self, name: str, compare: Callable[..., Any], value: bool) -> BooleanValue:
        if self.raw[name].type().is_boolean():
            return compare(self.raw[name], value)
        return compare(self._text(name).lower(), str(value).lower())

    def _with_text(self, name: str, sign: str, value: str) -> BooleanValue:
        column, compare = self.raw[name], _OPERATORS[sign]
        if value == "" and sign in ("==", "!="):
            return is_blank(column) if sign == "==" else ~is_blank(column)
        kind = column.type()
        if kind.is_date() or kind.is_timestamp():
            return compare(column.cast("timestamp"), ibis.literal(self._moment(name, value)))
        if kind.is_numeric() and sign not in ("==", "!="):
            raise DataError(
                f"{self.source}: {self.key}: column {name!r} holds numbers: write {value} without "
                "quotes."
            )
        return compare(self._text(name), value)

    def _of_two_columns(self, one: str, sign: str, other: str) -> BooleanValue:
        columns = self.raw[one], self.raw[other]
        texts = [column.type().is_string() for column in columns]
        if all(texts) and sign in ("==", "!="):
            return _OPERATORS[sign](self._text(one), self._text(other))
        if all(texts):
            raise DataError(
                f"{self.source}: {self.key}: columns {one!r} and {other!r} are text, where 10 comes "
                f"before 9: write their difference, `{one}` - `{other}` {sign} 0."
            )
        if all(column.type().is_date() or column.type().is_timestamp() for column in columns):
            return _OPERATORS[sign](*columns)
        numbers = (number_of(self.source, column, self.amounts, self.key) for column in columns)
        return _OPERATORS[sign](*numbers)

    def _text(self, name: str) -> Value:
        """A column as text without blanks around it; nothing is the empty text."""
        return self.raw[name].cast("string").strip().fill_null("")

    def _moment(self, name: str, value: str) -> dt.datetime:
        try:
            return dt.datetime.fromisoformat(value).replace(tzinfo=None)
        except ValueError:
            raise DataError(
                f"{self.source}: {self.key}: column {name!r} holds days or times; expected one such as "
                f"'2017-12-31', got {value!r}."
            ) from None

    def _meant(self, node: ast.expr) -> Column | str | bool | None:
        return self.found.meant[node.id] if isinstance(node, ast.Name) else None

    def _column(self, node: ast.expr) -> str:
        found = self._meant(node)
        assert isinstance(found, Column)
        return found.name


def _not(holds: BooleanValue) -> BooleanValue:
    """The contrary, null for null; in words that no engine reads as `NOT (holds IS NULL)` elsewhere."""
    unknown = ibis.ifelse(holds.fill_null(True), ibis.null("boolean"), ibis.literal(True))
    return ibis.ifelse(holds, ibis.literal(False), unknown)


# What an amount that is computed is called among the columns of a source.
_COMPUTED = "spend, computed"


def with_amount(
    origin: Source, spend: str, amounts: Amounts
) -> tuple[Source, str, tuple[str, ...]]:
    """A source with the column that spend names or is computed in, its name, and those computed from."""
    if spend in origin.table.columns or not re.search(r"[-+*/()`]", spend):
        return origin, spend, ()
    try:
        found = amount(spend)
    except ValueError as error:
        reason = f" As an expression, {error}."
        require_columns(origin.name, origin.table, {"spend": spend}, reason)
        raise AssertionError("a column that is there was taken for an expression") from None
    if len(found.columns) == 1 and f"`{found.columns[0]}`" == spend.strip():
        return origin, found.columns[0], ()
    number = InEngine(origin.name, "spend", found, origin.table, amounts).amount()
    table = origin.table.mutate(**{_COMPUTED: number})
    return replace(origin, table=table), _COMPUTED, found.columns
