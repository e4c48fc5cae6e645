"""What was known of each customer on the day before a campaign: the BG/NBD expectation of its days.

E = E[X(w) | x, t_x, T] is the covariate that explains most of what customers do without a campaign. It
is fitted once, to the customers of all stores together and strictly before anybody was assigned, so that
no arm has a part in it.
"""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
from ibis import or_
from ibis.expr.types import Table
from numpy.typing import NDArray

from retention_models.campaigns.data.assignments import Assignments
from retention_models.campaigns.data.tables import Check
from retention_models.data.engines import to_frame
from retention_models.data.transactions import Transactions
from retention_models.errors import CannotSay
from retention_models.languages import marked, phrase
from retention_models.models import gamma_gamma
from retention_models.models.fitters import BetaGeoFitter, GammaGammaFitter
from retention_models.models.maximum_likelihood import MaximumLikelihoodFit
from retention_models.settings.campaigns import Campaign
from retention_models.summaries.counts import counted_histories, counted_spend
from retention_models.time_units import days_in

Floats = NDArray[np.float64]

TIME_UNIT = "W"
_WEEK = days_in(TIME_UNIT)
PURCHASE_MODEL, SPEND_MODEL = marked("expected purchases"), marked("expected spend")


def known_before(
    log: Transactions,
    histories: Table,
    campaign: Campaign,
    found: pd.DataFrame,
    cut: dt.date,
) -> tuple[pd.DataFrame, tuple[Check, ...]]:
    """Covariates of a campaign's customers, from their histories.

    covariates: expected_purchases: E[X] of the campaign's days, from its start to its end, given
    the history up to the cut; probability_alive; frequency; recency, in weeks; log_T = ln(1 + T), T
    in weeks; expected_spend: expected_purchases · Gamma-Gamma mean. All are 0 for customers without
    history, and no_history is 1 for them, where there are some but not only such. What no model can
    be fitted for is left out.
    Shapes: found (n, …), covariates (n, k).
    """
    if log.first_seen_from is not None:
        # Whoever came before it has a history, but one that is cut off: no model learns from it.
        histories = histories.filter(histories["age"] <= (cut - log.first_seen_from).days)
    known = found["frequency"].notna().to_numpy()
    x = found["frequency"].to_numpy()[known]
    t_x, T = (found[name].to_numpy()[known] / _WEEK for name in ("recency", "age"))
    columns: dict[str, Floats] = {}
    findings = []
    try:
        if not known.any():
            raise CannotSay("None of the campaign's customers had bought by then.")
        model = _purchase_model(histories, cut)
        columns["expected_purchases"] = _expected(model, campaign, cut, x, t_x, T)
        columns["probability_alive"] = model.conditional_probability_alive(x, t_x, T)
        words = phrase(
            "Purchases were foreseen by a BG/NBD model of every customer up to {cut}.", cut=cut
        )
        findings.append(Check(PURCHASE_MODEL, True, False, words))
    except CannotSay as refusal:
        words = phrase(
            "Purchases cannot be foreseen from the time up to {cut}, so only frequency, recency and "
            "time since the first purchase are adjusted for: {reason}",
            cut=cut,
            reason=refusal,
        )
        findings.append(Check(PURCHASE_MODEL, False, False, words))
    columns |= {"frequency": x, "recency": t_x, "log_T": np.log1p(T)}
    if "expected_purchases" in columns:
        try:
            m = found["repeat_spend"].to_numpy()[known] / np.where(x > 0, x, 1.0)
            each = _spend_each(histories, x, m)
            columns["expected_spend"] = columns["expected_purchases"] * each
            words = phrase(
                "Spend was foreseen by a Gamma-Gamma model of repeat customers up to {cut}.",
                cut=cut,
            )
            findings.append(Check(SPEND_MODEL, True, False, words))
        except CannotSay as refusal:
            words = phrase(
                "Spend cannot be foreseen from the time up to {cut}: {reason}",
                cut=cut,
                reason=refusal,
            )
            findings.append(Check(SPEND_MODEL, False, False, words))
    everyone = np.zeros((len(columns), len(found)))
    everyone[:, known] = list(columns.values())
    table = pd.DataFrame(dict(zip(columns, everyone, strict=True)), index=found.index)
    if known.any() and not known.all():
        table["no_history"] = (~known).astype(float)
    return table, tuple(findings)


def other_campaigns(
    assignments: Assignments, campaign: Campaign, others: tuple[Campaign, ...], customers: pd.Index
) -> Floats:
    """How many other campaigns were open to each customer in a campaign's days.

    Shapes: customers (n,), returned (n,).
    """
    counts = np.zeros(len(customers))
    table = assignments.table
    offers = [
        (table["campaign_id"] == other.id) & (table["arm"] != other.control)
        for other in others
        if other.id != campaign.id and other.start <= campaign.end and other.end >= campaign.start
    ]
    if not offers:
        return counts
    offered = table.filter(or_(*offers), table["date"] <= campaign.start)
    offered = offered.filter(offered["customer_id"].notnull())
    found = to_frame(offered.group_by("customer_id").aggregate(n=offered["campaign_id"].nunique()))
    place = customers.get_indexer(pd.Index(found["customer_id"], dtype=object))
    counts[place[place >= 0]] = found["n"].to_numpy(dtype=float)[place >= 0]
    return counts


def _purchase_model(histories: Table, cut: dt.date) -> BetaGeoFitter:
    rows = counted_histories(histories, cut, TIME_UNIT, "one")
    if rows.empty:
        raise CannotSay("Nobody had bought by then.")
    fitter = BetaGeoFitter().fit(
        rows["frequency"], rows["recency"], rows["T"], weights=rows["customers"]
    )
    _require_identified(fitter.fit_)
    return fitter


def _expected(
    model: BetaGeoFitter, campaign: Campaign, cut: dt.date, x: Floats, t_x: Floats, T: Floats
) -> Floats:
    """Expected purchases from the campaign's start to its end; the days up to the start are skipped."""
    skipped = (campaign.start - cut).days - 1
    upto = [
        np.asarray(model.predict(days / _WEEK, x, t_x, T))
        for days in (skipped, skipped + campaign.days)
        if days
    ]
    return upto[-1] - upto[0] if len(upto) == 2 else upto[0]


def _spend_each(histories: Table, x: Floats, m: Floats) -> Floats:
    rows = counted_spend(histories)
    if rows.empty:
        raise CannotSay("Nobody had spent anything on a repeat purchase by then.")
    fitter = GammaGammaFitter().fit(
        rows["frequency"], rows["monetary_value"], weights=rows["customers"]
    )
    _require_identified(fitter.fit_)
    # Repeat purchases that all came back, or were free, are worth as little as they seem.
    return gamma_gamma.expected_spend(x, np.maximum(m, 0.0), *fitter.fit_.parameters)


def _require_identified(fit: MaximumLikelihoodFit) -> None:
    if fit.verdict == "not identified":
        raise CannotSay("The data leave the model open: {message}.", message=fit.message)
