"""lifetimes, imported without what it does to the process, and without what it does not need.

Its import changes a pandas option and the warning filters of the whole process; both are put back. Of
autograd.scipy it needs the special functions; the package would import statistics and signal
processing too, which takes longer than a small store's whole analysis.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import pandas as pd

_PACKAGE = "autograd.scipy"


@contextmanager
def _submodules_only() -> Iterator[None]:
    """Let submodules of a package be imported without the package's own imports."""
    outer = find_spec("autograd")
    if _PACKAGE in sys.modules or outer is None:
        yield
        return
    stand_in = ModuleType(_PACKAGE)
    stand_in.__path__ = [
        str(Path(folder) / "scipy") for folder in outer.submodule_search_locations or ()
    ]
    sys.modules[_PACKAGE] = stand_in
    try:
        yield
    finally:
        # Whoever imports the package later gets the whole of it.
        del sys.modules[_PACKAGE]


with warnings.catch_warnings(), _submodules_only():
    # Inside, so that what lifetimes does to the filters ends with this block; and it is 2020's code,
    # whose deprecations are not the reader's to mend.
    warnings.simplefilter("ignore")
    _chained_assignment = pd.get_option("mode.chained_assignment")
    import lifetimes
    from lifetimes import generate_data

    pd.set_option("mode.chained_assignment", _chained_assignment)

__all__ = ["generate_data", "lifetimes"]
