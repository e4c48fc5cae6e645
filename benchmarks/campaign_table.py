"""The table of `campaign_simulations.py` in words and Markdown."""

from __future__ import annotations

import numpy as np
import pandas as pd

OUTCOMES = ("purchases", "bought", "spend", "profit")
NOMINAL = 0.05
DESIGNS = {
    "randomised": "Randomised: offered and held out, interacted regression with HC2",
    "three arms": "Three arms: whether any of three comparisons is found, Holm",
    "stores": "Whole stores, all at once: CRV3 and t",
    "staggered": "Staggered stores: Callaway–Sant'Anna, overall effect",
    "targeted": "Targeted on the covariates: AIPW, effect on the treated",
    "self-selected": "Self-selected on the covariates, nothing hidden: AIPW, effect on the treated",
    "eight looks": "Eight declared O'Brien–Fleming looks while customers come in",
    "eight looks by days": "Eight declared looks at the same customers, by days",
    "confidence sequence": "Confidence sequence, eight looks while customers come in",
}
HEAD = """# Are the intervals of campaign effects right?

Campaigns on simulated customers whose true effects are known, through the estimators of
`retention_models.campaigns.estimators`: the share of 95% intervals that leave out the truth. It
should be 5.0%. At no lift that is how often a campaign without effect is declared to have one
(profit: other than minus its costs); at +10% it is what the coverage lacks of 100%. **Bold** is more
than three Monte Carlo standard errors above 5%; *italic* as far below, an interval wider than it need
be.

    python benchmarks/campaign_simulations.py --replications {replications} --seed {seed}

{count} replications a row, Monte Carlo standard error {error} points.

Customers buy by BG/NBD for 8 weeks after a quarter to a year and a quarter of history; spend of an
order is Gamma-Gamma, mean 35, as CDNOW's; profit is 30% of spend less 0.15 a contact and 2.00 for each
of the 30% of purchases that redeem. Parameters (r, α, a, b): shop 1, 10, .5, 3.5; CDNOW .243, 4.414,
.793, 2.426; grocery 1.5, 4, .3, 6; lapsed list: the shop's customers who have not bought for 8 weeks.
Covariates: purchases [E]; bought [E, P(alive), recency]; spend and profit [E × mean spend, E]; targeted
and self-selected [E, P(alive), recency, frequency, log T], the choice on log(1 + E) and
log(1 + frequency) too. Spend and profit are looked at from 400 customers an arm on. The truth is the
mean effect on the customers of the test (randomised, by the history of each), on those of the treated
stores, or, where customers are chosen or come in one after the other, on the world's.

Whole stores: with 5 against 5, the variance of CRV3 is 9/10 · 5/4 = 1.125 times what it should be: the
interval is too wide. Looks by days at the same customers agree with each other no less than the plan
supposes: these are the looks that `plan_looks` declares. Where customers come in, grocery's spend and
profit are left out half a point too often: halfway, an arm has 250 to 900 of them, and a few buy for
hundreds. A confidence sequence allows for looks at any time: eight leave out the truth less often.
"""


def written(counts: pd.DataFrame) -> str:
    """The whole page from the counts."""
    tried = sorted(counts["replications"].unique())
    first = counts.iloc[0]
    head = HEAD.format(
        replications=int(counts["replications"].mode().iloc[0]),
        seed=first["seed"],
        count=" or ".join(f"{n:,}" for n in tried),
        error=" or ".join(f"{100.0 * np.sqrt(NOMINAL * (1.0 - NOMINAL) / n):.2f}" for n in tried),
    )
    parts = [head]
    for design, title in DESIGNS.items():
        rows = counts[counts["design"] == design]
        if len(rows):
            parts.append(f"## {title}\n\n{_table(rows)}")
    small = counts[counts["design"] == "small"]
    if len(small):
        parts.append(_small(small))
    return "\n".join(parts) + "\n"


def _table(rows: pd.DataFrame) -> str:
    """One line a world, size and lift."""
    lines = ["| customers | size | lift | " + " | ".join(OUTCOMES) + " | replications |"]
    lines.append("| --- " * 8 + "|")
    for (world, size, lift), part in rows.groupby(["world", "size", "lift"], sort=False):
        cells = [_rate(part, outcome) for outcome in OUTCOMES]
        cells.append(f"{part['replications'].iloc[0]:,}")
        lines.append(f"| {world} | {size} | {lift:+.0%} | " + " | ".join(cells) + " |")
    return "\n".join(lines).replace("+0%", "none") + "\n"


def _rate(part: pd.DataFrame, outcome: str) -> str:
    """Percent missed, marked where chance does not explain its distance from 5%."""
    row = part.set_index("outcome").loc[outcome]
    if row["given"] == 0:
        return "–"
    rate = row["missed"] / row["given"]
    far = (rate - NOMINAL) / np.sqrt(NOMINAL * (1.0 - NOMINAL) / row["given"])
    mark = "**" if far > 3.0 else "*" if far < -3.0 else ""
    return f"{mark}{100.0 * rate:.1f}%{mark}"


SMALL = """## From which number of customers it holds

Two arms without a lift. Where few customers make most of the spend, the mean of a small hold-out beside
many offered is skewed, and its interval leaves out the truth too often: by about 0.25 κ², κ being the
skewness of the difference (`campaigns/estimators/checks.py`). Equal arms cancel it. An effect is
refused beyond κ = ±0.2 (not of who bought: 0 or 1), and with fewer than 100 customers in an arm, 400 for
spend and profit. In each cell: missed of all tests; in brackets the share of tests whose measured κ is
within ±0.2, and missed of those.

"""


def _small(rows: pd.DataFrame) -> str:
    """All tests, and those that the rule on skewness lets through."""
    lines = ["| customers | offered and held out | " + " | ".join(OUTCOMES) + " | replications |"]
    lines.append("| --- " * 7 + "|")
    for (world, size), part in rows.groupby(["world", "size"], sort=False):
        given = part.set_index("outcome")["given"]
        cells = []
        for outcome in OUTCOMES:
            through = f"{outcome}, let through"
            share = given[through] / given[outcome]
            cells.append(f"{_rate(part, outcome)} ({share:.0%}: {_rate(part, through)})")
        cells.append(f"{part['replications'].iloc[0]:,}")
        lines.append(f"| {world} | {size} | " + " | ".join(cells) + " |")
    return SMALL + "\n".join(lines) + "\n"
