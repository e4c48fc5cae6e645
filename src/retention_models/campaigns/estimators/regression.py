"""The regression under every effect: each arm's mean outcome at the average customer's covariates.

Y on treatment Z, centred covariates X and their products Z·X (Lin, Annals of Applied Statistics 7
(2013), 295–318) fits each arm by itself. It is fitted here in that form, one intercept and one set
of slopes an arm; an intercept is that arm's adjusted mean, and a difference of two is the
coefficient of Z. HC2 (MacKinnon & White, Journal of Econometrics 29 (1985), 305–325) divides each
squared residual by 1 less its leverage; without covariates that is s²_T ÷ n_T + s²_C ÷ n_C exactly,
Welch's.

A campaign has a dozen outcomes on the same covariates: they share one QR factorisation an arm, which
has the leverages too, where statsmodels' OLS would decompose all arms' columns anew for each. The
numbers are its numbers, as the tests hold.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import solve_triangular

from retention_models.errors import CannotSay, DataError, SettingsError
from retention_models.languages import counted, listed

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

# Numbers in a block of rows: OpenBLAS multiplies up to 9,216 by a vector without threads.
_BLOCK = 8192


def numbers(
    name: str, values: Any, dimensions: int, rows: int | None = None, *, expected: str = "numbers"
) -> Floats:
    """Finite floats with the asked number of dimensions and rows, or an error that says where not."""
    try:
        found = np.asarray(values, dtype=float)
    except (TypeError, ValueError) as error:
        raise DataError(f"{name} holds what is no number ({error}); expected numbers.") from error
    if found.ndim != dimensions:
        raise SettingsError(
            f"{name}: expected an array of {dimensions} dimension(s); got {found.ndim}."
        )
    _check_rows(name, len(found), rows)
    refuse_rows(name, ~np.isfinite(found).all(axis=tuple(range(1, dimensions))), expected)
    return found


def refuse_rows(name: str, wrong: Flags, expected: str) -> None:
    """DataError with the first rows that are not as expected, if there are any."""
    if wrong.any():
        rows = ", ".join(str(row) for row in np.flatnonzero(wrong)[:5])
        raise DataError(
            f"{name} has {int(wrong.sum()):,} rows that do not fit, first at row {rows}; "
            f"expected {expected}."
        )


def flags(name: str, values: Any, rows: int) -> Flags:
    """Booleans from 0, 1, False and True, or an error."""
    found = numbers(name, values, 1, rows)
    refuse_rows(name, (found != 0.0) & (found != 1.0), "0 or 1 (or booleans)")
    return found == 1.0


def codes(name: str, values: Any, rows: int) -> NDArray[np.int64]:
    """Labels as whole numbers from 0, or an error where one is missing."""
    found = np.asarray(values)
    if found.ndim != 1:
        raise SettingsError(f"{name}: expected one label per unit in one dimension.")
    _check_rows(name, len(found), rows)
    missing = np.array([v is None or v != v for v in found.tolist()], dtype=bool)
    refuse_rows(name, missing, "a label for every unit")
    return np.unique(found, return_inverse=True)[1].astype(np.int64)


def qr_by_blocks(matrix: Floats) -> tuple[Floats, Floats]:
    """Q and R of a tall matrix, by blocks of rows (Demmel et al., SIAM J. Sci. Comput. 34, 2012).

    Blocks are too small for BLAS to use threads, which for so few columns wait for each other: with
    20,000 rows of 13 columns on two cores this takes 20 ms where LAPACK on the whole takes 50 to 400.
    """
    n, k = matrix.shape
    rows = max(2 * k, _BLOCK // max(k, 1))
    if n <= rows:
        return np.linalg.qr(matrix)
    padded = np.zeros((-(-n // rows) * rows, k))
    padded[:n] = matrix
    q, r = np.linalg.qr(padded.reshape(-1, rows, k))
    top, r = qr_by_blocks(r.reshape(-1, k))
    return (q @ top.reshape(-1, k, k)).reshape(-1, k)[:n], r


def full_rank(matrix: Floats) -> bool:
    """Whether no column is a sum of others, columns being brought to one scale first."""
    rows, columns = matrix.shape
    if rows < columns:
        return False
    _, r = qr_by_blocks(matrix)
    scale = np.sqrt((r**2).sum(axis=0))
    if not (scale > 0).all():
        return False
    return bool(np.linalg.matrix_rank(r / scale, tol=1e-8 * np.sqrt(columns)) == columns)


def _check_rows(name: str, got: int, expected: int | None) -> None:
    if expected is not None and got != expected:
        raise SettingsError(f"{name}: expected {expected} rows, one per unit; got {got}.")


@dataclass(frozen=True, slots=True)
class ArmLabel:
    """An arm in a refusal's places: shown by its label, unless whoever asked has a name for it."""

    label: Hashable

    def __str__(self) -> str:
        return repr(self.label)


