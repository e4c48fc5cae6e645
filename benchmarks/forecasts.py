"""Forecasts against what came: rolling origins, 4, 13 and 26 weeks ahead, on real and simulated shops.

The models of a run, chosen as a run chooses them and with its intervals, beside the plain BG/NBD, that
of lifetimes, and the window before; whole stores beside exponential smoothing and the same weeks a year
before. `python benchmarks/forecasts.py [--stores 36] [--peer-python PYTHON]`; the latter is of an
environment with pymc-marketing. The tables of docs/forecasts.md are printed at the end.
"""

from __future__ import annotations

import argparse
import datetime as dt
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import lifetimes
import numpy as np
import pandas as pd
from statsmodels.tsa.holtwinters import ExponentialSmoothing

import retention_models as rm

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(
    0, str(ROOT / "tests" / "helpers")
)  # the data and simulated shops are also the tests'

from cdnow_data import cdnow_path  # noqa: E402
from grocery_data import grocery_log  # noqa: E402
from purchase_samples import simulate_mid_life, simulate_orders  # noqa: E402
from regular_shops import box_lines  # noqa: E402
from retention_models.predictions.candidates import StoreHistory  # noqa: E402
from retention_models.predictions.contest import crps_of_total, hold_contest  # noqa: E402
from retention_models.predictions.past_forecasts import PastForecasts, Refit  # noqa: E402
from retention_models.predictions.scatter import learn_scatter  # noqa: E402
from retention_models.predictions.store_models import StoreModels  # noqa: E402

BEGIN = dt.date(2022, 1, 3)
HORIZONS = (4, 13, 26)
NAMES = {"customer_id": "id", "date": "day", "spend": "paid", "store_id": "store"}


@dataclass(frozen=True)
class Shops:
    """A set of shops in one log, and the days from which they are forecast."""

    name: str
    log: rm.Transactions
    stores: list[str]
    origins: list[dt.date]


@dataclass
class Task:
    """A store as of a day, and a window."""

    shops: Shops
    store: str
    origin: dt.date
    weeks: int
    past: PastForecasts
    rule: str

    @cached_property
    def models(self) -> StoreModels:
        """Those of a run."""
        return StoreModels(self.shops.log, self.store, self.origin, "W", rule=self.rule)

    @cached_property
    def held_out(self) -> pd.DataFrame:
        """The customers, and what they did."""
        end = self.origin + dt.timedelta(weeks=self.weeks)
        return rm.calibration_holdout_summary(
            self.shops.log, store_id=self.store, calibration_end=self.origin, holdout_end=end
        )


def cdnow(folder: Path) -> Shops:
    """The CDNOW sample: 78 weeks of 2,357 customers who all joined in the first twelve."""
    rows = pd.read_csv(
        cdnow_path("CDNOW_sample.txt"), sep=r"\s+", header=None, usecols=[0, 2, 4], dtype=str
    )
    rows.columns = ["id", "day", "paid"]
    rows["day"] = pd.to_datetime(rows["day"], format="%Y%m%d")
    log = _read(rows.assign(paid=rows["paid"].astype(float), store="cdnow"), folder / "cdnow.csv")
    first = dt.date(1997, 1, 1)
    origins = [first + dt.timedelta(weeks=weeks) for weeks in (26, 39, 52)]
    return Shops("CDNOW", log, ["cdnow"], origins)


def grocery(folder: Path, most: int) -> Shops:
    """Grocery stores of 100 households or more, the largest first."""
    log = grocery_log(folder)
    sizes = rm.customer_summary_by_store(log)
    large = sorted((s for s in sizes if len(sizes[s]) >= 100), key=lambda s: (-len(sizes[s]), s))
    origins = [dt.date(2017, 1, 1) + dt.timedelta(days=days) for days in (182, 227, 273)]
    return Shops("grocery", log, large[:most], origins)


