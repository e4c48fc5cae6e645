"""lifetimes, imported without what it does to the process.

Its import changes a pandas option and the warning filters of the whole process; both are put back.
"""

from __future__ import annotations

import warnings

import pandas as pd

with warnings.catch_warnings():
    # Inside, so that what lifetimes does to the filters ends with this block; and it is 2020's code,
    # whose deprecations are not the reader's to mend.
    warnings.simplefilter("ignore")
    _chained_assignment = pd.get_option("mode.chained_assignment")
    import lifetimes
    from lifetimes import generate_data

    pd.set_option("mode.chained_assignment", _chained_assignment)

__all__ = ["generate_data", "lifetimes"]
