"""How tests are shared out among processes: by file, the longest first, and some files in parts."""

from __future__ import annotations

import re
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

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
# Nothing is made once for all of their tests.
IN_PIECES = ("test_campaign_designs_simulation.py", "test_oracles_", "test_publishing_processes.py")
IN_HALVES = "test_hundred_faults.py"


def longest_first(items: list[pytest.Item]) -> None:
    """Order tests by how long their files take, else as they stand."""

    def place(item: pytest.Item) -> int:
        name = item.path.name
        return LONGEST.index(name) if name in LONGEST else len(LONGEST)

    items.sort(key=place)


class ByFile(LoadScopeScheduling):
    """A file's tests stay together, for what they make once, unless it is named above."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        if any(name in file for name in IN_PIECES):
            return nodeid
        if file.endswith(IN_HALVES) and (part := re.search(r"\[(\d+)\]$", nodeid)):
            return f"{file} {int(part[1]) % 2}"
        return file


def scheduler(config: pytest.Config, log: Any) -> ByFile:
    """Whatever --dist says."""
    return ByFile(config, log)
