"""What the data of a campaign contradict of its declared design, balance of the arms included."""

from __future__ import annotations

import datetime as dt
from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import chdtrc

from retention_models import languages
from retention_models.campaigns.data.assignments import Assignments, Redemptions
from retention_models.campaigns.data.outcomes import Redeemed
from retention_models.campaigns.data.spellings import check_names, otherwise_words
from retention_models.campaigns.data.tables import ArmAssignment, Check
from retention_models.campaigns.estimators.checks import MISMATCH, sample_ratio
from retention_models.data.ids import Mending
from retention_models.errors import CannotSay
from retention_models.languages import count, counted, decimals, listed, phrase, plural, probability
from retention_models.settings.campaigns import Campaign

# Above this share, an assignment table is not the one the campaign was run by: of redemptions, by
# customers it does not name, in a randomised campaign; and of offers, made after the start, where
# nobody drew lots. Below it stand the odd shared coupon and the late delivery.
TOLERATED = 0.05
# So few may all have redeemed by chance.
FEWEST_ALL_REDEEMED = 5

_BY_CHOICE = ("targeted", "self_selected")


def check_arms(campaign: Campaign, arms: ArmAssignment) -> list[Check]:
    """One arm a customer, no arm empty, control present, and the planned ratio."""
    counts = arms.counts()
    findings = [
        *check_names(counts, {campaign.control, *campaign.shares}),
        _one_arm(arms, sum(counts.values())),
        _control(campaign, arms, counts),
    ]
    planned = set(campaign.shares) or set(counts)
    empty, unplanned = sorted(planned - set(counts)), sorted(set(counts) - planned)
    offered = sorted(set(counts) - {campaign.control})
    words = phrase("Every arm has customers: {arms}.", arms=_listed(counts))
    if empty:
        words = phrase(
            "The arm {arm} is planned and has no customer.", arm=phrase("“{name}”", name=empty[0])
        )
    elif unplanned:
        words = phrase(
            "The arm {arm} has {n} and is not planned.",
            arm=phrase("“{name}”", name=unplanned[0]),
            n=counted(counts[unplanned[0]], "customer"),
        )
    elif not offered:
        words = phrase(
            "No customer is in an arm other than {control}: nobody was offered it.",
            control=phrase("“{name}”", name=campaign.control),
        )
    whole = not (empty or unplanned) and bool(offered)
    findings.append(Check("arms", whole, True, words))
    if campaign.design == "randomised" and whole and campaign.control in counts:
        findings.append(_ratio(campaign, counts))
    return findings


def check_days(
    campaign: Campaign, arms: ArmAssignment, last_day: dt.date, control: str
) -> list[Check]:
    """Offers before the start, and a log that reaches the end."""
    return [_check_offers(campaign, arms, control), *_check_end(campaign, last_day)]


def _check_offers(campaign: Campaign, arms: ArmAssignment, control: str) -> Check:
    """Offers before the start, or in its days at least."""
    offered = arms.assigned_at[arms.arm != control]
    late, after = int((offered > campaign.start).sum()), int((offered > campaign.end).sum())
    words = plural(
        "The only offer was made up to the campaign's start.",
        "All {n} offers were made up to the campaign's start.",
        len(offered),
    )
    blocks = campaign.design in _BY_CHOICE and late > TOLERATED * len(offered)
    if late:
        words = plural(
            "{late} of {n} offers was made after the campaign's start, {start}: purchases up to the "
            "offer are counted as if it had been made.",
            "{late} of {n} offers were made after the campaign's start, {start}: purchases up to the "
            "offer are counted as if it had been made.",
            late,
            late=count(late),
            n=count(len(offered)),
            start=campaign.start,
        )
    if blocks:
        words += " " + phrase(
            "Whoever is offered it later has been a customer for longer, so they cannot be compared "
            "with those who were not. Take as start the day on which the offers had been made."
        )
    if after > TOLERATED * len(offered):
        blocks = True
        words = plural(
            "{after} of {n} offers was made after the campaign's end, {end}: nobody can have taken "
            "it up in its days. Mend the days of the assignments, or of the campaign.",
            "{after} of {n} offers were made after the campaign's end, {end}: nobody can have taken "
            "them up in its days. Mend the days of the assignments, or of the campaign.",
            after,
            after=count(after),
            n=count(len(offered)),
            end=campaign.end,
        )
    return Check("offers before the start", not late, blocks, words)


