"""Imports of packages without the parts that are not needed: a small store's analysis takes less time.

Whoever uses such a package otherwise finds the whole of it.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec, module_from_spec
from time import monotonic
from types import FunctionType, ModuleType
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


# Between the list of a module's names and the question about the last: what a completer takes, and more.
_SECONDS = 0.3


def listed_without_loading(
    waiting: Iterable[str], load: Callable[[str], Any], *, there: Iterable[str] = ()
) -> type[ModuleType]:
    """Class of a module some of whose names are loaded when they are used, but not when they are listed.

    A completer lists a module's names, then asks of what type each is, which would load all of them.
    Of a property it reads what its function says to return; so a name is one until it is used or set,
    and has such a function just after a list. Asked about alone, a name is loaded, for it to see.

    >>> module = ModuleType("a_module")
    >>> module.__class__ = listed_without_loading(["answer"], lambda name: f"the {name}")
    >>> dir(module), vars(module).get("answer"), module.answer, vars(module).get("answer")
    (['answer'], None, 'the answer', 'the answer')
    """
    names = sorted([*waiting, *there])

    class Listed(ModuleType):
        """A module, some of whose names wait to be used."""

        def __dir__(self) -> list[str]:
            _Waiting.listed_at = monotonic()
            return names

    for name in waiting:
        setattr(Listed, name, _Waiting(name, load, Listed))
    return Listed


class _Waiting(property):
    """A name of a module that nobody has used yet."""

    listed_at: float = -_SECONDS

    def __init__(self, name: str, load: Callable[[str], Any], listed: type[ModuleType]) -> None:
        super().__init__(self._use, self._keep)
        self._name, self._load, self._listed = name, load, listed

    def _use(self, module: ModuleType) -> Any:
        found = self._load(self._name)
        self._keep(module, found)
        return found

    def _keep(self, module: ModuleType, found: Any) -> None:
        vars(module)[self._name] = found
        with suppress(AttributeError):  # another thread was as quick
            delattr(self._listed, self._name)

    @property
    def fget(self) -> Callable[[Any], Any] | None:  # type: ignore[override]
        """What completers take for its function; `_use` is called all the same."""
        return _told_of_all if monotonic() - self.listed_at < _SECONDS else None


def _told_of_all(module: ModuleType) -> Any:
    """What every name is taken for that is listed and not used yet."""


_told_of_all.__annotations__["return"] = FunctionType  # completers do not look up a text here