def simulated(folder: Path, kind: str) -> Shops:
    """Six shops of two years, by a known process."""
    parts = []
    for store in range(6):
        lines = _lines(kind, np.random.default_rng(store), store)
        lines["id"] = f"{store}-" + lines["id"].astype(str)
        parts.append(lines.assign(store=f"{kind}{store}"))
    rows = pd.concat(parts)
    rng = np.random.default_rng(9)
    level = dict(zip(rows["id"].unique(), rng.gamma(4.0, 1.0, rows["id"].nunique()), strict=True))
    rows["paid"] = (rows["id"].map(level) * rng.gamma(6.0, 1.0, len(rows))).round(2) + 0.01
    log = _read(rows, folder / f"{kind}.csv")
    origins = [BEGIN + dt.timedelta(weeks=weeks) for weeks in (52, 65, 78)]
    return Shops(f"simulated: {kind}", log, [f"{kind}{i}" for i in range(6)], origins)


def _lines(kind: str, rng: np.random.Generator, store: int) -> pd.DataFrame:
    """Customers and days of one simulated shop."""
    if kind == "subscription":
        lines, _ = box_lines(store, size=250, spread=4.0)
        days = (lines["day"] - lines["day"].min()).dt.days
        return pd.DataFrame({"id": lines["id"], "day": _dates(days)})
    if kind == "plain":
        customers, times = simulate_orders(
            rng, 700, 0.9, 6.0, 0.6, 3.0, begin=700.0, end=104.0 * 7.0
        )
        return pd.DataFrame({"id": customers, "day": _dates(times)})
    new, old = (0.6, 4.0, 0.5, 2.0), (0.9, 3.0, 0.2, 5.0)
    customers, times = simulate_mid_life(rng, new, old, 200.0, 4.0, 104.0)[:2]
    return pd.DataFrame({"id": customers, "day": _dates(times * 7.0)})


def _dates(days: Any) -> pd.Series:
    return pd.Series(pd.Timestamp(BEGIN) + pd.to_timedelta(np.floor(days), unit="D"))


def _read(rows: pd.DataFrame, path: Path) -> rm.Transactions:
    rows.to_csv(path, index=False)
    return rm.read_transactions(path, **NAMES)


def tasks_of(shops: Shops) -> Iterator[Task]:
    """Every store, day and window that the log reaches."""
    last = shops.log.last_day()
    for origin in shops.origins:
        past = PastForecasts(shops.log, origin, "W", shops.stores)
        rule = hold_contest(past).rule
        for store in shops.stores:
            for weeks in HORIZONS:
                if origin + dt.timedelta(weeks=weeks) <= last:
                    yield Task(shops, store, origin, weeks, past, rule)


def forecast(task: Task) -> Iterator[dict[str, Any]]:
    """Rows of one task, a method each: what its customers were expected to do, and what they did."""
    held_out, summary = task.held_out, task.models.summary
    came = held_out["frequency_holdout"].to_numpy(dtype=float)
    spent = float((held_out["frequency_holdout"] * held_out["monetary_value_holdout"]).sum())
    task.models.require_repeats()
    scatter = learn_scatter(task.past.refits, task.rule).ahead(task.weeks * 7)
    history = task.models.history
    ours, plain = task.models.purchases, history.plain
    refit = Refit(task.store, task.origin, history, came, float(task.weeks))
    for name, fitted, further in (("ours", ours, scatter), ("plain BG/NBD", plain, 0.0)):
        found = rm.predict_store(
            *(fitted, task.models.spend, summary),
            horizon=task.weeks,
            annual_discount_rate=0.0,
            draws=200,
            scatter=further,
        )
        each = np.asarray(fitted.predict(float(task.weeks), *history.columns))
        log_score = float(refit.log_scores(fitted).mean())
        yield _row(task, name, each, came, log_score, found.purchases, found.value, spent)
    yield _row(task, "lifetimes", _lifetimes(history, task.weeks), came)
    before = rm.validate_holdout(
        task.shops.log,
        store_id=task.store,
        calibration_end=task.origin,
        holdout_end=task.origin + dt.timedelta(weeks=task.weeks),
        purchases=plain,
    ).customers["last_period"]
    yield _row(task, "the window before", before.to_numpy(dtype=float), came)


