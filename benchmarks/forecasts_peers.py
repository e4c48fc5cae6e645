"""Expectations of other packages, for `forecasts.py`: `python forecasts_peers.py FOLDER WEEKS`.

Runs in an environment of its own with pymc-marketing. Reads N.csv (customer_id,
frequency, recency, T in weeks), writes N.expected.csv with a column per package.
"""

from __future__ import annotations

import logging
import sys
from importlib.util import find_spec
from pathlib import Path

import pandas as pd

logging.getLogger("pymc").setLevel(logging.ERROR)


def by_pymc_marketing(summary: pd.DataFrame, weeks: int) -> pd.Series:
    """The BG/NBD of pymc-marketing at its posterior mode, with its default priors."""
    from pymc_marketing.clv import BetaGeoModel

    model = BetaGeoModel(data=summary.reset_index())
    model.fit(method="map", progressbar=False)
    found = model.expected_purchases(future_t=weeks)
    return pd.Series(found.mean(("chain", "draw")).to_numpy(), index=summary.index)


def main(folder: Path, weeks: int) -> None:
    """Write what every package found in the environment expects."""
    packages = {"pymc-marketing (MAP)": ("pymc_marketing", by_pymc_marketing)}
    for path in sorted(folder.glob("*.csv")):
        if not path.stem.isdigit():
            continue
        summary = pd.read_csv(path, index_col="customer_id", dtype={"customer_id": str})
        found = {
            name: expect(summary, weeks)
            for name, (module, expect) in packages.items()
            if find_spec(module)
        }
        pd.DataFrame(found).to_csv(path.with_suffix(".expected.csv"))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
