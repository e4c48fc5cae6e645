"""Packages imported in part are whole for everyone else. Each test in a fresh process."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import retention_models as rm


def _run(lines: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", lines], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.slow
def test_what_is_not_needed_is_not_imported():
    """Neither scipy's optimiser nor other databases' compilers are read for an analysis of files."""
    found = _run(
        "import sys, retention_models as rm; rm.read_transactions; rm.BetaGeoFitter\n"
        "print([name for name in ('scipy.optimize', 'scipy.stats',"
        " 'ibis.backends.sql.compilers.trino') if name in sys.modules])"
    )
    assert found == "[]"


@pytest.mark.slow
def test_neither_a_run_nor_a_page_imports_statistics_that_take_a_second():
    """But where a page of campaigns asks for it."""
    found = _run(
        "import sys, retention_models.runs.run, retention_models.project.store\n"
        "import retention_models.pages.store.words, retention_models.pages.store.figures\n"
        "print({'statsmodels', 'scipy.stats'} & set(sys.modules))"
    )
    assert found == "set()"


@pytest.mark.slow
def test_what_others_ask_for_is_there():
    """The package's own names, submodules both ways, and other dialects of SQL."""
    found = _run(
        "import retention_models as rm; rm.read_transactions; rm.BetaGeoFitter\n"
        "import ibis, ibis.backends.sql.compilers as sc\n"
        "from ibis.backends.sql.compilers import TrinoCompiler, DuckDBCompiler\n"
        "assert sc.duckdb.DuckDBCompiler is DuckDBCompiler and sc.trino.TrinoCompiler\n"
        "import autograd.scipy, autograd.scipy.stats, scipy.optimize\n"
        "assert autograd.scipy.stats and autograd.scipy.special and scipy.optimize.minimize\n"
        "print(ibis.to_sql(ibis.table({'a': 'int'}, name='t').a.sum(), dialect='postgres'))"
    )
    assert found.startswith("SELECT")


@pytest.mark.slow
def test_a_run_builds_no_grammar_of_addresses():
    """Two seconds of every run; nor is it hidden from whoever asks for it afterwards."""
    found = _run(
        "import sys, retention_models.runs.run, retention_models.pages.html.render\n"
        "print('rfc3987_syntax' in sys.modules)"
    )
    assert found == "False"


@pytest.mark.slow
def test_lifetimes_own_search_still_runs():
    """The BG/BB on its donations has the published δ = 2.783 (REF: Fader, Hardie & Shang 2010)."""
    found = _run(
        "import warnings; warnings.simplefilter('ignore')\n"
        "import retention_models as rm; rm.BetaGeoFitter\n"
        "import lifetimes\n"
        "from lifetimes.datasets import load_donations\n"
        "d = load_donations()\n"
        "fit = lifetimes.BetaGeoBetaBinomFitter().fit("
        "d['frequency'], d['recency'], d['periods'], d['weights'])\n"
        "print(f\"{fit.params_['delta']:.3f}\")"
    )
    assert found == "2.783"


@pytest.mark.slow
def test_completing_the_packages_names_loads_none_of_them():
    """What JupyterLab asks at `rm.`; a class that is asked about alone is loaded, with its methods."""
    found = _run(
        "import sys, time, jedi, retention_models as rm\n"
        "names = jedi.Interpreter('rm.', [{'rm': rm}]).complete()\n"
        "told = {name.name: name.type for name in names}\n"
        "print(set(rm.__all__) <= set(told), {'pandas', 'numpy'} & set(sys.modules))\n"
        "time.sleep(0.4)  # whoever types\n"
        "names = jedi.Interpreter('rm.CannotSay.', [{'rm': rm}]).complete()\n"
        "print('with_traceback' in {name.name for name in names}, 'CannotSay' in vars(rm))"
    )
    assert found.splitlines() == ["True set()", "True True"]


def test_a_name_can_be_replaced_before_and_after_its_use(monkeypatch):
    """As of any module: of a package whose names wait, tests and notebooks replace some."""
    for name in ("next_purchase", "next_purchase"):
        before = getattr(rm, name)
        monkeypatch.setattr(rm, name, 1)
        assert getattr(rm, name) == 1
        monkeypatch.undo()
        assert getattr(rm, name) is before
    assert "__version__" in dir(rm)


def test_type_checkers_and_editors_are_told_every_name_from_its_place():
    """The stub beside the package imports what is loaded when first used, and nothing else."""
    stub = ast.parse(Path(rm.__file__).with_suffix(".pyi").read_text(encoding="utf-8"))
    told = {
        alias.asname: (node.module, alias.name)
        for node in stub.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    loaded = {name: (f"retention_models.{place}", name) for name, place in rm._WHERE.items()}
    assert loaded == told
    assert set(rm.__all__) < set(dir(rm))