def _lifetimes(history: StoreHistory, weeks: int) -> np.ndarray | None:
    """Expectations of lifetimes' own BG/NBD; None where it does not converge."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fitted = lifetimes.BetaGeoFitter().fit(*history.columns)
            found = fitted.conditional_expected_number_of_purchases_up_to_time(
                weeks, *history.columns
            )
    except (lifetimes.utils.ConvergenceError, ValueError, FloatingPointError) as error:
        print(f"lifetimes: {type(error).__name__}")
        return None
    return np.asarray(found, dtype=float)


def _row(
    task: Task,
    name: str,
    each: np.ndarray | None,
    came: np.ndarray,
    log_score: float = np.nan,
    total: Any = None,
    value: Any = None,
    spent: float = np.nan,
) -> dict[str, Any]:
    told = each is not None and np.isfinite(each).all()
    expected = float(each.sum()) if told else np.nan
    return {
        "shops": task.shops.name,
        "weeks": task.weeks,
        "method": name,
        "store": task.store,
        "expected": expected,
        "came": came.sum(),
        "log_score": log_score,
        "absolute": np.abs(each - came).mean() if told else np.nan,
        "crps": crps_of_total(expected, came.sum()) if told and expected > 0 else np.nan,
        "inside": np.nan if total is None else total.low <= came.sum() <= total.high,
        "value": np.nan if value is None else value.value,
        "spent": np.nan if value is None else spent,
        "value_inside": np.nan if value is None else value.low <= spent <= value.high,
    }


def whole(task: Task) -> Iterator[dict[str, Any]]:
    """Rows of a whole store's weeks, a method each."""
    days = rm.count_purchase_days(task.shops.log, store_id=task.store)
    by_day = days.set_index("date")["purchases"]
    end = pd.Timestamp(task.origin)
    later = by_day.loc[end + pd.Timedelta(days=1) : end + pd.Timedelta(weeks=task.weeks)]
    age = (end - by_day.loc[:end].index[::-1]).days // 7
    weekly = by_day.loc[:end][::-1].groupby(age).sum()[::-1].to_numpy(dtype=float)[1:]
    scatter = learn_scatter(task.past.refits, task.rule)
    found = rm.predict_whole_store(
        *(task.models.purchases, None, task.models.summary),
        horizon=task.weeks,
        scatter=scatter.ahead(task.weeks * 7),
        newcomers=scatter.newcomers,
        newcomers_error=scatter.newcomers_error,
        weekly=False,
    )
    methods = {"ours": (found.purchases.value, found.purchases.low, found.purchases.high)}
    smooth = ExponentialSmoothing(weekly, trend="add", damped_trend=True).fit()
    methods["ETS"] = (float(smooth.forecast(task.weeks).sum()), np.nan, np.nan)
    if weekly.size >= 52:
        year = weekly[-52 : -52 + task.weeks if task.weeks < 52 else None]
        methods["same weeks a year before"] = (float(year.sum()), np.nan, np.nan)
    methods["the weeks before"] = (float(weekly[-task.weeks :].sum()), np.nan, np.nan)
    for name, (expected, low, high) in methods.items():
        yield {
            "shops": task.shops.name,
            "weeks": task.weeks,
            "method": name,
            "expected": expected,
            "came": float(later.sum()),
            "inside": np.nan if np.isnan(low) else low <= later.sum() <= high,
        }


