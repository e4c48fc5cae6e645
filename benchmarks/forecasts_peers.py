"""Other packages' expectations, for `forecasts.py`: `python forecasts_peers.py FOLDER PACKAGES WEEKS…`.

Runs in an environment of its own with pymc-marketing and clvkit. Reads each file of FOLDER (customer_id,
frequency, recency, T in weeks, monetary_value) and prints a line per package as soon as it is done.
"""

from __future__ import annotations

import json
import logging
import sys
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path

import pandas as pd

MARK = "told "


@dataclass(frozen=True)
class Told:
    """What a package says of the customers of one file, in its order."""

    name: str  # of the file
    method: str
    expected: dict[str, list[float]]  # purchases, by the weeks ahead
    spend: list[float] | None = None  # expected per purchase
    parameters: dict[str, float] | None = None
    problem: str = ""


def read(line: str) -> Told:
    """What a line says."""
    return Told(**json.loads(line.removeprefix(MARK)))


def by_pymc_marketing(name: str, summary: pd.DataFrame, weeks: list[int]) -> Told:
    """BG/NBD and Gamma-Gamma of pymc-marketing at their posterior modes, with its default priors."""
    from pymc_marketing.clv import BetaGeoModel, GammaGammaModel

    model = BetaGeoModel(data=summary.reset_index())
    model.fit(method="map", progressbar=False)
    mode = model.fit_result
    expected = {
        str(week): model.expected_purchases(future_t=week)
        .mean(("chain", "draw"))
        .to_numpy()
        .tolist()
        for week in weeks
    }
    back = summary[(summary["frequency"] > 0) & (summary["monetary_value"] > 0)]
    money = GammaGammaModel(data=back.reset_index())
    money.fit(method="map", progressbar=False)
    spend = money.expected_customer_spend(data=summary.reset_index()).mean(("chain", "draw"))
    return Told(
        name,
        "pymc-marketing",
        expected,
        spend.to_numpy().tolist(),
        {each: float(mode[each].mean()) for each in ("r", "alpha", "a", "b")},
    )


def by_clvkit(name: str, summary: pd.DataFrame, weeks: list[int]) -> Told:
    """BG/NBD and Gamma-Gamma of clvkit, by maximum likelihood."""
    from clvkit import BGNBD, CustomerBase, GammaGamma

    base = CustomerBase(
        summary,
        time_unit="W",
        collapse="D",
        observation_period_end=pd.Timestamp("2020-01-01"),  # of no account to a summary
        has_monetary=True,
        on_negative="net",
    )
    model = BGNBD().fit(base)
    expected = {str(week): model.predict(week).to_pandas().squeeze().tolist() for week in weeks}
    spend = GammaGamma().fit(base).predict().to_pandas().squeeze()
    parameters = {each: float(model.params_[each]) for each in ("r", "alpha", "a", "b")}
    return Told(name, "clvkit", expected, spend.tolist(), parameters)


PACKAGES: dict[str, tuple[str, Callable[[str, pd.DataFrame, list[int]], Told]]] = {
    "pymc-marketing": ("pymc_marketing", by_pymc_marketing),
    "clvkit": ("clvkit", by_clvkit),
}


def main(folder: Path, names: list[str], weeks: list[int]) -> None:
    """Tell what each package asked for expects, where it is in the environment."""
    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")
    there = [name for name in names if find_spec(PACKAGES[name][0]) is not None]
    for name in set(names) - set(there):
        print(f"{name}: passed over, it is not in this environment", file=sys.stderr)
    for path in sorted(folder.glob("*.csv")):
        summary = pd.read_csv(path, index_col="customer_id", dtype={"customer_id": str})
        for method in there:
            try:
                told = PACKAGES[method][1](path.stem, summary, weeks)
            except Exception as error:  # noqa: BLE001 whatever a package stumbles over is its answer
                told = Told(path.stem, method, {}, problem=f"{type(error).__name__}: {error}"[:200])
            print(MARK + json.dumps(asdict(told)), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2].split(","), [int(each) for each in sys.argv[3:]])
