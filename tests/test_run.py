"""A run from transactions to pages, with every kind of store."""

import datetime as dt
import hashlib
import json
from pathlib import Path

import nbformat
import pytest

import shops
from conftest import STRANGE_ID
from retention_models.reports.run import run_project
from retention_models.reports.store_page import store_folder

FOLDERS = {"0042": "0042", "single": "single", "empty": "empty", STRANGE_ID: "%3Cb%3E%26%2E%2E%2Fx"}


# The chain's pages are made once, by the worker that has all the tests which read them.
on_the_chain = pytest.mark.xdist_group("chain")


@pytest.fixture
def folder(chain_run) -> Path:
    """Folder of the chain's pages."""
    return chain_run.index.parent


def page(folder: Path, store: str) -> str:
    """A store's page."""
    return (folder / FOLDERS[store] / "store_report.html").read_text(encoding="utf-8")


@on_the_chain
def test_every_store_gets_its_page_and_files(chain_run, folder):
    """In a folder by the last day and the store's id, and nothing else is left behind."""
    assert () == chain_run.failed
    assert "2023-12-31" == folder.name
    assert {"index.html", "manifest.json", *FOLDERS.values()} == {p.name for p in folder.iterdir()}
    for name in FOLDERS.values():
        assert {"customers.csv", "metrics.json", "store_report.html", "store_report.ipynb"} == {
            p.name for p in (folder / name).iterdir()
        }


@on_the_chain
def test_store_ids_reach_the_notebook_as_text(folder):
    """0042 is not 42, and a strange id is not markup."""
    for store, name in FOLDERS.items():
        assert store == json.loads((folder / name / "metrics.json").read_text())["store"]
    assert "&lt;b&gt;&amp;../x" in page(folder, STRANGE_ID)
    assert "<b>" not in page(folder, STRANGE_ID)


@on_the_chain
def test_an_ordinary_page_answers_every_question(folder):
    """Six figures, each with its sentence as alternative text."""
    text = page(folder, "0042")
    assert "High Street" in text
    assert "Corner &lt;Shops&gt;" in text
    assert 6 == text.count("<figure>")
    assert 'alt=""' not in text
    for heading in ("How is the store doing?", "Who came back?", "How do they buy?"):
        assert heading in text
    for heading in ("Can we trust this?", "Who is still a customer?", "What are they worth?"):
        assert heading in text


@on_the_chain
def test_pages_of_stores_that_cannot_carry_answers_say_so(folder):
    """In words, in the answer's place, without a figure."""
    for store, words in (
        ("empty", "The data hold no purchase at store empty up to 2023-12-31"),
        ("single", "The store has one customer so far"),
    ):
        text = page(folder, store)
        assert words in text
        assert "<figure>" not in text
        assert "Traceback" not in text


@on_the_chain
def test_code_is_not_on_the_page(folder):
    """A manager's page is no program."""
    assert "import retention_models" not in page(folder, "0042")
    assert "project_file" not in page(folder, "0042")


@on_the_chain
def test_pages_are_small(folder):
    """400 KB at most."""
    for store in FOLDERS:
        assert len(page(folder, store).encode()) <= 400_000


@on_the_chain
def test_the_index_names_every_store_with_its_numbers_or_why_not(folder):
    """Names escaped, links quoted twice over where folder names are."""
    text = (folder / "index.html").read_text(encoding="utf-8")
    assert 'href="0042/store_report.html">High Street' in text
    assert 'href="%253Cb%253E%2526%252E%252E%252Fx/store_report.html"' in text
    assert "The data hold no purchase at store empty" in text


@on_the_chain
def test_the_manifest_tells_what_became_of_every_store(folder):
    """With the sha256 of every file."""
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert "2023-12-31" == manifest["as_of"]
    assert list(FOLDERS) == [entry["store"] for entry in manifest["stores"]]
    for entry in manifest["stores"]:
        assert "published" == entry["status"]
        for name, digest in entry["sha256"].items():
            content = (folder / entry["folder"] / name).read_bytes()
            assert digest == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize(
    "store", ["..", ".", "a/b", "a\\b", "CON:", "x y", "%41", "ü", "{store_id}"]
)
def test_no_store_id_leaves_its_folder(store, tmp_path):
    """Whatever the id, its folder lies in the run's."""
    name = store_folder(store)
    assert tmp_path == (tmp_path / name).resolve().parent
    assert set(name) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_%")


def test_folders_of_different_ids_differ():
    """Encoding loses nothing."""
    ids = ["a.b", "a%2Eb", "a/b", "a%2Fb", "ab", "../x", "%2E%2E%2Fx"]
    assert len(ids) == len({store_folder(i) for i in ids})