def peers(tasks: list[Task], python: str, folder: Path) -> Iterator[dict[str, Any]]:
    """Rows of other packages, which are slow: 13 weeks ahead of the first day, on real shops."""
    first = min(task.origin for task in tasks)
    chosen = [task for task in tasks if task.weeks == 13 and task.origin == first]
    for number, task in enumerate(chosen):
        task.models.summary[["frequency", "recency", "T"]].to_csv(folder / f"{number}.csv")
    script = Path(__file__).with_name("forecasts_peers.py")
    subprocess.run([python, str(script), str(folder), "13"], check=True)
    for number, task in enumerate(chosen):
        found = pd.read_csv(folder / f"{number}.expected.csv", index_col=0)
        came = task.held_out["frequency_holdout"].to_numpy(dtype=float)
        for name in found:
            yield _row(task, name, found[name].to_numpy(dtype=float), came)


def summarised(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """A row per set of shops, window and method."""
    table = pd.DataFrame(rows)
    table["off"] = (table["expected"] - table["came"]).abs()
    table["value_off"] = (table["value"] - table["spent"]).abs() if "value" in table else np.nan
    found = []
    for key, part in table.groupby(["shops", "weeks", "method"], sort=False):
        told = part.loc[part["expected"].notna()]
        row = dict(zip(("shops", "weeks", "method"), key, strict=True))
        row |= {
            "forecasts": len(told),
            "total error": told["off"].sum() / told["came"].sum(),
            "bias": told["expected"].sum() / told["came"].sum() - 1.0,
            "inside 90%": told["inside"].mean(),
        }
        for name, column in (("MAE", "absolute"), ("log score", "log_score"), ("CRPS", "crps")):
            row[name] = told[column].mean() if column in told else np.nan
        if "spent" in told and told["spent"].sum() > 0:
            row["value error"] = told["value_off"].sum() / told["spent"].sum()
            row["value bias"] = told["value"].sum() / told["spent"].sum() - 1.0
            row["value inside 90%"] = told["value_inside"].mean()
        found.append(row)
    return pd.DataFrame(found)


def as_markdown(table: pd.DataFrame) -> str:
    """A table for docs/forecasts.md; what is not known is left empty."""
    rows = [list(table), ["---"] * len(table.columns)]
    for row in table.itertuples(index=False):
        cells = ["" if pd.isna(v) else f"{v:.3f}" if isinstance(v, float) else str(v) for v in row]
        rows.append(cells)
    return "\n".join(f"| {' | '.join(map(str, row))} |" for row in rows)


SETS = ("CDNOW", "grocery", "plain", "mid-life", "subscription")


def main() -> None:
    """Print the tables of every set as soon as it is done."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--stores", type=int, default=36, help="grocery stores, the largest first")
    asked.add_argument("--sets", nargs="+", choices=SETS, default=SETS)
    asked.add_argument("--weeks", nargs="+", type=int, default=HORIZONS)
    asked.add_argument("--peer-python")
    options = asked.parse_args()
    for name in options.sets:
        with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the peers' own
            shops = shops_of(name, Path(folder), options.stores)
            tasks = [task for task in tasks_of(shops) if task.weeks in options.weeks]
            known, stores = forecasts_of(tasks)
            if options.peer_python and name in SETS[:2]:
                known += peers(tasks, options.peer_python, Path(folder))
        for title, rows in (("customers known", known), ("whole stores", stores)):
            print(f"\n{name}, {title}\n{as_markdown(summarised(rows))}", flush=True)


def shops_of(name: str, folder: Path, most: int) -> Shops:
    """A set by its name."""
    if name == "CDNOW":
        return cdnow(folder)
    return grocery(folder, most) if name == "grocery" else simulated(folder, name)


def forecasts_of(tasks: list[Task]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Rows of customers known, and of whole stores; what is refused is said."""
    known: list[dict[str, Any]] = []
    stores: list[dict[str, Any]] = []
    for task in tasks:
        try:
            known += forecast(task)
            stores += whole(task)
        except rm.CannotSay as refusal:
            print(f"{task.shops.name}, {task.store}, {task.origin}, {task.weeks}: {refusal}")
    return known, stores


if __name__ == "__main__":
    main()
