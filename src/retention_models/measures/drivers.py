"""What drives customers away: lapse and the next purchase by experiences and attributes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from statsmodels.stats.multitest import fdrcorrection

from retention_models.data.contacts import Events
from retention_models.data.transactions import Transactions
from retention_models.errors import CannotSay, SettingsError
from retention_models.languages import catalogue, count, counted, day, number, phrase, share, spoken
from retention_models.languages.results import Card, Result, with_ends
from retention_models.levels import Interval, check_interval_of_effect, z_of_interval
from retention_models.measures.activity import activity_window, check_window
from retention_models.measures.driver_inputs import (
    FEWEST_CUSTOMERS,
    SEED,
    check_lot,
    days_since_1970,
    event_table,
    in_steps,
    kinds_asked,
    levels_of,
    purchase_table,
    steps_of,
)
from retention_models.measures.driver_models import (
    Coefficients,
    calibrated_lapse,
    fit_lapse,
    fit_next_purchase,
    joined,
)
from retention_models.measures.driver_rows import (
    DriverRows,
    lapse_rows,
    start_stop_rows,
    told_apart,
)
from retention_models.summaries.customers import Day, end_of

# Fewer outcomes of either kind tell nothing of a driver.
_FEWEST_OUTCOMES = 10
_CHANGES = 0.05
_SENTENCES = catalogue(
    {
        "lapse.chance": (
            "{driver}: the odds to buy nothing within {days} are {ratio} times as high ({low} to "
            "{high}); chance may do that."
        ),
        "lapse.effect": (
            "{driver}: the odds to buy nothing within {days} are {ratio} times as high ({low} to "
            "{high}); an effect, since it was given by lot."
        ),
        "lapse.association": (
            "{driver}: the odds to buy nothing within {days} are {ratio} times as high ({low} to "
            "{high}); an association, not an effect: it was not given by lot."
        ),
        "next purchase.chance": (
            "{driver}: the next purchase comes {ratio} times as often ({low} to {high}); chance may "
            "do that."
        ),
        "next purchase.effect": (
            "{driver}: the next purchase comes {ratio} times as often ({low} to {high}); an effect, "
            "since it was given by lot."
        ),
        "next purchase.association": (
            "{driver}: the next purchase comes {ratio} times as often ({low} to {high}); an "
            "association, not an effect: it was not given by lot."
        ),
    }
)


@dataclass(frozen=True, repr=False)
class ChurnDrivers(Result):
    """Who lapses and who comes back, by experiences and attributes; from `churn_drivers`.

    Attributes
    ----------
    table : DataFrame
        A row for each driver and outcome. driver: a kind of event, or "attribute: level"; step: of a
        kind with a measure, by how much more of it the ratio is, else NaN; outcome: "lapse" (ratio of
        odds) or "next purchase" (ratio of hazards); ratio with low and high; pvalue,
        of no difference, and pvalue_adjusted, for all drivers of the outcome (Benjamini-Hochberg);
        customers, how many had it; rows and outcomes with it; changes_pvalue, adjusted likewise, of a
        hazard ratio that stays the same however long ago the last purchase was; by_lot; refusal, why a
        driver has no ratio, or empty.
    window : int
        Days after which a customer without a purchase has lapsed.
    calibration : DataFrame
        Of lapse, at customers that were held out: rows, foreseen, lapsed with its ends, by fifth.
    calibration_slope : Interval or None
        1 if what was foreseen came true; None where too few were held out.
    customers : int
        Looked at, by lot of all where there are more.
    interval : float
        Level of the intervals, one by one.

    Examples
    --------
    >>> import datetime as dt
    >>> import retention_models as rm
    >>> shop = rm.SimulatedShop(400, dt.date(2023, 1, 1), joining_days=100, seed=3)
    >>> told = pd.DataFrame({"who": shop.ids()[1::2], "day": "2023-05-01", "kind": "complaint"})
    >>> events = rm.read_events(told, customer_id="who", date="day", kind="kind")
    >>> found = rm.churn_drivers(shop.log(until="2023-12-30"), events, window=60)
    >>> sorted(set(found.table["driver"]))
    ['complaint']
    """

    table: pd.DataFrame
    window: int
    calibration: pd.DataFrame
    calibration_slope: Interval | None
    customers: int
    interval: float

    def _card(self) -> Card:
        found = self.table[self.table["refusal"] == ""]
        clear = found[found["pvalue_adjusted"] < _CHANGES]
        names = ", ".join(dict.fromkeys(clear["driver"])) or "none"
        facts = {
            "customers": count(self.customers),
            "lapsed after": f"{self.window} days",
            "told from chance": names,
            "calibration slope": with_ends(self.calibration_slope),
        }
        return Card(f"Drivers of churn, intervals of {share(self.interval)}", facts, self.table)

    def lines(self) -> list[str]:
        """Each driver and outcome in words: the ratio, whether chance does it, and what it is.

        Returns
        -------
        list of str
            Says "association" of what was not given by lot: who complains may differ otherwise too.

        Examples
        --------
        >>> import datetime as dt
        >>> import retention_models as rm
        >>> shop = rm.SimulatedShop(400, dt.date(2023, 1, 1), joining_days=100, seed=3)
        >>> told = pd.DataFrame({"who": shop.ids()[1::2], "day": "2023-05-01", "kind": "complaint"})
        >>> events = rm.read_events(told, customer_id="who", date="day", kind="kind")
        >>> print(rm.churn_drivers(shop.log(until="2023-12-30"), events, window=60).lines()[1])
        complaint: the next purchase comes 1.1 times as often (0.93 to 1.3); chance may do that.
        """
        return [_line(row, self.window) for _, row in self.table.iterrows()]


def _line(row: pd.Series, window: int) -> str:
    if row["refusal"]:
        return f"{row['driver']}: {row['refusal']}"
    ends = {name: number(float(row[name])) for name in ("ratio", "low", "high")}
    kind = "chance"
    if row["pvalue_adjusted"] < _CHANGES:
        kind = "effect" if row["by_lot"] else "association"
    said = phrase(
        _SENTENCES[f"{row['outcome']}.{kind}"],
        driver=_named(row),
        days=counted(window, "day"),
        **ends,
    )
    if row["changes_pvalue"] < _CHANGES:
        said += " " + phrase(
            "It changes with the time since the last purchase: this is its average."
        )
    return said


def _named(row: pd.Series) -> str:
    """A driver, and the step of its measure."""
    if not row["step"] > 0.0:
        return str(row["driver"])
    step = spoken().figures(f"{row['step']:g}")
    return phrase("{kind}, each {step} more", kind=row["driver"], step=step)


def churn_drivers(
    log: Transactions,
    events: Events | None = None,
    *,
    store_id: str | None = None,
    observation_end: Day | None = None,
    kinds: Sequence[str] | None = None,
    attributes: pd.DataFrame | None = None,
    steps: Mapping[str, float] | None = None,
    by_lot: Sequence[str] = (),
    window: int | None = None,
    interval: float = 0.95,
    max_customers: int = 4000,
) -> ChurnDrivers:
    """Whether customers lapse, and when they next buy, by what they went through and what they are.

    Parameters
    ----------
    log : Transactions
        A checked log.
    events : Events, optional
        From `read_events`: complaints, late deliveries, returns, answers that took long, joining a
        programme. At least events or attributes are wanted.
    store_id : str, optional
        One store; all of them together unless given.
    observation_end : date or str, optional
        Last day that counts; the log's last unless given.
    kinds : sequence of str, optional
        Kinds of events to look at, in upper or lower case; all unless given.
    attributes : DataFrame, optional
        Index customer_id, of what was known from the first purchase on: first category, channel,
        campaign of arrival. Numbers and truths count per unit; of text each level is held against the
        most frequent, levels of few customers together as "other".
    steps : mapping of str to float, optional
        For kinds of event with a measure, such as days late: by how much more of it a ratio is, in the
        measure's own unit, such as ``{"delivery": 1.0, "answer": 24.0}``. Kinds whose every event has
        one count by it, per 1 unless given here.
    by_lot : sequence of str
        Kinds and attributes that were given by lot, which alone makes their ratios effects.
    window : int, optional
        Days without a purchase after which a customer has lapsed; `activity_window` unless given.
    interval : float
        Level of the intervals.
    max_customers : int
        Of more customers so many are drawn, by a fixed lot.

    Returns
    -------
    ChurnDrivers

    Raises
    ------
    SettingsError
        If a parameter is out of range, no event is of a kind that was named, or events of a kind in
        steps have no measure.
    CannotSay
        If the log is shorter than two windows, or nobody lapsed, or all did.

    Notes
    -----
    Lapse: logistic regression of no purchase in (a, a + window], a the day of an experience, or for
    comparison one of the days a window apart, of customers who bought in the window before; exposed are
    those with the experience in (a − window, a]. Next purchase: Cox regression of the days since the
    last purchase, rows cut at each experience (start–stop, delayed entry), so that a customer is exposed
    from the experience on and not before, until the next purchase. Comparing those who ever join with
    those who never do, from the first purchase on, credits joiners with the time that they had to stay
    to join. Standard errors are clustered by customer.

    A measure is that of the last such experience, of one day the largest, and is held against other
    measures: having had the experience at all is in the model beside it. The log of the ratio is taken
    to be proportional to it.

    Experiences are adjusted for attributes, the logs of purchases so far and of days a customer, as of
    the row's first day, and of days since the last purchase; attributes for each other only, since what
    customers bought so far is the attributes' doing too. Without a lot those who complain may have
    differed before, in ways that purchases do not show. A ratio is that of customers as they come, of
    whom some buy rarely or have left already: it is nearer 1 than that of any one customer.

    Sources: Lin & Wei (1989), JASA 84, 1074–1078; Grambsch & Therneau (1994), Biometrika 81, 515–526;
    Benjamini & Hochberg (1995), JRSS B 57, 289–300; on time that is immortal Suissa (2008), American
    Journal of Epidemiology 167, 492–499.

    Examples
    --------
    >>> import datetime as dt
    >>> from retention_models import SimulatedShop, read_events
    >>> shop = SimulatedShop(400, dt.date(2023, 1, 1), joining_days=100, seed=3)
    >>> told = pd.DataFrame({"who": shop.ids()[1::2], "day": dt.date(2023, 5, 1), "kind": "complaint"})
    >>> events = read_events(told, customer_id="who", date="day", kind="kind")
    >>> found = churn_drivers(shop.log(until="2023-12-30"), events, window=60)
    >>> print(found.lines()[1])  # of purchases, which the complaints of this shop do not change
    complaint: the next purchase comes 1.1 times as often (0.93 to 1.3); chance may do that.
    """
    check_interval_of_effect(interval)
    check_window(window)
    if events is None and attributes is None:
        raise SettingsError("churn_drivers: expected events, attributes or both; got neither.")
    if max_customers < 1:
        raise SettingsError(
            f"max_customers: expected a whole number above 0; got {max_customers!r}."
        )
    end = end_of(log, observation_end)
    if window is None:
        window = activity_window(log, store_id=store_id, end=end)
    purchases, ids = purchase_table(log, store_id, end, max_customers)
    if purchases["day"].max() - purchases["day"].min() < 2 * window:
        raise CannotSay(
            "The log up to {day} is shorter than two windows of {days}, too short to see who lapsed.",
            day=day(end),
            days=counted(window, "day"),
        )
    told = event_table(events, ids, store_id, end)
    names = kinds_asked(told, kinds)
    by = steps_of(told, names, steps)
    told = in_steps(told, by)
    levels = levels_of(attributes, ids)
    check_lot(by_lot, names, attributes)
    last = days_since_1970(pd.Series([end])).iloc[0]
    lapse = told_apart(lapse_rows(purchases, told, names, int(last), window, by))
    spells = told_apart(start_stop_rows(purchases, told, names, int(last), by))
    of_lapse, columns = _fitted("lapse", lapse, levels, by_lot, interval)
    of_next, _ = _fitted("next purchase", spells, levels, by_lot, interval)
    table = pd.concat([of_lapse, of_next]).sort_values("place", kind="stable")
    table = table.drop(columns="place").reset_index(drop=True)
    table.insert(1, "step", table["driver"].map(by))
    slope, fifths = None, pd.DataFrame()
    if not columns.empty and _can_hold_out(lapse):
        slope, fifths = calibrated_lapse(lapse, columns, interval, SEED)
    return ChurnDrivers(table, window, fifths, slope, ids.size, interval)


def _fitted(
    outcome: str, rows: DriverRows, levels: pd.DataFrame, by_lot: Sequence[str], interval: float
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows of the table for one outcome, and the drivers that it was fitted to."""
    drivers = pd.concat(
        [rows.exposed.astype(float), levels.loc[rows.customer].reset_index(drop=True)], axis=1
    )
    told = {str(name): _about(rows, drivers[name], outcome) for name in drivers}
    for place, name in enumerate(told):
        told[name] |= {"place": place, "by_lot": name.split(": ")[0] in by_lot}
    kept = drivers[[name for name in drivers if not told[str(name)]["refusal"]]]
    fit = fit_lapse if outcome == "lapse" else fit_next_purchase
    found = []
    if any(name in rows.exposed for name in kept):
        found.append(fit(rows, kept, adjusted=True).of([n for n in kept if n in rows.exposed]))
    if any(name in levels for name in kept):
        found.append(fit(rows, kept[[n for n in kept if n in levels]], adjusted=False))
    if found:
        for name, numbers in _ratios(joined(found), interval).items():
            told[name] |= numbers
    wanted = ["ratio", "low", "high", "pvalue", "pvalue_adjusted", "changes_pvalue"]
    table = pd.DataFrame(told.values())
    return table.reindex(columns=[*table.columns, *(w for w in wanted if w not in table)]), kept


