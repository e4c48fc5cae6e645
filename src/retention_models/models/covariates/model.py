"""The BG/NBD model with static covariates: what a fit of it tells, and its predictions.

Customer i has covariates z_i, known from the start and constant, and the BG/NBD parameters

    r,  α_i = α0 · exp(−γ1'z_i),  a_i = a0 · exp(γ2'z_i),  b_i = b0 · exp(γ3'z_i).

So one unit more of a covariate multiplies the mean purchase rate r/α by exp(γ1), and the odds of
the mean dropout probability a/(a+b) by exp(γ2 − γ3). Where γ2 and γ3 are equal the mean dropout is
the same, and only its spread over customers differs, however large they are.

Dropout is per purchase: of two groups with the same mean dropout, the one that buys more often is
gone sooner.

Source: Fader & Hardie (2007), "Incorporating time-invariant covariates into the Pareto/NBD and
BG/NBD models", note 019. Given covariates, everything else is the BG/NBD model, see `bg_nbd`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import NoReturn

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, ndtr

from retention_models.errors import SettingsError
from retention_models.levels import check_interval, z_of_interval
from retention_models.models.bg_nbd import BG_NBD
from retention_models.models.covariates.likelihood import log_parameters
from retention_models.models.histories import distinct_rows
from retention_models.models.maximum_likelihood import MaximumLikelihoodFit

Array = NDArray[np.float64]

EFFECTS = ("purchase_rate", "a", "b", "dropout_log_odds", "mean_rate", "mean_dropout")
_COLUMNS = ("effect", "se", "low", "high", "pvalue", "note")
_Row = tuple[float, float, float, float, float, str]
# Where the model is as its limits in eight digits, and its formulas begin to lose theirs.
_LIMIT = float(np.log(1e8))
# A log-parameter with this standard error may be anything; more would only overflow.
_NOT_TOLD = 8.0
# A change of a probability with this standard error may be anything.
_UNKNOWN = 0.5
_TOO_WIDE = (
    f"its standard error is above {_UNKNOWN}, so the change of the probability may be anything"
)


@dataclass(frozen=True, slots=True)
class CovariateFit:
    """A fitted BG/NBD model with k covariates.

    `base` has r, α0, a0, b0, the parameters of customers whose covariates are all 0, who need not
    exist; its log-likelihood, AIC, BIC and verdict are those of the whole model.
    """

    names: tuple[str, ...]
    base: MaximumLikelihoodFit
    # (4 + 3k,): ln r, ln α0, ln a0 (−∞ where no dropout is visible), ln b0, γ1, γ2, γ3 as given
    phi: Array = field(repr=False)
    # (4 + 3k, m), root @ root.T is phi's covariance; huge along directions that data do not tell
    root: Array = field(repr=False)
    # (4, k), whether the data do not tell γ1, γ2, γ3, γ2 − γ3 of each covariate
    untold: NDArray[np.bool_] = field(repr=False)
    # (2, k), values between which the change of the mean dropout is reported
    reference: Array = field(repr=False)
    centre: Array = field(repr=False)  # (k,), mean covariates, at which others are held meanwhile

    @property
    def coefficients(self) -> Array:
        """γ1, γ2, γ3, shape (3, k)."""
        return self.phi[4:].reshape(3, -1)

    @property
    def covariance(self) -> Array:
        """Covariance of phi, the inverse of the observed information."""
        return np.asarray(self.root @ self.root.T)

    @property
    def verdict(self) -> str:
        """Verdict on the whole model, as of a `MaximumLikelihoodFit`."""
        return self.base.verdict

    @property
    def message(self) -> str:
        """The verdict in words."""
        return self.base.message

    @property
    def customers(self) -> float:
        """Number of customers."""
        return self.base.customers

    @property
    def log_likelihood(self) -> float:
        """Plain log-likelihood of the whole model."""
        return self.base.log_likelihood

    @property
    def aic(self) -> float:
        """Akaike's information criterion of the whole model."""
        return self.base.aic

    @property
    def bic(self) -> float:
        """Bayesian information criterion of the whole model."""
        return self.base.bic

    @property
    def parameters(self) -> NoReturn:
        """Refused: no one set of r, α, a, b is every customer's."""
        self._refuse()

    def draws(self, size: int, rng: np.random.Generator) -> NoReturn:
        """Refused: no one set of r, α, a, b is every customer's."""
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise SettingsError(
            f"This model was fitted with covariates ({', '.join(self.names)}), so its parameters "
            "differ between customers; ask for a prediction that takes covariates, or fit it "
            "without."
        )

    def customer_parameters(self, Z: Array) -> tuple[float, Array, Array, Array]:
        """r, and α, a, b, (n,) each, of customers with covariates Z, (n, k).

        Of a customer next to a limit of the model (r or a + b beyond 1e8, or a + b below 1e-8)
        those of one so close to it that eight digits of any prediction are the same.
        """
        log_r, log_alpha, log_a, log_b = log_parameters(self.phi, Z)
        log_total = np.logaddexp(log_a, log_b)
        towards = np.clip(log_total, -_LIMIT, _LIMIT) - log_total
        slower = np.minimum(_LIMIT - log_r, 0.0)
        return (
            float(np.exp(log_r + slower)[0]),
            np.exp(log_alpha + slower),
            np.exp(log_a + towards),
            np.exp(log_b + towards),
        )

    def fit_of(self, z: Array) -> MaximumLikelihoodFit:
        """The BG/NBD of customers with covariates z, shape (k,), with the doubt of all coefficients."""
        r, alpha, a, b = self.customer_parameters(z[None, :])
        k = len(self.names)
        by_phi = np.zeros((4, self.phi.size))
        by_phi[:, :4] = np.eye(4)
        for row, (first, sign) in enumerate([(4, -1.0), (4 + k, 1.0), (4 + 2 * k, 1.0)], start=1):
            by_phi[row, first : first + k] = sign * z
        values, axes = np.linalg.eigh(by_phi @ self.covariance @ by_phi.T)
        covariance = (axes * np.clip(values, 0.0, _NOT_TOLD**2)) @ axes.T
        parameters = np.array([r, alpha[0], a[0], b[0]])
        return replace(self.base, parameters=parameters, log_covariance=covariance)

    def probability_alive(self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike, Z: Array) -> Array:
        """P(alive) of customers with history (x, t_x, T) and covariates Z, (n, k); see `bg_nbd`."""
        return BG_NBD.probability_alive(x, t_x, T, *self.customer_parameters(Z))

    def expected_purchases(
        self, t: ArrayLike, x: ArrayLike, t_x: ArrayLike, T: ArrayLike, Z: Array
    ) -> Array:
        """Expected purchases in (T, T + t] of customers with a history and covariates Z, (n, k)."""
        x, t, T = np.broadcast_arrays(*(np.atleast_1d(np.asarray(v, float)) for v in (x, t, T)))
        # The expectation of whoever is alive does not depend on recency: few rows are distinct.
        (t_, x_, T_, *columns), row = distinct_rows(t, x, T, *Z.T)
        r, alpha, a, b = self.customer_parameters(np.stack(columns, axis=1))
        of_alive = BG_NBD.expected_purchases(t_, *BG_NBD.alive_as_new(x_, T_, r, alpha, a, b))
        return np.asarray(self.probability_alive(x, t_x, T, Z) * of_alive[row])

    def effects(self, interval: float = 0.95) -> pd.DataFrame:
        """What each covariate changes, with intervals and p-values.

        By (covariate, parameter): effect, se, low, high, pvalue and note. No effect is 0 in every
        row, and pvalue is Wald's test of that. Per unit of the covariate:

        - purchase_rate, a, b: γ1, γ2, γ3, as they stand in the model.
        - dropout_log_odds: γ2 − γ3, by which the log-odds of the mean dropout a/(a+b) change.
        - mean_rate: relative change of the mean purchase rate r/α, exp(γ1) − 1; its interval is
          γ1's.
        - mean_dropout: change of the mean dropout probability a/(a+b), by the delta method: of a
          covariate of 0 and 1 from 0 to 1, of others from their mean to one unit more, the rest at
          their means.

        Where the data do not tell an effect its numbers are missing and the note says why.
        """
        check_interval(interval)
        z = z_of_interval(interval)
        rows = [row for k in range(len(self.names)) for row in self._effects_of(k, z)]
        index = pd.MultiIndex.from_product([self.names, EFFECTS], names=["covariate", "parameter"])
        return pd.DataFrame(rows, index=index, columns=pd.Index(_COLUMNS))

    def _effects_of(self, k: int, z: float) -> list[_Row]:
        on_rate, on_a, on_b = self.coefficients[:, k]
        directions = np.zeros((4, self.phi.size))
        places = 4 + k + len(self.names) * np.arange(3)
        directions[[0, 1, 2], places] = 1.0
        directions[3, places[1:]] = 1.0, -1.0
        errors = np.linalg.norm(directions @ self.root, axis=1)
        rows = [
            _row(effect, error, z, self.message if untold else "")
            for effect, error, untold in zip(
                (on_rate, on_a, on_b, on_a - on_b), errors, self.untold[:, k], strict=True
            )
        ]
        effect, error, low, high, pvalue, note = rows[0]
        with np.errstate(
            over="ignore"
        ):  # far beyond a covariate's range a rate may well be infinite
            change, *bounds = np.expm1([effect, low, high])
            rows.append((change, np.exp(effect) * error, *bounds, pvalue, note))
        change, error = self._dropout_change(k)
        note = rows[3][-1] or (_TOO_WIDE if error > _UNKNOWN else "")
        rows.append(_row(change, error, z, note))
        return rows

    def _dropout_change(self, k: int) -> tuple[float, float]:
        """Change of a/(a+b) from one reference value of covariate k to the other, and its error."""
        if self.untold[3, k]:
            return np.nan, np.nan
        ends = np.stack([self.centre, self.centre])
        ends[:, k] = self.reference[:, k]
        _, _, log_a, log_b = log_parameters(self.phi, ends)
        by_phi = np.concatenate([[[0.0, 0.0, 1.0, -1.0]] * 2, 0.0 * ends, ends, -ends], axis=1)
        dropout = expit(log_a - log_b)
        before, after = (dropout * (1.0 - dropout))[:, None] * by_phi
        error = float(np.linalg.norm((after - before) @ self.root))
        return float(dropout[1] - dropout[0]), error


def _row(effect: float, error: float, z: float, note: str) -> _Row:
    if note:
        return np.nan, np.nan, np.nan, np.nan, np.nan, note
    pvalue = 2.0 * float(ndtr(-abs(effect) / error))
    return effect, error, effect - z * error, effect + z * error, pvalue, ""
