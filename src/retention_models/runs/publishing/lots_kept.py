"""The lots of the lists' tests, kept from night to night beside the runs."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterable, Iterator
from pathlib import Path

import pandas as pd

from retention_models.errors import DataError
from retention_models.pages.html.kinds import store_folder
from retention_models.project.lots import (
    ASSIGNMENTS,
    LOTS,
    as_parquet,
    read_lots,
    with_new,
)
from retention_models.project.store_handover import LIST_TESTS
from retention_models.runs.publishing.files import write_whole
from retention_models.runs.publishing.manifest import run_folders
from retention_models.settings.project import Settings

log = logging.getLogger(__name__)


def lots_so_far(output: Path, settings: Settings) -> pd.DataFrame | None:
    """Every lot drawn, those of a run that was stopped too; None where lists never tested themselves."""
    path = output / LOTS
    if not settings.actions.leaves_out and not path.is_file():
        return None
    newest = run_folders(output)[-2:]  # tonight's, begun before, and that of the night before
    return keep_lots(output, (one for folder in newest for one in sorted(folder.iterdir())))


def keep_tonights(output: Path, day: dt.date, store_ids: Iterable[str]) -> None:
    """Add the lots that the stores' pages of a day were published with."""
    keep_lots(output, (output / day.isoformat() / store_folder(one) for one in store_ids))


def keep_lots(output: Path, stores: Iterable[Path]) -> pd.DataFrame:
    """Add what folders of stores hold to the lots kept, in one step; all of them."""
    path = output / LOTS
    lots = read_lots(path)
    found = with_new(lots, pd.concat([lots.head(0), *_drawn(stores)], ignore_index=True))
    if len(found) > len(lots):
        path.parent.mkdir(exist_ok=True)
        write_whole(path, as_parquet(found))
    return found


def _drawn(stores: Iterable[Path]) -> Iterator[pd.DataFrame]:
    for folder in stores:
        path = folder / "actions" / ASSIGNMENTS
        if path.is_file():
            try:
                yield read_lots(path)
            except DataError as error:  # a notebook of the project's own may have written it
                log.warning("%s", error)


def keep_told(output: Path, day: dt.date, slices: Path) -> None:
    """Keep what the lists' tests tell on a day beside its manifest, for the index and for readers."""
    told = slices / LIST_TESTS
    place = output / day.isoformat() / LIST_TESTS
    if told.is_file():
        write_whole(place, told.read_bytes())
    else:
        place.unlink(missing_ok=True)  # of an earlier run of the day