def _about(rows: DriverRows, driver: pd.Series, outcome: str) -> dict[str, object]:
    """How many had a driver, and whether they are enough."""
    measured, values = driver.name in rows.had, driver.to_numpy(dtype=float)
    with_it = rows.had[driver.name].to_numpy() if measured else values != 0.0
    having = int(np.unique(rows.customer[with_it]).size)
    outcomes, fewest = _either_way(rows.outcome[with_it])
    # Of a number, as against a yes or no, nobody is without it.
    others = having
    if measured:
        unlike = with_it & (values != np.median(values[with_it])) if having else with_it
        others = int(np.unique(rows.customer[unlike]).size)
    elif set(driver) <= {0.0, 1.0}:
        others = int(np.unique(rows.customer[~with_it]).size)
        fewest = min(fewest, _either_way(rows.outcome[~with_it])[1])
    return {
        "driver": driver.name,
        "outcome": outcome,
        "customers": having,
        "rows": int(with_it.sum()),
        "outcomes": outcomes,
        "refusal": _too_few(min(having, others), fewest),
    }


def _either_way(outcome: NDArray[np.bool_]) -> tuple[int, int]:
    """Outcomes, and how many there are of that kind of which there are fewer."""
    outcomes = int(outcome.sum())
    return outcomes, min(outcomes, outcome.size - outcomes)


