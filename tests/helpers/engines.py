"""One log in every engine: a Parquet file, a real PostgreSQL and a real local Spark."""

from __future__ import annotations

import os
import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from shops import simulated_log

# Before Java starts: what suits a log of a few thousand lines.
os.environ.setdefault("SPARK_CONF_DIR", str(Path(__file__).with_name("spark")))

IDS = ("0042", "NO", "12E4", "../x", "O'Brien", "<b>", "مشتری ۷", "İğne", "a b", "=1+1")
COLUMNS = {
    "customer_id": "who",
    "date": "at",
    "spend": "paid",
    "store_id": "shop",
    "order_id": "ticket",
    "category": "kind",
}


def log_of_an_odd_shop(rows: int = 3_000, seed: int = 5) -> pd.DataFrame:
    """Lines with ties, returns, free items, times near midnight, blank and missing ids, odd ids."""
    rng = np.random.default_rng(seed)
    ids = np.array([*IDS, *(f"c{i}" for i in range(240))], dtype=object)
    start = pd.Timestamp("2023-01-01", tz="UTC")
    minutes = rng.integers(0, 500 * 24 * 60, rows)
    at = start + pd.to_timedelta(minutes, unit="min")
    near_midnight = rng.random(rows) < 0.3
    at = at.where(~near_midnight, at.normalize() + pd.Timedelta(hours=22, minutes=30))
    paid = np.round(rng.gamma(1.5, 12.0, rows), 2)
    paid[rng.random(rows) < 0.04] *= -1
    paid[rng.random(rows) < 0.02] = 0.0
    who = ids[np.minimum(rng.geometric(0.012, rows) - 1, ids.size - 1)]
    who[rng.random(rows) < 0.005] = None
    who[rng.random(rows) < 0.003] = " \t"
    frame = pd.DataFrame(
        {
            "who": who,
            "at": at.as_unit("us"),
            "paid": paid,
            "shop": rng.choice(np.array(["01", "1", "Ü"], dtype=object), rows, p=[0.6, 0.3, 0.1]),
            "ticket": [f"t{n}" if n % 7 else None for n in rng.integers(0, rows // 2, rows)],
            "kind": rng.choice(np.array(["food", "tea", None], dtype=object), rows),
        }
    )
    return pd.concat([frame, frame.iloc[::97]], ignore_index=True)


def log_of_an_ordinary_shop(customers: int = 400) -> pd.DataFrame:
    """Purchases that the models describe, a few returns among them, under the same columns."""
    log = simulated_log(customers, seed=11)
    returns = log.iloc[::40].assign(amount=-1.25)
    log = pd.concat([log, returns], ignore_index=True)
    return pd.DataFrame(
        {
            "who": log["customer"],
            "at": pd.to_datetime(log["day"]).dt.tz_localize("UTC").dt.as_unit("us"),
            "paid": log["amount"],
            "shop": log["shop"],
            "ticket": [f"t{i}" for i in range(len(log))],
            "kind": "food",
        }
    )


def in_parquet(frame: pd.DataFrame, folder: Path) -> dict[str, Any]:
    """How to read the log from a file."""
    frame.to_parquet(folder / "log.parquet")
    return {"source": folder / "log.parquet"}


def psycopg_connection(url: str) -> Any:
    """A connection that commits each statement."""
    import psycopg

    return psycopg.connect(url, autocommit=True)


def in_postgresql(frame: pd.DataFrame, url: str) -> dict[str, Any]:
    """How to read the log from a database, where amounts are exact decimals."""
    types = "who text, at timestamptz, paid numeric(12, 2), shop text, ticket text, kind text"
    with psycopg_connection(url) as connection:
        connection.execute("DROP TABLE IF EXISTS log CASCADE")
        connection.execute(f"CREATE TABLE log ({types})")
        with connection.cursor().copy(f"COPY log ({', '.join(frame)}) FROM STDIN") as copy:
            for row in frame.itertuples(index=False):
                copy.write_row([None if pd.isna(value) else value for value in row])
    return {"source": url, "table": "log"}


def in_spark(frame: pd.DataFrame, folder: Path) -> dict[str, Any]:
    """How to read the log by Spark on this machine."""
    frame.to_parquet(folder / "log.parquet")
    return {"source": "spark://local[2]", "table": f"{folder}/log.parquet"}


def why_not(engine: str) -> str | None:
    """What is missing for an engine, or None."""
    if engine == "spark" and shutil.which("java") is None:
        return "Spark needs Java, and there is none"
    package = {"spark": "pyspark", "postgresql": "pgserver"}[engine]
    return None if find_spec(package) else f"{package} is not installed"
