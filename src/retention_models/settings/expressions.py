"""Amounts and conditions over columns, as a project file writes them: read, checked, never run.

An amount is arithmetic (``Quantity * UnitPrice``), a condition compares (``Country = 'Germany' and
Quantity > 0``). A column is named as it is, or in backquotes where its name holds a blank; a text
stands in single quotes. What is read is a tree of a few kinds of nodes, which the engine of the data is
told in its own words.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

# Longer than anybody writes, and too short to bring a parser to its knees.
_LONGEST = 1_000

_TOKEN = re.compile(
    r"""\s*(?:
    '(?P<text>(?:[^']|'')*)'
    | `(?P<quoted>[^`]+)`
    | (?P<number>\d+(?:\.\d+)?)(?![\w.])
    | (?P<word>[^\W\d]\w*)
    | (?P<mark><=|>=|<>|!=|==|[-+*/()=<>,])
    )""",
    re.VERBOSE,
)
_KEYWORDS = {"and", "or", "not", "in"}
_TRUTH = {"true": True, "false": False}
# As SQL writes them, and as Python's parser reads them.
_MARKS = {"=": "==", "<>": "!="}

ARITHMETIC = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}
COMPARISONS = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
}
MEMBERSHIP = {ast.In: True, ast.NotIn: False}


@dataclass(frozen=True)
class Column:
    """A column that an expression names."""

    name: str


@dataclass(frozen=True)
class Expression:
    """A checked tree, whose names stand for columns, texts and truth values."""

    text: str  # as it was written
    tree: ast.expr = field(repr=False)  # nodes of the allowed kinds only
    # what each name in the tree stands for
    meant: dict[str, Column | str | bool] = field(repr=False)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns, each once, in the order in which they stand."""
        names = [found.name for found in self.meant.values() if isinstance(found, Column)]
        return tuple(dict.fromkeys(names))


def amount(text: str) -> Expression:
    """Read an amount: columns and numbers, + - * / and brackets; ValueError for more."""
    found = _parsed(text)
    if not _is_amount(found.tree, found) or not found.columns:
        raise ValueError(
            f'"{text}" is not arithmetic over columns: expected columns, numbers, + - * / and brackets, '
            "such as Quantity * UnitPrice; a column with a blank in its name stands in backquotes"
        )
    return found


def condition(text: str) -> Expression:
    """Read a condition: comparisons of columns, joined by and, or, not; lists by in."""
    found = _parsed(text)
    if not _is_condition(found.tree, found):
        raise ValueError(
            f'"{text}" is not a condition: expected comparisons (=, <>, <, <=, >, >=, in) of a column, '
            "joined by and, or, not, such as Country = 'Germany' and Quantity > 0"
        )
    return found


def _parsed(text: str) -> Expression:
    if len(text) > _LONGEST:
        raise ValueError(f"it is longer than {_LONGEST:,} characters")
    meant: dict[str, Column | str | bool] = {}
    words = " ".join(_words(text, meant))
    try:
        tree = ast.parse(words, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ValueError(
            f'"{text}" cannot be read: expected columns (in backquotes where a name holds a blank), '
            "numbers and texts in single quotes, with operators between them and brackets in pairs"
        ) from None
    return Expression(text, tree, meant)


def _words(text: str, meant: dict[str, Column | str | bool]) -> Iterator[str]:
    """The text in words for the parser; whatever could mean something to Python is a name of ours."""
    place, end = 0, len(text.rstrip())
    while place < end:
        found = _TOKEN.match(text, place)
        if found is None:
            raise ValueError(
                f'"{text}": {text[place:].strip()[:1]!r} has no meaning here; texts stand in single '
                "quotes, columns with a blank in their name in backquotes"
            )
        place = found.end()
        word = found["word"]
        if found["number"] or found["mark"]:
            mark = found["number"] or found["mark"]
            yield _MARKS.get(mark, mark)
        elif word and word.lower() in _KEYWORDS:
            yield word.lower()
        else:
            name = f"_{len(meant)}"
            if found["text"] is not None:
                meant[name] = found["text"].replace("''", "'")
            elif word and word.lower() in _TRUTH:
                meant[name] = _TRUTH[word.lower()]
            else:
                meant[name] = Column(word or found["quoted"])
            yield name


def _is_amount(node: ast.expr, found: Expression) -> bool:
    match node:
        case ast.BinOp(left, op, right):
            both = _is_amount(left, found) and _is_amount(right, found)
            return type(op) in ARITHMETIC and both
        case ast.UnaryOp(ast.USub() | ast.UAdd(), operand):
            return _is_amount(operand, found)
        case ast.Name(name):
            return isinstance(found.meant[name], Column)
        case ast.Constant(value):
            return isinstance(value, int | float)
    return False


def _is_condition(node: ast.expr, found: Expression) -> bool:
    match node:
        case ast.BoolOp(_, values):
            return all(_is_condition(value, found) for value in values)
        case ast.UnaryOp(ast.Not(), operand):
            return _is_condition(operand, found)
        case ast.Compare(left, [op], [right]) if type(op) in MEMBERSHIP:
            items = right.elts if isinstance(right, ast.Tuple) else [right]
            return isinstance(_meant(left, found), Column) and _are_alike(items, found)
        case ast.Compare(left, [op], [right]) if type(op) in COMPARISONS:
            return _compares(left, right, found) or _compares(right, left, found)
    return False


def _compares(one: ast.expr, other: ast.expr, found: Expression) -> bool:
    """Whether a column stands against a text or truth value, or an amount against an amount."""
    if isinstance(_meant(other, found), str | bool):
        return isinstance(_meant(one, found), Column)
    return _is_amount(one, found) and _is_amount(other, found)


def _are_alike(items: list[ast.expr], found: Expression) -> bool:
    """Whether a list holds texts only, or numbers only."""
    texts = [isinstance(_meant(item, found), str) for item in items]
    numbers = [isinstance(item, ast.Constant) for item in items]
    return bool(items) and (all(texts) or all(numbers))


def _meant(node: ast.expr, found: Expression) -> Column | str | bool | None:
    return found.meant[node.id] if isinstance(node, ast.Name) else None