def _too_few(customers: int, outcomes: int) -> str:
    """Why a driver has no ratio; empty where it has one."""
    if customers >= FEWEST_CUSTOMERS and outcomes >= _FEWEST_OUTCOMES:
        return ""
    return phrase(
        "too few to say: {customers} with it or without it, and {outcomes} either way; at least "
        "{fewest} and {least} are needed.",
        customers=counted(customers, "customer"),
        outcomes=counted(outcomes, "case"),
        fewest=count(FEWEST_CUSTOMERS),
        least=count(_FEWEST_OUTCOMES),
    )


def _ratios(found: Coefficients, interval: float) -> Mapping[str, dict[str, object]]:
    """Ratios with ends and adjusted p-values, by driver."""
    half = z_of_interval(interval) * found.errors
    adjusted = fdrcorrection(found.pvalues)[1]
    changes = found.changes
    if np.isfinite(changes).all():
        changes = fdrcorrection(changes)[1]
    names = ("ratio", "low", "high", "pvalue", "pvalue_adjusted", "changes_pvalue")
    ends = (found.values, found.values - half, found.values + half)
    columns = (*(np.exp(end) for end in ends), found.pvalues, adjusted, changes)
    return {
        driver: dict(zip(names, (float(each) for each in row), strict=True))
        for driver, *row in zip(found.names, *columns, strict=True)
    }


def _can_hold_out(rows: DriverRows) -> bool:
    """Whether there are outcomes enough to fit to some customers and to check at others."""
    fewest = min(int(rows.outcome.sum()), int((~rows.outcome).sum()))
    return fewest >= 10 * _FEWEST_OUTCOMES
