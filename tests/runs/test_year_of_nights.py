"""A year of nights: disk, memory and files stay as they are, and the manifests tell one story."""

import datetime as dt
import gc
import os
import tracemalloc

import numpy as np
import pytest

import nights
from retention_models.runs.publishing.manifest import read_manifest

STORES = ("a", "b", "c")
KEPT, NIGHTS = 30, 365  # all is steady once as many are kept


def size_of(folder) -> int:
    """Bytes of every file."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_dir())


@pytest.mark.nightly
def test_a_year_of_nights_leaves_disk_and_memory_as_they_were(tmp_path, monkeypatch):
    """365 runs nightly, of three stores of which one in twenty fails; every status is what happened."""
    monkeypatch.setattr(os, "fsync", lambda handle: None)
    nights.without_nbconvert(monkeypatch)  # it is the slowest step, and not what is tested here
    settings = nights.settings_in(tmp_path, STORES, extra=f"[reports]\nkeep_runs = {KEPT}")
    output, random = tmp_path / "reports", np.random.default_rng(2023)
    fails = random.random((NIGHTS, len(STORES))) < 0.05
    last_good: dict[str, int] = {}
    failing_since: dict[str, int] = {}
    sizes, held, handles = [], [], []
    tracemalloc.start()
    for n in range(NIGHTS):
        day = nights.DAY + dt.timedelta(days=n)

        def becomes(store_id, folder, n=n):
            failed = fails[n, STORES.index(store_id)]
            return (nights.bad if failed else nights.good)(store_id, folder)

        manifest = nights.run_night(nights.plan_for(settings, output, STORES, day=day), becomes)
        for i, store in enumerate(STORES):
            entry = manifest.stores[store]
            if not fails[n, i]:
                last_good[store] = n
                failing_since.pop(store, None)
                assert "published" == entry["outcome"]
                continue
            since = failing_since.setdefault(store, n)
            first = nights.DAY + dt.timedelta(days=since)
            assert first.isoformat() == entry["failure"]["since"]["as_of"]
            assert ("kept" if store in last_good else "failed") == entry["outcome"]
            if store in last_good:
                good = nights.DAY + dt.timedelta(days=last_good[store])
                assert good.isoformat() == entry["page"]["as_of"]
        assert day.isoformat() == os.readlink(output / "latest")
        if n % KEPT == KEPT - 1:
            gc.collect()
            sizes.append(size_of(output))
            held.append(tracemalloc.get_traced_memory()[0])
            handles.append(len(os.listdir("/proc/self/fd")))
    tracemalloc.stop()
    folders = sorted(path.name for path in output.iterdir())
    assert KEPT + 2 == len(folders)
    for folder in folders[1:-1]:
        found = read_manifest(output / folder)
        assert (folder, "finished") == (found.head["as_of"], found.head["state"])
    assert max(sizes[1:]) < 1.1 * min(sizes[1:])
    assert held[-1] - held[1] < 1_000_000
    assert 1 == len(set(handles[1:]))
