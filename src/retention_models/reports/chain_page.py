"""The chain's own files of a run: the index over all stores, and the manifest."""

from __future__ import annotations

import datetime as dt
import json
import urllib.parse
from collections.abc import Sequence
from pathlib import Path

from retention_models import __version__
from retention_models.reports.store_page import PAGE, Outcome, store_folder
from retention_models.settings import Settings


def _write_whole(path: Path, text: str) -> None:
    beside = path.with_name(f".{path.name}.writing")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)


def publish_index(
    folder: Path,
    settings: Settings,
    day: dt.date,
    made: str,
    outcomes: Sequence[Outcome],
) -> Path:
    """Write index.html, a row per store, and say where it is."""
    from retention_models.reports import pages

    rows = [
        {
            "name": settings.store_name(o.store_id),
            "href": urllib.parse.quote(f"{store_folder(o.store_id)}/{PAGE}"),
            "metrics": o.metrics,
            "failure": o.failure,
        }
        for o in outcomes
    ]
    index = folder / "index.html"
    _write_whole(index, pages.index_page(rows, settings, day, made))
    return index


def write_manifest(
    folder: Path,
    project_file: Path,
    day: dt.date,
    made: str,
    outcomes: Sequence[Outcome],
) -> None:
    """Write manifest.json: what became of every store, with the sha256 of every file."""
    manifest = {
        "as_of": day.isoformat(),
        "project_file": project_file.name,
        "version": __version__,
        "made": made,
        "stores": [
            {
                "store": o.store_id,
                "folder": store_folder(o.store_id),
                "status": o.status,
                "failure": o.failure,
                "seconds": round(o.seconds, 3),
                "sha256": o.files,
            }
            for o in outcomes
        ],
    }
    text = json.dumps(manifest, ensure_ascii=False, indent=2) + "\n"
    _write_whole(folder / "manifest.json", text)
