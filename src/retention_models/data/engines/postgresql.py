"""A PostgreSQL table; the database does the work."""

from __future__ import annotations

import atexit
from typing import Any

import ibis

from retention_models.data.engines.files import one_of
from retention_models.data.engines.source import Source, reading_from
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
        connection.raw_sql(f"SET TIME ZONE '{timezone}'")
        schema, _, wanted = (table or "").rpartition(".")
        names = sorted(connection.list_tables(database=schema or None))
        found = one_of(name, names, wanted or None)
        return Source(name, connection.table(found, database=schema or None), errors)
