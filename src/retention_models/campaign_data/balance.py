"""Were the arms alike before the campaign, all covariates together, in one test."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.stats import chi2

from retention_models.campaign_data.arms import Arms
from retention_models.campaign_data.customers import Finding
from retention_models.campaign_settings import Campaign
from retention_models.campaigns.checks import MISMATCH
from retention_models.languages import decimals, phrase

# Singular values below this share of the largest are sums of other covariates.
_SAME = 1e-9


@dataclass(frozen=True, slots=True)
class JointBalance:
    """A test that lots drew the arms.

    Attributes
    ----------
    statistic : float
    degrees_of_freedom : int
        (Arms − 1) times the covariates that are no sum of others; 0 where nothing can be tested.
    pvalue : float
    """

    statistic: float
    degrees_of_freedom: int
    pvalue: float


def joint_balance(covariates: pd.DataFrame, arm: ArrayLike) -> JointBalance:
    """Test that no covariate tells the arms apart.

    Parameters
    ----------
    covariates : DataFrame, shape (n, k)
        Known before anybody was assigned; from 0.
    arm : array_like, shape (n,)

    Returns
    -------
    JointBalance

    Notes
    -----
    With R = ln(1 + covariates), R̄_a their mean in arm a of n_a customers and S their covariance over
    all, Σ_a n_a (R̄_a − R̄)′ S⁻ (R̄_a − R̄) has, over the lots that might have been drawn, a mean of
    (arms − 1) · rank S exactly, and nears χ² of that many degrees of freedom. For two arms it is the d²
    of Hansen & Bowers, "Covariate balance in simple, stratified and clustered comparative studies",
    Statistical Science 23 (2008). Logarithms, because a few very large spenders would else decide it.

    Examples
    --------
    >>> before = pd.DataFrame({"frequency": np.arange(100.0)})
    >>> joint_balance(before, before["frequency"] % 2 > 0).pvalue > 0.5
    True
    >>> joint_balance(before, before["frequency"] > 50).pvalue < 0.001
    True
    """
    codes, arms = pd.factorize(pd.Series(arm), sort=True)
    n, groups = len(covariates), len(arms)
    if covariates.shape[1] == 0 or groups < 2:
        return JointBalance(0.0, 0, 1.0)
    logs = np.log1p(covariates.to_numpy(dtype=float))
    logs -= logs.mean(axis=0)
    spread = np.sqrt((logs**2).mean(axis=0))
    varying = spread > _SAME
    logs = logs[:, varying] / spread[varying]
    if n <= logs.shape[1] + groups or not varying.any():
        return JointBalance(0.0, 0, 1.0)
    values, vectors = np.linalg.eigh(logs.T @ logs / (n - 1.0))
    kept = values > _SAME * values.max()
    counts = np.bincount(codes, minlength=groups)
    sums = np.column_stack([np.bincount(codes, column, groups) for column in logs.T])
    along = sums @ vectors[:, kept] / np.sqrt(values[kept])
    statistic = float((along**2 / counts[:, None]).sum())
    freedom = (groups - 1) * int(kept.sum())
    return JointBalance(statistic, freedom, float(chi2.sf(statistic, freedom)))


def check_balance(campaign: Campaign, arms: Arms, covariates: pd.DataFrame) -> list[Finding]:
    """Whether lots can have drawn the arms of a randomised campaign.

    Parameters
    ----------
    campaign : Campaign
    arms : Arms
    covariates : DataFrame, shape (n, k)
        From `known_before`.

    Returns
    -------
    list of Finding
        None for other designs, or where nothing can be compared.
    """
    if campaign.design != "randomised":
        return []
    found = joint_balance(covariates, arms.arm)
    if found.degrees_of_freedom == 0:
        return []
    if found.pvalue < MISMATCH:
        words = phrase(
            "The campaign is declared randomised and was not randomised: before it, the arms differed "
            "by more than chance explains (p < {limit}). Find out how they were drawn, or declare it "
            "targeted.",
            limit=decimals(MISMATCH, 3),
        )
        return [Finding("balance", False, True, words)]
    words = phrase(
        "Before the campaign, the arms differed by no more than chance explains (p = {p}).",
        p=decimals(found.pvalue, 3),
    )
    return [Finding("balance", True, True, words)]
