"""Sections of docstrings are for names that are public; inside the package one line says it."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path

import retention_models
from retention_models.pages import plots, store

PACKAGE = Path(retention_models.__file__).parent
SECTION = re.compile(r"\n *-{3,} *(\n|$)")


def public_names() -> set[tuple[str, str]]:
    """Module and dotted name of what users call: public names, and methods of public classes."""
    found = set()
    for room in (retention_models, plots, store):
        for thing in (getattr(room, name) for name in room.__all__):
            if callable(thing):
                found.add((thing.__module__, thing.__qualname__))
            if inspect.isclass(thing):
                # A method that a public class has from a base is documented there.
                bases = [base for base in thing.__mro__ if base.__module__.startswith("retention")]
                found |= {
                    (base.__module__, f"{base.__qualname__}.{name}")
                    for base in bases
                    for name in vars(base)
                    if not name.startswith("_")
                }
    return found


def documented(node: ast.AST, before: str = ""):
    """Dotted name and docstring of everything that is defined in a module."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield before + child.name, ast.get_docstring(child, clean=False) or ""
            yield from documented(child, f"{before}{child.name}.")
        else:
            yield from documented(child, before)


def test_only_public_names_have_sections_in_their_docstrings():
    """Inside, a docstring is a line, with shapes, formula and source where these are needed."""
    public, wrong = public_names(), []
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        module = ".".join(part for part in parts if part != "__init__")
        source = path.read_text(encoding="utf-8")
        # Few files have any: the others need no tree.
        for name, text in documented(ast.parse(source)) if SECTION.search(source) else ():
            if SECTION.search(text) and (module, name) not in public:
                wrong.append(f"{module}.{name}")
    assert wrong == []


def test_every_public_name_has_an_example():
    """Functions, classes and the methods of classes; the tests run what stands there."""
    without = []
    for name in retention_models.__all__:
        thing = getattr(retention_models, name)
        if not callable(thing):
            continue
        asked = [thing, *_own_methods(thing)] if inspect.isclass(thing) else [thing]
        without += [each.__qualname__ for each in asked if ">>> " not in (each.__doc__ or "")]
    assert sorted(set(without)) == []


def _own_methods(of: type) -> list:
    """Public methods of a class that are written in this package, wherever they come from."""
    found = (inspect.getattr_static(of, name) for name in dir(of) if not name.startswith("_"))
    plain = (getattr(each, "__func__", each) for each in found)
    return [
        each
        for each in plain
        if inspect.isfunction(each) and each.__module__.startswith("retention_models")
    ]
