"""Customer summaries of generated order lines.

`order_lines.py write ROWS FILE`, then `order_lines.py ours|lifetimes|by_hand FILE`: each prints its
customers, seconds and peak memory in GiB.
"""

from __future__ import annotations

import importlib
import resource
import sys
import time
import warnings

warnings.simplefilter("ignore")

END = "2025-12-31"


def write(rows: int, path: str) -> None:
    """Ten lines a customer over two years, in Parquet: id, time, amount."""
    import duckdb

    customers = rows // 10
    duckdb.sql(
        f"""
        COPY (
            SELECT
                'C' || lpad(CAST(floor({customers} * pow(random(), 1.5)) AS VARCHAR), 9, '0')
                    AS customer_id,
                TIMESTAMP '2024-01-01' + to_minutes(CAST(floor(random() * 1051200) AS BIGINT))
                    AS date,
                CAST(round(2 + 40 * random() * random(), 2) AS DOUBLE) AS spend,
            FROM range({rows})
        ) TO '{path}' (FORMAT parquet)
        """
    )


def ours(path: str) -> int:
    """By this package: checked against the contract, and summarised."""
    import retention_models as rm

    log = rm.read_transactions(path, customer_id="customer_id", date="date", spend="spend")
    return len(rm.customer_summary(log, observation_end=END))


def lifetimes(path: str) -> int:
    """By lifetimes' function on pandas."""
    import pandas as pd
    from lifetimes.utils import summary_data_from_transaction_data

    lines = pd.read_parquet(path)
    return len(
        summary_data_from_transaction_data(
            lines,
            "customer_id",
            "date",
            monetary_value_col="spend",
            observation_period_end=END,
            freq_multiplier=7,
        )
    )


def by_hand(path: str) -> int:
    """By a query that a person who knows DuckDB would write, without any check."""
    import duckdb

    found = duckdb.sql(
        f"""
        WITH days AS (
            SELECT customer_id, CAST(date AS DATE) AS day, sum(spend) AS spend
            FROM '{path}' WHERE CAST(date AS DATE) <= DATE '{END}' GROUP BY ALL
        )
        SELECT
            customer_id,
            count(*) - 1 AS frequency,
            date_diff('day', min(day), max(day)) / 7 AS recency,
            date_diff('day', min(day), DATE '{END}') / 7 AS T,
            coalesce((sum(spend) - arg_min(spend, day)) / nullif(count(*) - 1, 0), 0) AS monetary_value
        FROM days GROUP BY customer_id ORDER BY customer_id
        """
    ).df()
    return len(found.set_index("customer_id"))


if __name__ == "__main__":
    what, *rest = sys.argv[1:]
    if what == "write":
        write(int(rest[0]), rest[1])
    else:
        for module in ("duckdb", "pandas", "lifetimes.utils", "retention_models"):
            importlib.import_module(module)  # from_log.py has the imports
        import retention_models as rm

        _ = rm.read_transactions, rm.customer_summary  # names are loaded when first used
        started = time.perf_counter()
        customers = {"ours": ours, "lifetimes": lifetimes, "by_hand": by_hand}[what](*rest)
        seconds = time.perf_counter() - started
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        print(f"{customers} {seconds:.3f} {peak:.3f}")
