"""What holds the repository together: notebooks, dependencies, lock files, README."""

import ast
import importlib
import inspect
import re
import subprocess
import tomllib
from pathlib import Path

import nbformat
import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
RUN = PROJECT["project"]["dependencies"]
EXTRAS = PROJECT["project"]["optional-dependencies"]
GROUPS = PROJECT["dependency-groups"]
# Where conda-forge calls a package something else.
CONDA = {"duckdb": "python-duckdb", "ibis-framework": "ibis-duckdb", "tzdata": "python-tzdata"}
# Not in the environment: Spark is for those who outgrow one machine, and its package is large.
NOT_IN_CONDA = {"pyspark"}
GIVEN = {"jupyterlab", "lifetimes", "pandas", "matplotlib", "statsmodels", "papermill"}
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
BENCHMARKS = sorted((ROOT / "benchmarks").glob("*.py"))


LOCKS = (
    "requirements.lock",
    "requirements-dev.lock",
    "requirements-lowest.lock",
    "requirements-spark.lock",
)


def bounds(requirements: list[str | dict[str, str]]) -> dict[str, SpecifierSet]:
    """Name → bounds; a group that another includes is counted where it stands itself."""
    own = [Requirement(line) for line in requirements if isinstance(line, str)]
    return {one.name: one.specifier for one in own}


def wanted() -> dict[str, SpecifierSet]:
    """What pyproject.toml asks for, without Spark."""
    everything = [*RUN, *EXTRAS["lab"], *EXTRAS["demo"]]
    for group in GROUPS.values():
        everything += group
    return bounds(everything)


def conda() -> dict[str, SpecifierSet]:
    """What environment.yml asks for, by conda-forge's names."""
    text = (ROOT / "environment.yml").read_text(encoding="utf-8")
    lines = re.findall(r"^\s+- ([a-z][\w.-]*(?:[<>=!][^\s#]*)?)\s*$", text, flags=re.MULTILINE)
    found = bounds([line for line in lines if line not in {"conda-forge", "pip"}])
    del found["python"]
    return found


def locked(name: str) -> dict[str, str]:
    """Name → version of a lock file."""
    text = (ROOT / name).read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z0-9][\w.-]*)==(\S+)", text, flags=re.MULTILINE))


def test_the_conda_environment_has_the_bounds_of_pyproject():
    """Every package by its conda-forge name, none more, none less."""
    expected = {CONDA.get(name, name): spec for name, spec in wanted().items()}
    assert expected == conda()
    assert set(conda()) >= GIVEN


def test_spark_has_a_group_of_its_own():
    """Nobody downloads it who does not ask for it."""
    assert {"calendar", "dask", "demo", "lab", "notices", "postgresql", "spark"} == set(EXTRAS)
    assert {"test", "smoke", "style", "docs", "build"} == set(GROUPS)
    assert not NOT_IN_CONDA & set(locked("requirements-dev.lock"))


@pytest.mark.parametrize("name", LOCKS)
def test_the_lock_satisfies_pyproject(name):
    """Every package asked for is locked at a version within its bounds."""
    versions = locked(name)
    asked = {
        "requirements.lock": bounds([*RUN, *EXTRAS["lab"], *EXTRAS["demo"]]),
        "requirements-dev.lock": wanted(),
        "requirements-lowest.lock": bounds([*RUN, *GROUPS["smoke"], *GROUPS["build"]]),
        "requirements-spark.lock": bounds([*RUN, *EXTRAS["spark"]]),
    }[name]
    assert [] == [n for n, spec in asked.items() if versions.get(n) not in spec]


def test_the_locks_agree():
    """What runs use is what tests saw, with Spark and without."""
    small, large = locked("requirements.lock"), locked("requirements-dev.lock")
    assert small.items() <= large.items()
    spark = locked("requirements-spark.lock")
    assert [] == [name for name in spark.keys() & large.keys() if spark[name] != large[name]]


def test_the_lock_of_oldest_versions_has_each_lower_bound():
    """What is tried with it is what pyproject.toml allows; nothing of it is newer than asked for."""
    text = (ROOT / "requirements-lowest.lock").read_text(encoding="utf-8")
    for name, spec in bounds([*RUN, *GROUPS["smoke"], *GROUPS["build"]]).items():
        lower = next(Version(one.version) for one in spec if one.operator == ">=")
        # A later Python may need a later version, which then has a line of its own.
        locked_at = re.findall(rf"^{re.escape(name)}(?:\[.*\])?==(\S+)", text, flags=re.MULTILINE)
        assert lower == min(map(Version, locked_at)), name


@pytest.mark.parametrize("name", LOCKS)
def test_locks_hold_names_versions_and_hashes_only(name):
    """No address, and a hash for every package."""
    text = (ROOT / name).read_text(encoding="utf-8")
    assert "://" not in text
    for block in re.split(r"\n(?=\S)", text.strip()):
        assert re.match(r"^[a-z0-9][\w.\[\],-]*==\S+", block), block[:60]
        assert "--hash=sha256:" in block


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_notebooks_are_clean_prose(path):
    """No outputs, cells of one to five lines that call the package, parameters tagged."""
    notebook = nbformat.read(path, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(not cell.outputs and cell.execution_count is None for cell in code)
    lengths = [len([line for line in cell.source.split("\n") if line.strip()]) for cell in code]
    assert max(lengths) <= 5
    assert 1 == sum("parameters" in cell.metadata.get("tags", []) for cell in code)
    assert notebook.cells[0].source.startswith("# ")
    assert "?" in notebook.cells[0].source.split("\n")[0]


def test_the_versions_agree():
    """Of the package and of the project."""
    import retention_models

    assert PROJECT["project"]["version"] == retention_models.__version__
    cited = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {retention_models.__version__}\n" in cited


def test_public_names_are_all_there():
    """Everything announced can be had, and has a docstring."""
    import retention_models

    for name in retention_models.__all__:
        assert getattr(retention_models, name).__doc__


@pytest.mark.parametrize("path", BENCHMARKS, ids=lambda path: path.name)
def test_benchmarks_take_what_the_package_has(path):
    """They are run seldom, so a name that was moved would be missed when figures are wanted."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    modules = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules |= {one.asname or one.name: one.name for one in node.names}
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("retention_models"):
            for one in node.names:
                if not hasattr(importlib.import_module(node.module), one.name):
                    importlib.import_module(f"{node.module}.{one.name}")
                if inspect.ismodule(getattr(importlib.import_module(node.module), one.name)):
                    modules[one.asname or one.name] = f"{node.module}.{one.name}"
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            module = modules.get(node.value.id, "")
            if module.startswith("retention_models"):
                assert hasattr(importlib.import_module(module), node.attr), node.attr


def test_links_of_the_readme_lead_somewhere():
    """Files that it names exist."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        assert (ROOT / target).exists(), target


def test_the_top_level_is_what_was_agreed():
    """Nothing lies there that was left by somebody's work, such as a profile of a run."""
    git = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if git.returncode:
        pytest.skip("not a git checkout, so what belongs to the project cannot be told")
    folders = {".ci", "benchmarks", "data", "docs", "notebooks", "reports", "src", "tests"}
    texts = {"README.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE"}
    texts |= {"CITATION.cff", "CODE_OF_CONDUCT.md"}
    files = {".gitignore", "Makefile", "environment.yml", "pyproject.toml"}
    found = {line.split("/")[0] for line in git.stdout.splitlines() if (ROOT / line).exists()}
    assert folders | set(LOCKS) | texts | files == found