def _check_end(campaign: Campaign, last_day: dt.date) -> list[Check]:
    """A log that reaches the end, and that of the follow-up."""
    if last_day < campaign.end:
        words = phrase(
            "The log ends on {last_day}, before the campaign does on {end}: its effect cannot be told "
            "yet.",
            last_day=last_day,
            end=campaign.end,
        )
        return [Check("campaign over", False, True, words)]
    words = phrase(
        "The log reaches the campaign's end: its last day is {last_day}.", last_day=last_day
    )
    findings = [Check("campaign over", True, True, words)]
    later = campaign.end + dt.timedelta(days=campaign.follow_up)
    if campaign.follow_up:
        words = phrase("The log reaches the end of the follow-up, {end}.", end=later)
        if last_day < later:
            words = phrase(
                "The follow-up of {days} ends on {end} and the log on {last_day}: purchases pulled "
                "forward are not seen yet.",
                days=counted(campaign.follow_up, "day"),
                end=later,
                last_day=last_day,
            )
        findings.append(Check("follow-up over", last_day >= later, False, words))
    return findings


def check_first_day(arms: ArmAssignment, first_day: dt.date) -> list[Check]:
    """Assignments of before the log, whose customers' time before they were assigned is not known."""
    days = [day for day in arms.assigned_at if day is not None]
    early = [day for day in days if day <= first_day]
    if not early:
        return []
    words = plural(
        "{early} of {n} assignments is of the log's first day, {first}, or of before, of {day}: "
        "nothing is known of the time before it. Mend its day (assigned_at), or use a longer log.",
        "{early} of {n} assignments are of the log's first day, {first}, or of before, the "
        "earliest of {day}: nothing is known of the time before them. Mend their days "
        "(assigned_at), or use a longer log.",
        len(early),
        early=count(len(early)),
        n=count(len(days)),
        first=first_day,
        day=min(early),
    )
    return [Check("log before the assignments", False, True, words)]


def check_unusable(assignments: Assignments) -> list[Check]:
    """Rows of assignments that were left out, so that whom they name is in no arm."""
    if assignments.quality.empty:
        return []
    words = plural(
        "{n} of {rows} rows of assignments, of any campaign, cannot be used and was left out: "
        "{reasons}.",
        "{n} of {rows} rows of assignments, of any campaign, cannot be used and were left out: "
        "{reasons}.",
        int(assignments.quality["rows"].sum()),
        rows=count(assignments.rows_read),
        reasons=listed(phrase(reason) for reason in assignments.quality["reason"]),
    )
    return [Check("assignments can be used", False, False, words)]


def check_redemptions(
    campaign: Campaign,
    arms: ArmAssignment,
    redemptions: Redemptions | None,
    redeemed: Redeemed,
    otherwise: Mending | None = None,
) -> list[Check]:
    """Who redeemed without an offer, whether control did, and whether only redeemers are listed.

    `otherwise` is how the campaign's customers are spelt in the redemptions, where they are not alike.
    """
    if redemptions is None:
        return []
    rows = redeemed.rows["redemptions"].to_numpy(dtype=np.int64)
    total, known = int(rows.sum()), redeemed.place >= 0
    # Whose place is none, or who was made a control for want of an assignment, was never offered it.
    listed = np.array([day is not None for day in arms.assigned_at], dtype=bool)
    never = ~known
    never[known] = ~listed[redeemed.place[known]]
    control = known & ~never
    control[control] = arms.arm[redeemed.place[control]] == campaign.control
    findings = [_never_offered(campaign, int(rows[never].sum()), total, otherwise)]
    words, mine = phrase("No customer of the control arm redeemed it."), int(rows[control].sum())
    if mine:
        words = plural(
            "{n} redemption is by {customers} of the control arm: they had what they were not to "
            "have, which makes the effect look smaller than it is.",
            "{n} redemptions are by {customers} of the control arm: they had what they were not to "
            "have, which makes the effect look smaller than it is.",
            mine,
            customers=counted(len(set(redeemed.place[control].tolist())), "customer"),
        )
    findings.append(Check("redemptions by the control arm", not mine, False, words))
    return [*findings, _only_redeemers(campaign, arms, redeemed)]


def _one_arm(arms: ArmAssignment, customers: int) -> Check:
    words = phrase("Each of {n} customers is in one arm.", n=count(customers))
    if arms.in_two:
        words = plural(
            "{several} of {n} customers is in more than one arm, so it is not known what they were "
            "offered. Mend the assignments.",
            "{several} of {n} customers are in more than one arm, so it is not known what they were "
            "offered. Mend the assignments.",
            arms.in_two,
            several=count(arms.in_two),
            n=count(customers),
        )
    return Check("one arm a customer", not arms.in_two, True, words)


def _control(campaign: Campaign, arms: ArmAssignment, counts: dict[str, int]) -> Check:
    n = counts.get(campaign.control, 0)
    control = phrase("“{name}”", name=campaign.control)
    words = phrase("The control arm {control} has {n}.", control=control, n=counted(n, "customer"))
    if not n:
        words = phrase(
            "There is no customer in the control arm {control}, so nothing shows what would have been "
            "without the campaign.",
            control=control,
        )
    elif arms.derived:
        words = plural(
            "The assignments name no control: the {n} customer who had bought before and was not "
            "assigned is taken for it.",
            "The assignments name no control: the {n} customers who had bought before and were not "
            "assigned are taken for it.",
            n,
        )
    return Check("control present", n > 0, True, words)