def failing_notebook(folder: Path, code: str) -> None:
    """A notebook with the right parameters that does something wrong."""
    parameters = nbformat.v4.new_code_cell(
        'project_file = ""\nstore_id = ""\nas_of = ""\noutput_folder = ""'
    )
    parameters.metadata["tags"] = ["parameters"]
    nb = nbformat.v4.new_notebook(cells=[parameters, nbformat.v4.new_code_cell(code)])
    nb.metadata["kernelspec"] = {
        "name": "python3",
        "display_name": "Python 3",
        "language": "python",
    }
    nbformat.write(nb, folder / "mine.ipynb")


GOOD = """
import json, pathlib
none = {"value": None, "reason": "-"}
measures = dict.fromkeys(["customers", "repeat_customer_rate", "spend_per_order"], none)
forecast = dict.fromkeys(["still_customers", "purchases", "value"], none)
made = {"measures": measures, "forecast": forecast, "forecast_verdict": none}
pathlib.Path(output_folder, "metrics.json").write_text(json.dumps(made))
"""


def test_a_store_that_fails_does_not_stop_the_others(tmp_path):
    """Its page says what failed, the details lie beside it, and the index tells."""
    project = shops.write_project(
        tmp_path,
        shops.simulated_log(20, seed=1),
        ["0042", "bad", "dead"],
        extra='[reports]\nnotebook = "mine.ipynb"',
    )
    code = GOOD + (
        'if store_id == "bad":\n    raise KeyError("secret <detail>")\n'
        'if store_id == "dead":\n    import os; os._exit(9)\n'
    )
    failing_notebook(tmp_path, code)
    result = run_project(project, jobs=2)
    assert ["published", "failed", "failed"] == [o.status for o in result.outcomes]
    folder = result.index.parent
    bad = (folder / "bad" / "store_report.html").read_text(encoding="utf-8")
    assert "failed with KeyError" in bad
    assert "secret" not in bad
    assert "secret <detail>" in (folder / "bad" / "failure.txt").read_text(encoding="utf-8")
    dead = (folder / "dead" / "store_report.html").read_text(encoding="utf-8")
    assert "The process that ran its notebook died." in dead
    index = result.index.read_text(encoding="utf-8")
    assert "Store bad: no new page" in index
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert ["published", "failed", "failed"] == [s["status"] for s in manifest["stores"]]
    assert not list(folder.glob(".*"))


def test_a_good_page_of_an_earlier_run_stays_when_todays_fails(tmp_path):
    """Its readers lose nothing, and the index says so."""
    project = shops.write_project(
        tmp_path,
        shops.simulated_log(20, seed=1),
        ["0042"],
        extra='[reports]\nnotebook = "mine.ipynb"',
    )
    failing_notebook(tmp_path, GOOD + 'print("the good page")')
    run_project(project)
    failing_notebook(tmp_path, "1 / 0")
    result = run_project(project)
    folder = result.index.parent
    assert "the good page" in (folder / "0042" / "store_report.html").read_text(encoding="utf-8")
    assert "The page of an earlier run is kept." in result.index.read_text(encoding="utf-8")
    assert "ZeroDivisionError" in (folder / "0042" / "failure.txt").read_text(encoding="utf-8")


def test_a_page_that_reaches_outside_is_not_published(tmp_path):
    """The lint stands between the notebook and its readers."""
    project = shops.write_project(
        tmp_path,
        shops.simulated_log(20, seed=1),
        ["0042"],
        extra='[reports]\nnotebook = "mine.ipynb"',
    )
    code = GOOD + (
        "from IPython.display import display\n"
        'display({"text/html": "<script>fetch(1)</script><p onclick=x()>kept</p>"}, raw=True)\n'
        'display({"image/png": "\\" onerror=\\"x()"}, raw=True)'
    )
    failing_notebook(tmp_path, code)
    result = run_project(project)
    text = (result.index.parent / "0042" / "store_report.html").read_text(encoding="utf-8")
    assert "<script" not in text
    assert "onclick" not in text
    assert "onerror=" not in text


def test_one_store_and_another_day_can_be_asked_for(chain_project, tmp_path):
    """`--store`, `--as-of` and `--output`."""
    result = run_project(
        chain_project, stores=["single"], as_of=dt.date(2023, 6, 30), output=tmp_path
    )
    assert tmp_path / "2023-06-30" / "index.html" == result.index
    assert ["single"] == [o.store_id for o in result.outcomes]
