"""Opening a store of a project: its log read, or what a run has handed over."""

from __future__ import annotations

from pathlib import Path

from retention_models.data.reading_transactions import read_project_transactions
from retention_models.project.days import last_day
from retention_models.project.known_stores import require_store
from retention_models.project.store import Store
from retention_models.project.store_handover import read_slice
from retention_models.settings.reading import read_settings
from retention_models.summaries.customers import Day


def open_store(project_file: str | Path, store_id: str, *, as_of: Day | None = None) -> Store:
    """Open a store of a project.

    Parameters
    ----------
    project_file : str or Path
        The project file (TOML).
    store_id : str
        The store's id, as text.
    as_of : date or str, optional
        Last day that counts; the project file's observation_end, or else the log's last day,
        unless given.

    Returns
    -------
    Store
        Nothing is fitted until asked for.

    Raises
    ------
    SettingsError
        If the project file is wrong, or neither it nor the data have such a store.
    DataError
        If the data cannot be used.

    Examples
    --------
    >>> import tempfile
    >>> import retention_models as rm
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     store = rm.open_store(rm.write_demo(folder, "cdnow"), "cdnow", as_of="1997-01-12")
    ...     print(len(store.summary))
    268
    """
    settings = read_settings(project_file)
    part = read_slice(project_file, str(store_id))
    log = read_project_transactions(settings) if part is None else part.log
    if part is None:
        require_store(str(store_id), settings, log, "store_id")
        log = log.with_held(str(store_id))
    end = last_day(settings, log, as_of)
    return Store(str(store_id), settings, log, end, part and part.as_of(end))
