"""Fixtures shared by the tests."""

from __future__ import annotations

import gc
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd
import pytest

import grocery_data
import page_kinds
import sharing
import shops
import tiers
from browsers import fetch_axe
from engines import why_not
from retention_models.project.demonstration import write_demo
from retention_models.runs.run import RunResult, run_project

# A helper's assertion shows its values, as a test's does.
pytest.register_assert_rewrite("faulty_shops", "nights")

NO_SKIPS = "RETENTION_MODELS_NO_SKIPS"
STRANGE_ID = "<b>&../x"


def skip_or_fail(reason: str) -> None:
    """Skip with a printed reason, unless skips are forbidden."""
    if os.environ.get(NO_SKIPS):
        pytest.fail(f"{reason}, and {NO_SKIPS} is set")
    pytest.skip(reason)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Import no file that holds none of the session's tests."""
    if collection_path.is_dir():
        return None
    return sharing.has_none(collection_path, config.option.markexpr) or None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first; xdist's own order goes by the number of tests."""
    for item in items:
        if isinstance(item, pytest.DoctestItem) and sharing.is_source(item.path):
            item.add_marker(pytest.mark.slow)
    sharing.longest_first(items)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Look for garbage less often, and never among modules: a sixth of the tests' time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """Files stay together; xdist's groups do not reach the scheduler under pytest 9."""
    return sharing.scheduler(config, log)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Of a nightly run, `docs/` keeps the figures."""
    if tiers.NIGHTLY:
        kinds = ("passed", "failed", "error")
        told = (one for kind in kinds for one in terminalreporter.stats.get(kind, []))
        tiers.write_page(one for one in told if one.when == "call" or one.failed)


@pytest.fixture(scope="session")
def cdnow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The CDNOW project's file."""
    return write_demo(tmp_path_factory.mktemp("cdnow"), "cdnow")


@pytest.fixture(scope="session")
def grocery(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The grocery project's file."""
    return sharing.made_once(tmp_path_factory, "grocery", lambda f: write_demo(f, "grocery"))


@pytest.fixture(scope="session")
def small_grocery(grocery: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project file of its eight stores' lines and two campaigns, for what runs once more."""
    return sharing.made_once(
        tmp_path_factory, "small_grocery", lambda f: grocery_data.write_small(grocery, f)
    )


@pytest.fixture(scope="session")
def chain_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A chain with an ordinary store, one of one customer, an empty one and one with a strange id."""
    log = pd.concat(
        [
            shops.simulated_log(160, seed=7),
            shops.simulated_log(1, seed=1, shop="single"),
            shops.simulated_log(40, seed=3, shop=STRANGE_ID, a=0.01, b=5.0),
        ]
    )
    stores = ["0042", "single", "empty", STRANGE_ID]
    return shops.write_project(tmp_path_factory.mktemp("chain"), log, stores)


@pytest.fixture(scope="session")
def chain_run(chain_project: Path, tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    """The chain's pages, made once for all processes of the tests."""
    return sharing.made_once(
        tmp_path_factory, "pages", lambda f: run_project(chain_project, output=f, jobs=2)
    )


@pytest.fixture(scope="session")
def kinds_run(tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    """Pages of every kind of store and campaign, made once for all processes of the tests."""
    return sharing.made_once(
        tmp_path_factory, "kinds", lambda f: run_project(page_kinds.write_chain(f), jobs=2)
    )


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of the system's Chromium."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        skip_or_fail("Chromium is not installed (Debian: chromium)")
    return str(found)


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Any]:
    """Headless Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=chromium,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def axe(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The source of axe-core, kept in pytest's cache."""
    npm = shutil.which("npm")
    if npm is None:
        skip_or_fail("npm is not installed (Debian: npm)")
    cache = getattr(request.config, "cache", None)  # -p no:cacheprovider: there is none
    folder = tmp_path_factory.mktemp("axe") if cache is None else cache.mkdir("axe-core")
    try:
        return fetch_axe(str(npm), folder)
    except (subprocess.SubprocessError, OSError) as error:
        skip_or_fail(f"axe-core could not be fetched with npm ({error})")
        raise


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """URL of a real PostgreSQL, started for the tests.

    Not below pytest's own folder: for root the server runs as another user, and every session of
    pytest that begins on the machine shuts that folder to others, which ends the server at its
    next checkpoint.
    """
    missing = why_not("postgresql")
    if missing:
        skip_or_fail(missing)
    with TemporaryDirectory(prefix="pg-") as folder:
        with pytest.MonkeyPatch.context() as patch:
            # Where its socket goes; without a user's session there is no such folder.
            patch.setenv("XDG_RUNTIME_DIR", folder)
            import pgserver

            server = pgserver.get_server(Path(folder, "data"), cleanup_mode="delete")
        yield server.get_uri()
        # Its last processes remove files of the folder themselves.
        with suppress(FileNotFoundError):
            server.cleanup()
