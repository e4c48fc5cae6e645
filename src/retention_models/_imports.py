"""Imports of packages without the parts that are not needed: a small store's analysis takes less time.

Whoever uses such a package otherwise finds the whole of it.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec, module_from_spec
from types import ModuleType
from typing import Any


def submodules_first(package: str) -> None:
    """Let submodules of a package be imported before the package's own imports.

    Those follow as soon as a name of the package is asked for that is not there yet.

    >>> submodules_first("xml.etree")
    >>> import xml.etree.ElementTree
    """
    spec = None if package in sys.modules else find_spec(package)
    if spec is None or spec.loader is None:
        return
    module, loader = module_from_spec(spec), spec.loader

    def rest(name: str) -> Any:
        del module.__dict__["__getattr__"]
        loader.exec_module(module)
        return getattr(module, name)

    module.__dict__["__getattr__"] = rest
    sys.modules[package] = module
    outer, _, inner = package.rpartition(".")
    setattr(sys.modules[outer], inner, module)


@contextmanager
def imported_when_called(module: str, function: str) -> Iterator[None]:
    """Let a function be imported from a module that is itself imported when the function is called.

    >>> with imported_when_called("colorsys", "rgb_to_hsv"):
    ...     from colorsys import rgb_to_hsv
    >>> rgb_to_hsv(0, 0, 1)[2]
    1
    """
    if module in sys.modules:
        yield
        return
    stand_in = ModuleType(module)

    def called(*args: Any, **kwargs: Any) -> Any:
        real: Callable[..., Any] = getattr(importlib.import_module(module), function)
        return real(*args, **kwargs)

    setattr(stand_in, function, called)
    sys.modules[module] = stand_in
    try:
        yield
    finally:
        del sys.modules[module]


@contextmanager
def left_out(module: str) -> Iterator[None]:
    """Let packages find that a module which they can do without is not installed.

    >>> with left_out("a_module_of_others"):
    ...     "a_module_of_others" in sys.modules
    True
    """
    if module in sys.modules:
        yield
        return
    sys.modules[module] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[module]