Array = NDArray[np.float64]

# A residual whose leverage is this near 1 is no residual: its row has a parameter to itself.
_NO_RESIDUAL = 1e-8


@dataclass(frozen=True, slots=True)
class ArmDesign:
    """A test's rows as numbers: who was in which arm, what came of it, what was known before.

    Shapes: index (n,), outcome (n,), covariates (n, k), counts (G,).
    """

    labels: tuple[Hashable, ...]
    index: NDArray[np.intp]
    outcome: Array
    covariates: Array
    names: tuple[str, ...]
    counts: NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class ArmMeans:
    """Adjusted means of the arms; those of different arms are independent given the covariates.

    Shapes: means, variances (G,), freedom (G,).
    """

    means: Array
    variances: Array
    freedom: Array
    residual: float
    total: float

    def degrees_of_freedom(self, arm: int, against: int) -> float:
        """Of a difference of two arms, by Welch (1947) and Satterthwaite (1946)."""
        pair = [arm, against]
        parts = self.variances[pair]
        return float(parts.sum() ** 2 / (parts**2 / self.freedom[pair]).sum())


def read_arms(
    outcome: ArrayLike,
    arm: ArrayLike,
    covariates: ArrayLike | pd.DataFrame | None,
    control: Hashable,
) -> ArmDesign:
    """Check a test's rows.

    Shapes: outcome (n,), arm (n,), covariates (n, k) or (n,).
    """
    y = read_outcome("outcome", outcome)
    if np.shape(arm) != y.shape:
        raise SettingsError(
            f"outcome has shape {y.shape} and arm {np.shape(arm)}; expected one number and one arm "
            "a customer."
        )
    check_same_customers(outcome=outcome, arm=arm, covariates=covariates)
    # Not by NumPy, which makes a text "nan" of what is missing among texts.
    codes, found = pd.factorize(pd.Series(arm), sort=True)
    refuse_rows("arm", codes < 0, "an arm for every customer")
    arms = list(found)
    if control not in arms or len(arms) < 2:
        raise SettingsError(
            f"control is {control!r} and the arms are {arms}; expected control to be one of at "
            "least two arms."
        )
    first = arms.index(control)
    order = np.array([first, *(i for i in range(len(arms)) if i != first)])
    index = np.argsort(order)[codes]
    X, names = _columns(covariates, y.size)
    counts = np.bincount(index, minlength=len(arms))
    return ArmDesign(tuple(arms[i] for i in order), index, y, X, names, counts)


def read_outcome(name: str, values: ArrayLike) -> Array:
    """One finite number a customer, or a DataError that names the outcome and the rows."""
    return numbers(name, values, 1, expected="numbers; a customer who bought nothing has 0")


def fit_arms(arms: ArmDesign, outcome: Array | None = None) -> ArmMeans:
    """Adjusted mean of each arm with its HC2 variance.

    Shapes: outcome (n,).
    """
    return fit_outcomes(arms, (arms.outcome if outcome is None else outcome)[:, None])[0]


