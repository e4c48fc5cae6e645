"""lifetimes, imported without what it does to the process, and without what it does not need.

Its import changes a pandas option and the warning filters of the whole process; both are put back. Of
autograd.scipy it needs the special functions; the package would import statistics and signal
processing too, which takes longer than a small store's whole analysis. scipy's optimiser serves its
BG/BB model only.
"""

from __future__ import annotations

import warnings

import pandas as pd

from retention_models._imports import imported_when_called, submodules_first

submodules_first("autograd.scipy")
with warnings.catch_warnings(), imported_when_called("scipy.optimize", "minimize"):
    # Inside, so that what lifetimes does to the filters ends with this block; and it is 2020's code,
    # whose deprecations are not the reader's to mend.
    warnings.simplefilter("ignore")
    _chained_assignment = pd.get_option("mode.chained_assignment")
    import lifetimes
    from lifetimes import generate_data

    pd.set_option("mode.chained_assignment", _chained_assignment)

__all__ = ["generate_data", "lifetimes"]
