"""Build the documentation as a site: `build.py OUTPUT [--quick]`, without a network.

Guides, method notes and glossary as they stand in the repository; every public name from its docstring;
every notebook, executed on the demonstration and shown with what came out (`--quick`: as it stands).
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from nbclient import NotebookClient
from nbconvert import MarkdownExporter
from sphinx.cmd.build import build_main

import retention_models as rm

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "tests/helpers"))
from api_document import ROOMS, described  # noqa: E402 - of the repository, and not installed

NOTEBOOKS = ["start_here", "compare_models", "store_report", "plan_a_campaign", "campaign_report"]
GUIDES = {
    "First": ["README", "data/README", "reports/README", "docs/from_lifetimes", "docs/glossary"],
    "Notebooks": [f"notebooks/{name}" for name in NOTEBOOKS],
    "Methods": [
        *("docs/models/purchases_and_spend", "docs/models/mid_life", "docs/models/regular"),
        *("docs/models/seasons", "docs/models/channels", "docs/rfm", "docs/measures"),
        *("docs/campaigns", "docs/list_tests", "docs/campaign_simulations", "docs/forecasts"),
    ],
    "Every night": ["docs/scheduling", "docs/manifest"],
    "Languages": ["docs/glossary_tr", "docs/glossary_hu", "docs/glossary_fa"],
    "The code": ["docs/architecture", "docs/api", "docs/nightly", "CONTRIBUTING", "CHANGELOG"],
}
_listed = {name for names in GUIDES.values() for name in names}
_pages = sorted(str(page.relative_to(ROOT).with_suffix("")) for page in ROOT.glob("docs/**/*.md"))
GUIDES["Methods"] += [name for name in _pages if name not in _listed]
# Where a page's own heading does not tell it from the others.
TITLES = {"README": "Overview", "data/README": "The data", "reports/README": "What a run writes"}
# What pages show or lead to, beside pages.
FILES = [
    "docs/store_page.png",
    "docs/jupyterlab.png",
    "src/retention_models/runs/publishing/manifest.schema.json",
]
# Classes that docstrings lead to, though no public name is theirs.
SHARED = {"models": ["models.fitters.PurchaseFitter"]}


def guides(stage: Path) -> None:
    """Copy every page that a reader is led to, where it stands in the repository."""
    for name in (name for names in GUIDES.values() for name in names):
        source = ROOT / f"{name}.md"
        if not source.is_file():  # a notebook
            continue
        target = stage / f"{name}.md"
        target.parent.mkdir(parents=True, exist_ok=True)
        text = source.read_text(encoding="utf-8")
        target.write_text(re.sub(r"\.ipynb\)", ".md)", text), encoding="utf-8")
    for name in FILES:
        (stage / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, stage / name)


def reference(stage: Path) -> None:
    """Write a page per room, with every public name and its docstring."""
    folder = stage / "reference"
    folder.mkdir()
    names: dict[str, list[str]] = {room: [] for room in ROOMS}
    for name in sorted(rm.__all__, key=str.lower):
        names[described(name)[0]].append(name)
    for room, found in names.items():
        title = f"{room.capitalize()}: {ROOMS[room]}"
        parts = [title, "=" * len(title), "", ".. currentmodule:: retention_models", ""]
        parts += [line for name in found for line in _entry(name)]
        for name in SHARED.get(room, []):
            parts += [f".. autoclass:: retention_models.{name}", "   :members:", ""]
        (folder / f"{room}.rst").write_text("\n".join(parts), encoding="utf-8")


def _entry(name: str) -> Iterator[str]:
    found = getattr(rm, name)
    kind = "autoclass" if isinstance(found, type) else "autofunction" if callable(found) else "data"
    yield f".. {kind}:: {name}"
    if kind == "autoclass":
        yield "   :members:"
    if kind == "data":
        yield f"\n   {described(name)[1]}"
    yield ""


def notebooks(stage: Path, *, execute: bool) -> None:
    """Show every notebook, with outputs where it is executed, beside the demonstration's project."""
    folder = stage / "notebooks"
    folder.mkdir()
    export = MarkdownExporter()
    with TemporaryDirectory() as project:
        place = Path(project, "notebooks")
        place.mkdir()
        if execute:
            rm.write_demo(project)
        for name in NOTEBOOKS:
            notebook = nbformat.read(ROOT / f"notebooks/{name}.ipynb", as_version=4)
            if execute:
                print(f"executing {name}.ipynb", file=sys.stderr)
                NotebookClient(
                    notebook, timeout=600, resources={"metadata": {"path": str(place)}}
                ).execute()
            text, resources = export.from_notebook_node(notebook)
            for file, content in resources["outputs"].items():
                (folder / f"{name}_{file}").write_bytes(content)
                text = text.replace(f"({file})", f"({name}_{file})")
            text = re.sub(r"\.ipynb\)", ".md)", text)
            (folder / f"{name}.md").write_text(text, encoding="utf-8")


def index(stage: Path) -> None:
    """Write the first page: what leads where."""
    parts = ["# retention_models", "", "[What it does, and two commands](README.md).", ""]
    for title, names in {**GUIDES, "Reference": [f"reference/{room}" for room in ROOMS]}.items():
        entries = [f"{TITLES[name]} <{name}>" if name in TITLES else name for name in names]
        parts += ["```{toctree}", f":caption: {title}", ":maxdepth: 1", "", *entries, "```", ""]
    (stage / "index.md").write_text("\n".join(parts), encoding="utf-8")


def build(output: Path, *, execute: bool) -> int:
    """Build the site; Sphinx's exit code. A warning, such as of a link into nothing, is an error."""
    with TemporaryDirectory() as temporary:
        stage = Path(temporary, "source")
        (stage / "docs").mkdir(parents=True)
        guides(stage)
        reference(stage)
        notebooks(stage, execute=execute)
        index(stage)
        shutil.copy(HERE / "conf.py", stage)
        (stage / "_static").mkdir()
        shutil.copy(HERE / "site.css", stage / "_static")
        doctrees = str(Path(temporary, "doctrees"))
        return build_main(["-q", "-W", "--keep-going", "-d", doctrees, str(stage), str(output)])


def main() -> None:
    """Build to a folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output", type=Path)
    parser.add_argument("--quick", action="store_true", help="leave notebooks as they stand")
    given = parser.parse_args()
    code = build(given.output, execute=not given.quick)
    if code == 0:
        print(given.output / "index.html")
    sys.exit(code)


if __name__ == "__main__":
    main()