def fit_outcomes(arms: ArmDesign, outcomes: Array) -> tuple[ArmMeans, ...]:
    """Adjusted means of each arm for any number of outcomes, from one factorisation an arm.

    With the arm's rows X = QR, X's first column 1: β̂ = R⁻¹Q′y, leverages h_i = Σ_j Q_ij², and the
    intercept is Σ_i a_i y_i with a = Q R⁻ᵀe₁, so its HC2 variance is Σ_i a_i² ε̂_i² ÷ (1 − h_i).

    Shapes: outcomes (n, m).
    """
    groups, m = len(arms.labels), outcomes.shape[1]
    means, variances = np.empty((m, groups)), np.empty((m, groups))
    residual, total = np.zeros(m), np.zeros(m)
    for g, label in enumerate(arms.labels):
        rows = np.flatnonzero(arms.index == g)
        q, weight, leverage = _factorised(label, arms.covariates[rows], arms.names)
        y = outcomes[rows]
        total += ((y - y.mean(axis=0)) ** 2).sum(axis=0)
        within = q.T @ y
        y -= q @ within
        np.square(y, out=y)
        means[:, g] = weight @ within
        variances[:, g] = ((q @ weight) ** 2 / (1.0 - leverage)) @ y
        residual += y.sum(axis=0)
    width, n = 1 + arms.covariates.shape[1], arms.index.size
    freedom = (arms.counts - width).astype(float)
    return tuple(
        ArmMeans(
            means[k],
            variances[k],
            freedom,
            float(residual[k] / (n - width * groups)),
            float(total[k] / (n - groups)),
        )
        for k in range(m)
    )


def _columns(covariates: ArrayLike | pd.DataFrame | None, n: int) -> tuple[Array, tuple[str, ...]]:
    """Covariates as scaled columns, with their names; one that never varies is refused."""
    if covariates is None:
        return np.empty((n, 0)), ()
    if isinstance(covariates, pd.DataFrame):
        names = [str(name) for name in covariates.columns]
        if len(set(names)) < len(names):
            raise SettingsError(f"covariates has columns {names}; expected names that differ.")
        given = covariates
    else:
        values = np.asarray(covariates)
        given = pd.DataFrame(values[:, None] if values.ndim == 1 else values)
        names = [f"covariate {k}" for k in range(1, given.shape[1] + 1)]
    if len(given) != n:
        raise SettingsError(
            f"covariates have shape {given.shape}; expected a row for each of the {n:,} outcomes."
        )
    X = np.empty((n, len(names)), order="F")
    for k, name in enumerate(names):
        X[:, k] = numbers(name, given.iloc[:, k], 1, expected="numbers, known for every customer")
    centred = X - X.mean(axis=0)
    spread = centred.std(axis=0)
    constant = spread <= 1e-12 * np.abs(X).max(axis=0, initial=0.0)
    if constant.any():
        name = names[int(np.argmax(constant))]
        raise SettingsError(f"{name} is the same for every customer; leave it out.")
    return centred / spread, tuple(names)


def check_same_customers(**given: object) -> None:
    """Raise where tables label their rows differently: then rows of different customers would meet."""
    tables = {k: v for k, v in given.items() if isinstance(v, (pd.Series, pd.DataFrame))}
    for (name, one), (other, two) in pairwise(tables.items()):
        if len(one) == len(two) and not one.index.equals(two.index):
            raise SettingsError(
                f"{name} and {other} have different index labels, or in another order; expected "
                "the same customers in the same order. Reindex one by the other."
            )


def _factorised(label: Hashable, X: Array, names: tuple[str, ...]) -> tuple[Array, Array, Array]:
    """Q of an arm's rows with a constant, R⁻ᵀe₁, and leverages; or why the rows do not carry them."""
    n, k = X.shape
    if n < k + 2:
        raise CannotSay(
            "The arm {arm} has {n}, too few for a mean with {covariates}. Include more customers, or "
            "fewer covariates.",
            arm=ArmLabel(label),
            n=counted(n, "customer"),
            covariates=counted(k, "covariate"),
        )
    design = np.ones((n, 1 + k))
    design[:, 1:] = X
    q, r = qr_by_blocks(design)
    if np.abs(np.diag(r)).min() <= 1e-9 * np.sqrt(n):
        raise CannotSay(
            "In the arm {arm} the covariates {names} do not vary apart from each other. Leave out the "
            "one that repeats the others.",
            arm=ArmLabel(label),
            names=listed(names),
        )
    leverage = np.einsum("ij,ij->i", q, q)
    if leverage.max() > 1.0 - _NO_RESIDUAL:
        raise CannotSay(
            "In the arm {arm} one customer alone decides the slope of a covariate, of {names}. Leave "
            "out what only one customer has.",
            arm=ArmLabel(label),
            names=listed(names),
        )
    return q, solve_triangular(r, np.eye(1 + k)[0], trans="T"), leverage
