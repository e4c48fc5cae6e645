"""What a run makes pages of, and from which notebooks."""

from __future__ import annotations

import datetime as dt
import difflib
from collections.abc import Sequence
from pathlib import Path

from retention_models.errors import DataError, SettingsError
from retention_models.project_campaigns import newest_campaigns
from retention_models.reports.publishing.kinds import CAMPAIGN, STORE, PageKind
from retention_models.settings import Settings
from retention_models.transactions import Transactions

_PACKAGE = Path(__file__).resolve().parents[1]


def notebook_of(settings: Settings, kind: PageKind) -> Path:
    """The project's own notebook of its stores, or the one that comes with the package."""
    if kind == STORE and settings.reports.notebook is not None:
        path = Path(settings.path(settings.reports.notebook))
        if not path.is_file():
            raise SettingsError(f"reports.notebook: {path}: no such notebook.")
        return path
    return _own_notebook(kind)


def _own_notebook(kind: PageKind) -> Path:
    # In a wheel the notebooks lie in the package; in a checkout, at its top level.
    places = [
        _PACKAGE / "notebooks" / kind.notebook,
        _PACKAGE.parents[1] / "notebooks" / kind.notebook,
    ]
    return next(place for place in places if place.is_file())


def own_notebooks() -> list[Path]:
    """The notebooks of pages that come with the package."""
    return [_own_notebook(kind) for kind in (STORE, CAMPAIGN)]


def chosen_stores(
    settings: Settings, transactions: Transactions, wanted: Sequence[str]
) -> list[str]:
    """Ids of the stores to report on.

    Raises
    ------
    SettingsError
        If one is asked for that is not in the data.
    DataError
        If there is none.
    """
    known = list(settings.stores.ids or transactions.store_ids())
    if not wanted:
        if not known:
            raise DataError(f"{transactions.source}: no usable row, so no store to report on.")
        return known
    everywhere = {*known, *transactions.store_ids()}
    for store_id in wanted:
        if store_id not in everywhere:
            near = difflib.get_close_matches(store_id, sorted(everywhere), n=3, cutoff=0.5)
            hint = f"did you mean {' or '.join(near)}?" if near else f"known: {_some(everywhere)}"
            raise SettingsError(f"--store: no store {store_id!r} in the data; {hint}")
    return list(dict.fromkeys(wanted))


def chosen_campaigns(settings: Settings, end: dt.date) -> list[str]:
    """Ids of the newest campaigns that have begun, as many as the project file asks for."""
    return [one.id for one in newest_campaigns(settings, end, settings.reports.campaigns)]


def _some(ids: set[str]) -> str:
    shown = sorted(ids)
    return ", ".join(shown[:10]) + (", …" if len(shown) > 10 else "")
