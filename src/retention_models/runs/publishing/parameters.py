"""Parameters against the cell of the notebook that declares them, before anything runs."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Mapping
from pathlib import Path

import nbformat

from retention_models.errors import SettingsError
from retention_models.settings.reports import RUN_PARAMETERS

Value = bool | int | float | str

_TYPES: dict[str, type] = {"bool": bool, "int": int, "float": float, "str": str}
_NAMES = {bool: "true or false", int: "a whole number", float: "a number", str: "text in quotes"}


def check_parameters(notebook: Path, given: Mapping[str, Value]) -> None:
    """Refuse parameters that a notebook does not have, lacks, or has with another type.

    A parameter's type is that of its annotation, or else of the value that it has in the cell tagged
    ``parameters``; a whole number will do for a number. One without a value has to be given.
    """
    declared = _declared(notebook)
    mistakes = [_unknown(name, declared) for name in given if name not in declared]
    mistakes += [
        f"the notebook has no parameter {name}, which every run gives it; add {name} = "
        '"" to its parameters cell'
        for name in RUN_PARAMETERS
        if name not in declared
    ]
    everything: dict[str, Value] = {**given, **dict.fromkeys(RUN_PARAMETERS, "")}
    for name, (expected, has_value) in declared.items():
        if name in everything:
            mistakes += _wrong_type(name, expected, everything[name])
        elif not has_value:
            mistakes.append(f"{name} is missing: the notebook has no value for it")
    if mistakes:
        lines = "".join(f"\n  - {mistake}" for mistake in mistakes)
        raise SettingsError(f"reports.parameters do not fit {notebook.name}:{lines}")


def _declared(notebook: Path) -> dict[str, tuple[type | None, bool]]:
    """Name → type (None for any) and whether it has a value, of every parameter."""
    try:
        content = nbformat.read(notebook, as_version=4)
    except (nbformat.reader.NotJSONError, nbformat.ValidationError, ValueError) as error:
        raise SettingsError(f"{notebook}: not a Jupyter notebook ({error}).") from None
    cells = [
        cell.source
        for cell in content.cells
        if cell.cell_type == "code" and "parameters" in cell.metadata.get("tags", [])
    ]
    if len(cells) != 1:
        raise SettingsError(
            f"{notebook}: expected one code cell tagged “parameters”; got {len(cells)}. In "
            "JupyterLab, tags stand in the property inspector."
        )
    try:
        statements = ast.parse(cells[0]).body
    except SyntaxError as error:
        raise SettingsError(f"{notebook}: its parameters cell is not Python: {error}.") from None
    found: dict[str, tuple[type | None, bool]] = {}
    for statement in statements:
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            hint = statement.annotation
            named = _TYPES.get(hint.id) if isinstance(hint, ast.Name) else None
            kind = named or _type_of(statement.value)
            found[statement.target.id] = kind, statement.value is not None
        elif isinstance(statement, ast.Assign):
            for target in statement.targets:
                if isinstance(target, ast.Name):
                    found[target.id] = _type_of(statement.value), True
    return found


def _type_of(value: ast.expr | None) -> type | None:
    if isinstance(value, ast.UnaryOp) and isinstance(value.op, ast.USub | ast.UAdd):
        value = value.operand
    kind = type(value.value) if isinstance(value, ast.Constant) else None
    return kind if kind in _NAMES else None


def _wrong_type(name: str, expected: type | None, value: Value) -> list[str]:
    fits = expected is None or type(value) is expected
    if fits or (expected is float and type(value) is int):
        return []
    got = "text" if name in RUN_PARAMETERS else repr(value)
    return [f"{name}: expected {_NAMES[expected or str]}; got {got}"]


def _unknown(name: str, declared: Mapping[str, object]) -> str:
    own = [known for known in declared if known not in RUN_PARAMETERS]
    near = difflib.get_close_matches(name, own, n=1, cutoff=0.6)
    hint = f"did you mean {near[0]}?" if near else f"it has {', '.join(own) or 'none of its own'}"
    return f"{name!r}: the notebook has no such parameter; {hint}"
