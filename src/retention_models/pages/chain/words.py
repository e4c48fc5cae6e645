"""A chain's stores side by side → whole sentences of a language."""

from __future__ import annotations

import numpy as np
import pandas as pd

from retention_models.languages import ENGLISH, Language
from retention_models.measures.chain import (
    FALSE_DISCOVERIES,
    FEWEST_STORES,
    INNER,
    OUTER,
    Funnel,
)

# Those that the chain's page holds against each other.
MEASURES = ("customers", "repeat_customer_rate", "spend_per_order")


def funnel_reading(say: Language = ENGLISH) -> str:
    """How a funnel plot is read."""
    return say.text("apart.reading", inner=say.share(INNER), outer=say.share(OUTER, 1))


def no_funnel(stores: int, say: Language = ENGLISH) -> str:
    """Why this many stores have no funnel."""
    if stores < FEWEST_STORES:
        return say.text("apart.few", fewest=FEWEST_STORES)
    return say.text("apart.alike")


def funnel_found(funnel: Funnel, say: Language = ENGLISH) -> str:
    """What the funnel shows, which is the figure's alternative text too."""
    stores, outside = len(funnel.rate), int(np.count_nonzero(funnel.outside(OUTER)))
    texts = [say.text("apart.rate", rate=say.share(funnel.centre))]
    if funnel.spread:
        points = say.figures(f"{100 * funnel.spread:.1f}")
        texts.append(say.text("apart.spread", points=points))
    by_chance = stores * (1.0 - OUTER)
    places = {"stores": say.figures(f"{stores:,}"), "expected": f"{by_chance:.0f}"}
    if not outside:
        texts.append(say.text("apart.none", **places))
    else:
        key = "apart.few_expected" if by_chance < 1 else "apart.some"
        texts.append(say.counted(key, outside, **places))
    return " ".join(texts)


def left_out(young: int, old: int, say: Language = ENGLISH) -> str:
    """Which stores are not in the comparison; empty where all are."""
    counts = {"left_out.young": young, "left_out.old": old}
    return " ".join(say.counted(key, n) for key, n in counts.items() if n)


def moved(changes: pd.DataFrame, found: int, shown: int, days: int, say: Language = ENGLISH) -> str:
    """What was compared (a row per store and measure), and how much of it is more than chance."""
    stores = changes["store"].nunique()
    if not found:
        texts = [say.counted("moved.none", stores, days=days)]
    else:
        looked = say.figures(f"{len(changes):,}")
        names = {"stores": say.counted("moved.stores", stores), "looked": looked}
        texts = [say.counted("moved.some", found, days=days, **names)]
        if shown < found:
            texts.append(say.text("moved.shown", shown=shown))
        texts.append(say.text("moved.false", false=f"{1 / FALSE_DISCOVERIES:.0f}"))
    if days < 364:
        texts.append(say.text("moved.season"))
    return " ".join(texts)


def middle_store(changes: pd.DataFrame, say: Language = ENGLISH) -> str:
    """What changed in the middle store of the chain, against which a store's own change is read."""
    relative = changes["change"] / changes["value_before"].where(changes["value_before"] > 0)
    middle = relative.groupby(changes["measure"]).median()
    points = changes.loc[changes["measure"] == "repeat_customer_rate", "change"].median()
    return say.text(
        "moved.middle",
        customers=_percent(middle["customers"], say),
        repeat=_signed(100 * points, 1, say),
        spend=_percent(middle["spend_per_order"], say),
    )


def _percent(value: float, say: Language) -> str:
    return say.percent(_signed(100 * value, 0, say))


def _signed(value: float, digits: int, say: Language) -> str:
    """A change with its sign, which nothing has none of."""
    rounded = round(value, digits)
    return say.figures(f"{rounded:+.{digits}f}".replace("-", "−")) if rounded else "0"


def sparkline(months: list[dict[str, object]], say: Language = ENGLISH) -> str:
    """The alternative text of a store's customers by month."""
    known = [
        (str(m["month"]), int(str(m["customers"]))) for m in months if m["customers"] is not None
    ]
    if not known:
        return say.text("months.few")
    (first, begin), (last, end) = known[0], known[-1]
    top, most = max(known, key=lambda pair: pair[1])
    numbers = {"begin": begin, "end": end, "most": most}
    counts = {name: say.figures(f"{number:,}") for name, number in numbers.items()}
    return say.text("months.alt", first=first, last=last, top=top, **counts)
