"""Checks of what goes into a fit; every error names the argument and the first bad rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from retention_models.errors import SettingsError

Array = NDArray[np.float64]


def checked_history(
    frequency: Any, recency: Any, T: Any, weights: Any
) -> tuple[Array, Array, Array, Array | None]:
    """Histories as float arrays, counts None for one each; or an error that names the bad rows."""
    x, t_x, t = _columns(frequency=frequency, recency=recency, T=T)
    labels = _labels(frequency, x.size)
    counts = _counts(weights, x.size, labels)
    # Minima and maxima say that all is well faster than masks that say where it is not.
    ordered = x.min() >= 0 and t_x.min() >= 0 and np.all(t_x <= t)
    if ordered and np.array_equal(np.rint(x), x) and not np.any((t_x > 0) & (x == 0)):
        return x, t_x, t, counts
    _refuse(x < 0, "frequency", x, "0 or more repeat purchases", labels)
    _refuse(x != np.floor(x), "frequency", x, "a whole number", labels)
    _refuse(t_x < 0, "recency", t_x, "0 or more", labels)
    _refuse(t_x > t, "recency", t_x, "no more than T", labels)
    _refuse((x == 0) & (t_x != 0), "recency", t_x, "0 where frequency is 0", labels)
    return x, t_x, t, counts


def checked_spend(
    frequency: Any, monetary_value: Any, weights: Any
) -> tuple[Array, Array, Array | None]:
    """Spends as float arrays, counts None for one each; or an error that names the bad rows."""
    x, m = _columns(frequency=frequency, monetary_value=monetary_value)
    labels = _labels(frequency, x.size)
    counts = _counts(weights, x.size, labels)
    if x.min() >= 1 and m.min() > 0 and np.array_equal(np.rint(x), x):
        return x, m, counts
    _refuse(
        x < 1,
        "frequency",
        x,
        "1 or more; leave customers without a repeat purchase out of this fit",
        labels,
    )
    _refuse(x != np.floor(x), "frequency", x, "a whole number", labels)
    _refuse(m <= 0, "monetary_value", m, "a mean spend above 0", labels)
    return x, m, counts


def check_rate(rate: float, horizon: float, *, converges: bool = False) -> None:
    """Refuse a discount rate below 0, or of 0 where a sum over all the future is infinite."""
    least = 0.0 if np.isfinite(horizon) or converges else np.finfo(float).tiny
    if not rate >= least:
        raise SettingsError(
            "rate: expected a discount rate of 0 or more per unit of T, and above 0 over an endless "
            f"horizon; got {rate:g}."
        )


def _columns(**given: Any) -> list[Array]:
    arrays: dict[str, Array] = {}
    for name, value in given.items():
        try:
            arrays[name] = np.asarray(value, dtype=float)
        except (TypeError, ValueError) as error:
            raise SettingsError(f"{name}: expected numbers ({error}).") from None
        if arrays[name].ndim != 1:
            raise SettingsError(f"{name}: expected one value per customer in one dimension.")
    sizes = {name: array.size for name, array in arrays.items()}
    if len(set(sizes.values())) > 1:
        raise SettingsError(f"Expected inputs of one length; got {sizes}.")
    if not next(iter(sizes.values())):
        raise SettingsError(f"{', '.join(sizes)}: there are no customers to fit a model to.")
    for name, array in arrays.items():
        # Infinities and missing values outlive a sum, which needs no mask.
        if np.isfinite(array.sum()):
            continue
        labels = _labels(next(iter(given.values())), array.size)
        _refuse(~np.isfinite(array), name, array, "a finite number", labels)
    return list(arrays.values())


def _labels(source: Any, size: int) -> Any:
    index = getattr(source, "index", None)
    return range(size) if index is None or callable(index) else index


def _refuse(bad: NDArray[np.bool_], name: str, values: Array, expected: str, labels: Any) -> None:
    rows = np.flatnonzero(bad)
    if rows.size:
        shown = ", ".join(f"{labels[i]!r}: {values[i]:g}" for i in rows[:5])
        raise SettingsError(
            f"{name}: expected {expected}; {rows.size} of {values.size} rows are not "
            f"(first: {shown})."
        )


def _counts(weights: Any, size: int, labels: Any) -> Array | None:
    if weights is None:
        return None
    (counts,) = _columns(weights=weights)
    if counts.size != size:
        raise SettingsError(f"weights: expected {size} values, one per row; got {counts.size}.")
    _refuse(counts <= 0, "weights", counts, "a number of customers above 0", labels)
    return counts
