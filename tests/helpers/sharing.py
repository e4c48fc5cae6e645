"""Tests shared out among processes, by file, the longest first; and what one makes for all of them."""

from __future__ import annotations

import fcntl
import os
import pickle
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest
from xdist.scheduler import LoadScopeScheduling

Made = TypeVar("Made")

# A process that begins one of these last would end alone.
LONGEST = (
    "test_run.py",
    "test_hundred_faults.py",
    "test_engines.py",
    "test_page_accessibility.py",
    "test_publishing_processes.py",
    "test_translated_pages.py",
    "test_store_page_reader.py",
    "test_execution_faults.py",
    "test_execution_notebooks.py",
    "test_scheduling.py",
    "test_year_of_nights.py",
    "test_spark_servers.py",
    "test_campaign_runs.py",
    "test_campaign_pages.py",
    "test_campaign_plans_notebook.py",
    "test_chain_models_grocery.py",
)
# One process has Spark, which takes seconds to start and minutes to be quick.
OF_SPARK = re.compile(r"[\[-]spark\b|::test_spark_")
# Nothing is made once for all of their tests.
IN_PIECES = ("test_campaign_designs_simulation.py", "test_oracles_")
# A session reads no file that holds none of its tests.
MARKED = re.compile(r"\bmark\.(slow|nightly|sized)\b|\b(few|many)\(")
ALL_SLOW = re.compile(r"^pytestmark = (\[\s*)?pytest\.mark\.(slow|nightly)\b", re.MULTILINE)


def is_source(path: Path) -> bool:
    """Whether it is a module of the package: examples in docstrings are among the slow tests."""
    return "/src/retention_models/" in path.as_posix()


def has_none(path: Path, chosen: str) -> bool:
    """Whether a file holds no test of those chosen by a mark, so that it need not be imported."""
    if path.suffix != ".py" or path.name == "conftest.py":
        return False
    if re.match(r"slow\b", chosen) and is_source(path):
        return ">>> " not in path.read_text(encoding="utf-8")
    if re.match(r"(slow|nightly|sized)\b", chosen):
        return not MARKED.search(path.read_text(encoding="utf-8"))
    if not chosen.startswith("not slow and"):
        return False
    return is_source(path) or bool(ALL_SLOW.search(path.read_text(encoding="utf-8")))


def made_once(
    tmp_path_factory: pytest.TempPathFactory, name: str, make: Callable[[Path], Made]
) -> Made:
    """What the first process that asks makes for all, in a folder that none of them changes."""
    place = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        place = place.parent
    made = place / f"{name}.pickle"
    with (place / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            (place / name).mkdir()
            found = make(place / name)
            made.write_bytes(pickle.dumps(found))
    given: Made = pickle.loads(made.read_bytes())
    return given


def longest_first(items: list[pytest.Item]) -> None:
    """Order tests by how long their files take, else as they stand."""

    def place(item: pytest.Item) -> int:
        name = item.path.name
        return LONGEST.index(name) if name in LONGEST else len(LONGEST)

    items.sort(key=place)


class ByFile(LoadScopeScheduling):
    """A file's tests stay together, for what they make once, unless it is named above; so do Spark's."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        if OF_SPARK.search(nodeid):
            return "spark"
        if any(name in file for name in IN_PIECES):
            return nodeid
        return file


def scheduler(config: pytest.Config, log: Any) -> ByFile:
    """Whatever --dist says."""
    return ByFile(config, log)
