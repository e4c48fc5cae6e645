"""PostgreSQL and Spark as sources: the database, or the cluster, does the work."""

from __future__ import annotations

import atexit
import re
from typing import Any

import ibis

from retention_models.data.engines.files import one_of
from retention_models.data.engines.source import Source, of_server, reading_from
from retention_models.errors import DataError
from retention_models.settings.credentials import keyring_password, without_password


def open_postgresql(url: str, table: str | None, timezone: str) -> Source:
    """Open a table of a PostgreSQL database: ``postgresql://user@host:port/database``.

    What the URL leaves out, the password as a rule, is taken from PostgreSQL's own environment
    variables, such as PGPASSWORD, from the system's keyring, or from PostgreSQL's password file.
    """
    name = without_password(url)
    try:
        import psycopg
    except ImportError:
        raise DataError(
            f"{name}: PostgreSQL needs the package psycopg. Install retention-models[postgresql]."
        ) from None
    errors: tuple[type[Exception], ...] = (psycopg.Error,)
    with reading_from(name, errors):
        password = keyring_password(url)
        known = {} if password is None else {"password": password}
        opened = psycopg.connect(url, autocommit=True, **known)
        connection: Any = ibis.postgres.from_connection(opened)
        atexit.register(connection.disconnect)
        of_server(connection, name, errors)
        connection.raw_sql(f"SET TIME ZONE '{timezone}'")
        schema, _, wanted = (table or "").rpartition(".")
        names = sorted(connection.list_tables(database=schema or None))
        found = one_of(name, names, wanted or None)
        return Source(name, connection.table(found, database=schema or None), errors)


# Also local[2,3], which may fail three times; not localhost:7077, which is a cluster's master.
_LOCAL = re.compile(r"spark://local(\[[^\]]*\])?")
# One machine needs no web page of its own, and no 200 parts of every table.
_ALONE = {
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.sql.shuffle.partitions": "8",
    "spark.ui.enabled": "false",
}


def open_spark(url: str, table: str | None, timezone: str) -> Source:
    """Open a table of Spark's catalog, or Parquet files by their path; see `open_source`."""
    name = without_password(url)
    try:
        from py4j.protocol import Py4JError
        from pyspark.errors import PySparkException
        from pyspark.sql import SparkSession
    except ImportError:
        raise DataError(
            f"{name}: Spark needs the package pyspark and Java. Install retention-models[spark]."
        ) from None
    builder: Any = SparkSession.builder.appName("retention_models")
    if url.startswith("sc://"):
        builder = builder.remote(url)
    else:
        builder = builder.master(master_of(url))
        builder = builder.config("spark.ui.showConsoleProgress", "false")
        for key, value in _ALONE.items() if _LOCAL.fullmatch(url) else ():
            builder = builder.config(key, value)
    errors: tuple[type[Exception], ...] = (PySparkException, Py4JError, RuntimeError, OSError)
    with reading_from(name, errors):
        session = builder.getOrCreate()
        session.conf.set("spark.sql.session.timeZone", timezone)
        connection: Any = ibis.pyspark.from_connection(session)
        of_server(connection, name, errors)
        if table is not None and "/" in table:
            rows = connection.read_parquet(table)
        else:
            schema, _, wanted = (table or "").rpartition(".")
            names = sorted(connection.list_tables(database=schema or None))
            rows = connection.table(one_of(name, names, wanted or None), database=schema or None)
        # Ibis gives its session UTC.
        session.conf.set("spark.sql.session.timeZone", timezone)
        return Source(name, rows, errors)


def master_of(url: str) -> str:
    """What Spark calls the master that a URL names.

    >>> master_of("spark://local"), master_of("spark://local[4]"), master_of("spark://localhost:7077")
    ('local[*]', 'local[4]', 'spark://localhost:7077')
    """
    alone = _LOCAL.fullmatch(url)
    return url if alone is None else f"local{alone[1] or '[*]'}"
