"""Which customer of a campaign is in which arm, and since when."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Arms:
    """The arms of a campaign's customers.

    Attributes
    ----------
    arm : ndarray of str, shape (n,)
    assigned_at : ndarray of date, shape (n,)
        None for controls that are not in the assignments.
    in_two : int
        Customers whom the assignments put into more than one arm.
    derived : int
        Controls who are not in the assignments.
    """

    arm: NDArray[np.object_]
    assigned_at: NDArray[np.object_]
    in_two: int
    derived: int

    def counts(self) -> dict[str, int]:
        """Customers by arm, sorted."""
        return {
            str(arm): int(n) for arm, n in pd.Series(self.arm).value_counts().sort_index().items()
        }
