"""Checks of what goes into a fit; every error names the argument and the first bad rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from retention_models.errors import SettingsError
from retention_models.time_units import NAME_OF_UNIT

Array = NDArray[np.float64]


# No customer is known, nor looked ahead for, so many units of time.
_LONGEST = 1e9


def aligned(first: Any, *others: Any, names: str) -> list[Any]:
    """Series in the order of the first one's index; what has no index stays by position.

    `names` are all columns' names, with spaces between.
    """
    found = [first]
    leading, *following = names.split()
    for name, other in zip(following, others, strict=True):
        both = isinstance(first, pd.Series) and isinstance(other, pd.Series)
        if not both or first.index.equals(other.index):
            found.append(other)
            continue
        same = first.index.is_unique and other.index.is_unique and len(first) == len(other)
        if not (same and first.index.isin(other.index).all()):
            lacking = first.index[~first.index.isin(other.index)].tolist()
            told = (
                f"{len(lacking)} rows are missing, the first {lacking[0]!r}"
                if lacking
                else ("its rows are more, or some are there twice")
            )
            raise SettingsError(
                f"{name}: its index does not match that of {leading}: {told}. Give both of one table, "
                "or arrays, which are taken by position."
            )
        found.append(other.reindex(first.index))
    return found


def aligned_history(frequency: Any, recency: Any, T: Any, weights: Any) -> list[Any]:
    """Columns of histories and the number of customers with each, in the order of frequency's index."""
    return aligned(frequency, recency, T, weights, names="frequency recency T weights")


def customers_to_predict(frequency: Any, recency: Any, T: Any) -> tuple[Array, Array, Array]:
    """Histories of any shape as float arrays; or an error that names the bad column and rows."""
    frequency, recency, T = aligned(frequency, recency, T, names="frequency recency T")
    given = {"frequency": frequency, "recency": recency, "T": T}
    arrays = {name: _floats(name, value) for name, value in given.items()}
    try:
        x, t_x, t = np.broadcast_arrays(*arrays.values())
    except ValueError:
        sizes = {name: array.size for name, array in arrays.items()}
        raise SettingsError(f"Expected inputs of one length; got {sizes}.") from None
    if x.size and not (
        x.min() >= 0
        and t_x.min() >= 0
        and np.all(t_x <= t)
        and t.max() <= _LONGEST
        and np.isfinite(x.max())
    ):
        labels = _labels(frequency, x.size)
        for name, values in zip(arrays, (x, t_x, t), strict=True):
            _refuse(~np.isfinite(values.ravel()), name, values.ravel(), "a finite number", labels)
        x, t_x, t = x.ravel(), t_x.ravel(), t.ravel()
        _refuse(x < 0, "frequency", x, "0 or more repeat purchases", labels)
        _refuse(t_x < 0, "recency", t_x, "0 or more", labels)
        _refuse(t_x > t, "recency", t_x, "no more than T", labels)
        _refuse(t > _LONGEST, "T", t, f"no more than {_LONGEST:g} units of time", labels)
    return arrays["frequency"], arrays["recency"], arrays["T"]


def checked_horizon(t: Any) -> Array:
    """Lengths of time to look ahead, refused below 0 or where they are no length of any time."""
    times = _floats("t", t)
    if times.size and not (times.min() >= 0 and times.max() <= _LONGEST):
        bad = times[~((times >= 0) & (times <= _LONGEST))].flat[0]
        raise SettingsError(
            f"t: expected lengths of time from 0 to {_LONGEST:g} units to look ahead; got {bad:g}."
        )
    return times


def horizon_of(t: Any, frequency: Any, size: int) -> Array:
    """Lengths of time to look ahead, one or one a customer, in the order of frequency's index."""
    _, t = aligned(frequency, t, names="frequency t")
    times = checked_horizon(t)
    if times.ndim == 1 and times.size not in (1, size) and np.ndim(frequency) < 2 and size != 1:
        raise SettingsError(
            f"t: expected one length of time, or one for each of {size} customers; got {times.size}."
        )
    return times


def checked_counts(n: Any) -> Array:
    """Numbers of purchases to ask the probability of; refused where they are no whole numbers."""
    counts = _floats("n", n)
    if counts.size and not np.array_equal(np.floor(counts), counts):
        bad = counts[~(np.floor(counts) == counts)].flat[0]
        raise SettingsError(f"n: expected whole numbers of purchases; got {bad:g}.")
    return counts


def checked_money(frequency: Any, monetary_value: Any) -> Array:
    """Mean spends of known customers; NaN where there is none, refused where they are no money.

    Who came back and spent nothing, or less, told nothing of the next purchase: NaN as well.
    """
    x, m = _floats("frequency", frequency), _floats("monetary_value", monetary_value)
    if m.ndim == 1:
        _refuse(
            np.isinf(m), "monetary_value", m, "a finite number", _labels(monetary_value, m.size)
        )
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where((x > 0) & (m <= 0), np.nan, m))


def require_counted(frequency: Any, recency: Any) -> None:
    """Refuse summaries whose frequency is no count, or 0 with a last purchase after the first."""
    x, t_x = np.asarray(frequency, dtype=float), np.asarray(recency, dtype=float)
    labels = _labels(frequency, x.size)
    _refuse(x != np.floor(x), "frequency", x, "a whole number", labels)
    _refuse((x == 0) & (t_x != 0), "recency", t_x, "0 where frequency is 0", labels)


def require_unit(expected: str | None, got: str | None, what: str) -> None:
    """Refuse two units of time that are both known and differ."""
    if expected is not None and got is not None and expected != got:
        named = {unit: f"{NAME_OF_UNIT.get(unit, unit)}s ({unit!r})" for unit in (expected, got)}
        raise SettingsError(
            f"time_unit: the model was fitted in {named[expected]}, {what} is in {named[got]}; "
            "use one unit for both."
        )


def unit_told(*columns: Any) -> str | None:
    """The unit of time that a column's attrs tell, if any does."""
    for column in columns:
        unit: str | None = getattr(column, "attrs", {}).get("time_unit")
        if unit is not None:
            return unit
    return None


def _floats(name: str, value: Any) -> Array:
    # Truths, days and lengths of time would turn into numbers of nobody's unit.
    if getattr(getattr(value, "dtype", None), "kind", "f") in "bmM":
        raise SettingsError(f"{name}: expected numbers; got {value.dtype}.")
    try:
        return np.asarray(value, dtype=float)
    except (TypeError, ValueError) as error:
        raise SettingsError(f"{name}: expected numbers ({error}).") from None


def checked_history(
    frequency: Any, recency: Any, T: Any, weights: Any
) -> tuple[Array, Array, Array, Array | None]:
    """Histories as float arrays, counts None for one each; or an error that names the bad rows."""
    frequency, recency, T, weights = aligned_history(frequency, recency, T, weights)
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
    frequency, monetary_value, weights = aligned(
        frequency, monetary_value, weights, names="frequency monetary_value weights"
    )
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
        arrays[name] = _floats(name, value)
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