def _ratio(campaign: Campaign, counts: dict[str, int]) -> Check:
    planned = campaign.shares or dict.fromkeys(counts, 1.0)
    customers: dict[Hashable, int] = {arm: n for arm, n in counts.items()}  # noqa: C416
    shares: dict[Hashable, float] = {arm: share for arm, share in planned.items()}  # noqa: C416
    try:
        found = sample_ratio(customers, shares)
    except CannotSay as refusal:
        return Check("sample ratio", False, False, str(refusal))
    words = found.reason
    if not campaign.shares:
        words += " " + phrase("No shares are declared, so equal ones were taken for planned.")
    return Check("sample ratio", not found.blocked, True, words)


def _never_offered(campaign: Campaign, never: int, total: int, otherwise: Mending | None) -> Check:
    words = plural(
        "The only redemption is by a customer in the assignments.",
        "All {n} redemptions are by customers in the assignments.",
        total,
    )
    blocks = campaign.design == "randomised" and never > TOLERATED * total
    if never:
        words = plural(
            "{never} of {n} redemptions ({share}) is by a customer who was never offered it.",
            "{never} of {n} redemptions ({share}) are by customers who were never offered it.",
            never,
            never=count(never),
            n=count(total),
            share=languages.share(never / total, 1),
        )
    if never and otherwise is not None:
        blocks = True
        words += " " + otherwise_words(otherwise)
    elif blocks:
        words += " " + phrase(
            "So many show that the assignments are not those that the campaign was run by."
        )
    return Check("redemptions were offered", not never, blocks, words)


def _only_redeemers(campaign: Campaign, arms: ArmAssignment, redeemed: Redeemed) -> Check:
    took = np.zeros(arms.arm.size, dtype=bool)
    took[redeemed.place[redeemed.place >= 0]] = True
    only = []
    for arm, n in arms.counts().items():
        all_took = n >= FEWEST_ALL_REDEEMED and took[arms.arm == arm].all()
        if arm != campaign.control and all_took:
            only.append((arm, n))
    if not only:
        offered = int((arms.arm != campaign.control).sum())
        redeemers = int((took & (arms.arm != campaign.control)).sum())
        words = phrase(
            "{redeemers} of {n} customers who were offered it redeemed it.",
            redeemers=count(redeemers),
            n=count(offered),
        )
        return Check("more than redeemers", True, True, words)
    arm, n = only[0]
    words = phrase(
        "All {n} customers of the arm {arm} redeemed it, so the assignments list redeemers and not "
        "those it was offered to. Whoever redeems has come to buy: redeemers against others do not show "
        "the campaign's effect. Give everyone who was offered it.",
        n=count(n),
        arm=phrase("“{name}”", name=arm),
    )
    return Check("more than redeemers", False, True, words)


def _listed(counts: dict[str, int]) -> str:
    return listed(f"{arm} {count(n)}" for arm, n in counts.items())


# Singular values below this share of the largest are sums of other covariates.
_SAME = 1e-9


@dataclass(frozen=True, slots=True)
class JointBalance:
    """A test that lots drew the arms."""

    statistic: float
    degrees_of_freedom: int
    pvalue: float


def joint_balance(covariates: pd.DataFrame, arm: ArrayLike) -> JointBalance:
    """Test that no covariate tells the arms apart.

    With R = ln(1 + covariates), R̄_a their mean in arm a of n_a customers and S their covariance over
    all, Σ_a n_a (R̄_a − R̄)′ S⁻ (R̄_a − R̄) has, over the lots that might have been drawn, a mean of
    (arms − 1) · rank S exactly, and nears χ² of that many degrees of freedom. For two arms it is the d²
    of Hansen & Bowers, "Covariate balance in simple, stratified and clustered comparative studies",
    Statistical Science 23 (2008). Logarithms, because a few very large spenders would else decide it.

    Shapes: covariates (n, k), arm (n,).
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
    return JointBalance(statistic, freedom, float(chdtrc(freedom, statistic)))


def check_balance(campaign: Campaign, arms: ArmAssignment, covariates: pd.DataFrame) -> list[Check]:
    """Whether lots can have drawn the arms of a randomised campaign.

    Shapes: covariates (n, k).
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
        return [Check("balance", False, True, words)]
    words = phrase(
        "Before the campaign, the arms differed by no more than chance explains (p = {p}).",
        p=probability(found.pvalue),
    )
    return [Check("balance", True, True, words)]
