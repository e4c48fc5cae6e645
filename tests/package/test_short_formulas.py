"""Short formulas in the place of packages that take a second to import, against those packages."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import rankdata
from statsmodels.stats.proportion import proportion_confint

from retention_models.levels import wilson_ends
from retention_models.predictions.validation.independence import _ranks


def test_wilsons_ends_are_those_of_statsmodels():
    """REF: statsmodels' proportion_confint; also of none and of all."""
    count, total = np.array([0, 1, 7, 40, 40]), np.array([3, 2, 91, 41, 40])
    expected = proportion_confint(count, total, alpha=0.05, method="wilson")
    assert wilson_ends(count, total) == pytest.approx(np.array(expected), abs=1e-12)


def test_ranks_of_equal_values_are_the_mean_of_theirs():
    """REF: scipy's rankdata."""
    values = np.random.default_rng(3).integers(0, 12, 60).astype(float)
    assert list(rankdata(values)) == list(_ranks(values))
