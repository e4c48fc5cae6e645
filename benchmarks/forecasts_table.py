"""Tables of docs/forecasts.md from the rows of `forecasts.py`.

`python forecasts_table.py RESULTS.csv [SUMMARY.csv]`; the latter is written, every figure in it. First
what each method was off by; then how much worse than ours each is on the windows that both answered,
with the standard error by store (of one store, by day).
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd

KEY = ["shops", "store", "origin", "weeks", "scope"]
# Scores compared window by window, and whether less is better.
SCORES = {
    "relative": ("total error", True),
    "crps": ("CRPS", True),
    "absolute": ("MAE", True),
    "log_score": ("log score", False),
    "value_crps": ("CRPS of money", True),
}


def read(path: Path) -> pd.DataFrame:
    """Rows, with what the tables compare."""
    rows = pd.read_csv(path, dtype={"store": str})
    # More than a purchase a day of every customer is no answer, but a breakdown of its arithmetic.
    possible = rows["expected"] <= 7.0 * rows["weeks"] * rows["customers"]
    answers = ["expected", "absolute", "log_score", "crps", "value", "value_absolute", "value_crps"]
    rows[answers] = rows[answers].where(possible | (rows["scope"] == "whole"))
    rows["off"] = (rows["expected"] - rows["came"]).abs()
    rows["relative"] = rows["off"] / rows["came"].where(rows["came"] > 0)
    rows["inside"] = _inside(rows["low"], rows["high"], rows["came"])
    rows["value_inside"] = _inside(rows["value_low"], rows["value_high"], rows["spent"])
    rows["value_off"] = (rows["value"] - rows["spent"]).abs()
    return rows


def _inside(low: pd.Series, high: pd.Series, came: pd.Series) -> pd.Series:
    return ((low <= came) & (came <= high)).astype(float).where(low.notna())


def summary(rows: pd.DataFrame) -> pd.DataFrame:
    """A row per set of shops, scope, weeks and method: how far off it was."""
    found = []
    for key, part in rows.groupby(["scope", "shops", "weeks", "method"], sort=False):
        told = part.loc[part["expected"].notna()]
        if told.empty:
            continue
        money = told.loc[told["value"].notna() & (told["spent"] > 0)]
        row = dict(zip(("scope", "shops", "weeks", "method"), key, strict=True))
        row |= {
            "answered": f"{len(told)} of {len(part)}",
            "total error": told["off"].sum() / told["came"].sum(),
            "bias": told["expected"].sum() / told["came"].sum() - 1.0,
            "MAE": told["absolute"].mean(),
            "log score": told["log_score"].mean(),
            "CRPS": told["crps"].mean(),
            "inside 90%": _share(told["inside"]),
            "value error": _over(money["value_off"], money["spent"]),
            "value bias": _over(money["value"] - money["spent"], money["spent"]),
            "value MAE": told["value_absolute"].mean(),
            "value CRPS": told["value_crps"].mean(),
            "value inside 90%": _share(told["value_inside"]),
        }
        found.append(row)
    return pd.DataFrame(found)


def _over(part: pd.Series, whole: pd.Series) -> float:
    return float(part.sum() / whole.sum()) if whole.sum() > 0 else np.nan


def _share(inside: pd.Series) -> str:
    told = inside.dropna()
    return f"{told.mean():.3f} of {len(told)}" if len(told) else ""


def against_ours(rows: pd.DataFrame) -> pd.DataFrame:
    """A row per set and method: by how much it is worse than ours, mean and standard error."""
    found = []
    ours = rows.loc[rows["method"] == "ours"].set_index(KEY)
    for (scope, shops, method), part in rows.groupby(["scope", "shops", "method"], sort=False):
        if method == "ours":
            continue
        both = part.set_index(KEY).join(ours[list(SCORES)].add_suffix("_ours"), how="inner")
        row = {"scope": scope, "shops": shops, "method": method}
        for score, (name, less_is_better) in SCORES.items():
            worse = both[score] - both[f"{score}_ours"]
            row[name] = _with_error(worse if less_is_better else -worse)
        row["windows"] = str(len(both.dropna(subset=["relative", "relative_ours"])))
        found.append(row)
    return pd.DataFrame(found)


def _with_error(worse: pd.Series) -> str:
    """Mean and its standard error; stores are independent, windows of a store are not."""
    told = worse.dropna()
    if told.empty:
        return ""
    stores = told.index.get_level_values("store")
    by = stores if len(set(stores)) > 1 else told.index.get_level_values("origin")
    each = (told - told.mean()).groupby(by).sum().to_numpy()
    error = np.sqrt(each @ each * each.size / max(each.size - 1, 1)) / len(told)
    return f"{told.mean():+.4f} ± {error:.4f}".replace("-", "−")


def as_markdown(table: pd.DataFrame) -> str:
    """A table; what is not known is left empty."""
    lines = [list(table), ["---"] * len(table.columns)]
    for row in table.itertuples(index=False):
        lines.append(["" if pd.isna(v) else f"{v:.3f}" if isinstance(v, float) else v for v in row])
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


# Columns of the short table, figures of which stand side by side, one for each number of weeks.
SHORT = {
    "known": ("total error", "bias", "MAE", "log score", "CRPS", "inside 90%"),
    "known, money": ("value error", "value bias", "value MAE", "value CRPS", "value inside 90%"),
    "whole": ("total error", "bias", "CRPS", "inside 90%"),
    "whole, money": ("value error", "value bias", "value CRPS", "value inside 90%"),
}


def short(table: pd.DataFrame, columns: tuple[str, ...]) -> pd.DataFrame:
    """A row per set and method: each figure 4 / 13 / 26 weeks ahead."""
    found = []
    for (shops, method), part in table.groupby(["shops", "method"], sort=False):
        by_weeks = part.sort_values("weeks")
        told = [one.split(" of ") for one in by_weeks["answered"]]
        answered, asked = (sum(int(one[place]) for one in told) for place in (0, 1))
        row = {"shops": shops, "method": method, "windows": f"{answered} of {asked}"}
        for name in columns:
            row[name] = " / ".join(_figure(value, name) for value in by_weeks[name])
        found.append(row)
    return pd.DataFrame(found)


def _figure(value: float | str, name: str) -> str:
    """A figure without its leading zero; nothing where it is not known."""
    if isinstance(value, str):
        return value.split(" of ")[0].replace("0.", ".", 1)[:4] or "–"
    if np.isnan(value):
        return "–"
    text = f"{value:+.3f}" if "bias" in name else f"{value:.3f}"
    return (text.replace("0.", ".", 1) if abs(value) < 1.0 else text).replace("-", "−")


def main(path: Path, written: Path | None) -> None:
    """Print the tables, and write what they are of."""
    rows = read(path)
    table = summary(rows)
    for name, columns in SHORT.items():
        part = table.loc[table["scope"] == name.split(",")[0]]
        print(f"\n{name}\n{as_markdown(short(part, columns))}")
    print(f"\nworse than ours\n{as_markdown(against_ours(rows))}")
    if written is not None:
        table.round(4).to_csv(written, index=False)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None)
