"""Which stores a project has: those that it lists, and those of its data."""

from __future__ import annotations

import difflib

from retention_models.data.transactions import Transactions
from retention_models.errors import SettingsError
from retention_models.settings.project import Settings


def require_store(store_id: str, settings: Settings, log: Transactions, said: str) -> None:
    """Refuse an id that neither the project file nor the data have, with the nearest; `said` as what."""
    known = sorted({*(settings.stores.ids or ()), *log.store_ids()})
    if store_id in known:
        return
    near = difflib.get_close_matches(store_id, known, n=3, cutoff=0.5)
    some = ", ".join(known[:10]) + (", …" if len(known) > 10 else "")
    hint = f"did you mean {' or '.join(near)}?" if near else f"known: {some}"
    raise SettingsError(f"{said}: no store {store_id!r} in the data; {hint}")
