"""A run: folders, failures, what stays and what is asked for."""

import datetime as dt
import json
from pathlib import Path

import nbformat
import pytest

import shops
from notebooks import GOOD, failing_notebook
from retention_models.pages.html.kinds import store_folder
from retention_models.runs.run import run_project
from retention_models.settings.reading import read_settings

ROOT = Path(__file__).parents[2]


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


@pytest.mark.slow
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
    assert ["published", "failed", "kernel died"] == [o.status for o in result.outcomes]
    folder = result.index.parent
    bad = (folder / "bad" / "store_report.html").read_text(encoding="utf-8")
    assert "failed with KeyError" in bad
    assert "secret" not in bad
    assert "secret <detail>" in (folder / "bad" / "failure.txt").read_text(encoding="utf-8")
    dead = (folder / "dead" / "store_report.html").read_text(encoding="utf-8")
    assert "The process that ran its notebook died with exit code 9." in dead
    index = result.index.read_text(encoding="utf-8")
    assert "Store <bdi>bad</bdi>: no new page" in index
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert ["published", "failed", "kernel died"] == [s["outcome"] for s in manifest["stores"]]
    assert not list(folder.glob(".*"))


@pytest.mark.nightly
def test_a_run_speaks_the_language_of_its_pages(tmp_path):
    """What failed is told in it; what tells whoever mends it stays English."""
    (tmp_path / "de.po").write_text(
        'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\n'
        'msgid "Cell {cell} of its notebook failed with {error}."\n'
        'msgstr "Zelle {cell} brach ab: {error}."\n',
        encoding="utf-8",
    )
    extra = '[reports]\nnotebook = "mine.ipynb"\nlanguage = "de"\ntranslation = "de.po"'
    project = shops.write_project(tmp_path, shops.simulated_log(20, seed=1), ["0042"], extra=extra)
    failing_notebook(tmp_path, "1 / 0")
    folder = run_project(project).index.parent / "0042"
    page = (folder / "store_report.html").read_text(encoding="utf-8")
    assert "Zelle 2 brach ab: ZeroDivisionError." in page
    details = (folder / "failure.txt").read_text(encoding="utf-8")
    assert "of its notebook failed with ZeroDivisionError." in details


@pytest.mark.slow
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
    assert "Its page as of 31 December 2023 is kept." in result.index.read_text(encoding="utf-8")
    assert "ZeroDivisionError" in (folder / "0042" / "failure.txt").read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_failure_is_never_taken_for_a_good_page(tmp_path):
    """Numbers written before the notebook failed go with it, and the next failure says no more."""
    extra = '[reports]\nnotebook = "mine.ipynb"'
    project = shops.write_project(tmp_path, shops.simulated_log(20, seed=1), ["0042"], extra=extra)
    failing_notebook(tmp_path, GOOD + "1 / 0")
    for _ in range(2):
        result = run_project(project)
        assert "failed" == result.failed[0].status
        folder = result.index.parent / "0042"
        assert "could not be made" in (folder / "store_report.html").read_text(encoding="utf-8")
        assert not (folder / "metrics.json").exists()


@pytest.mark.slow
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


@pytest.mark.slow
def test_one_store_and_another_day_can_be_asked_for(chain_project, tmp_path):
    """`--store`, `--as-of` and `--output`."""
    result = run_project(
        chain_project, stores=["single"], as_of=dt.date(2023, 6, 30), output=tmp_path
    )
    assert tmp_path / "2023-06-30" / "index.html" == result.index
    assert ["single"] == [o.store_id for o in result.outcomes]


@pytest.mark.slow
def test_failed_stores_are_exit_code_1(tmp_path, monkeypatch, capsys):
    """The index is there all the same, and its path on stdout."""
    from retention_models import cli

    extra = '[reports]\nnotebook = "mine.ipynb"'
    project = shops.write_project(tmp_path, shops.simulated_log(20, seed=1), ["0042"], extra=extra)
    failing_notebook(tmp_path, "1 / 0")
    monkeypatch.setattr("sys.argv", ["retention", "run", str(project)])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    assert 1 == caught.value.code
    printed = capsys.readouterr()
    assert Path(printed.out.strip()).is_file()
    assert "[1/1] store 0042: failed" in printed.err


def run_by_hand(name: str, folder: Path, grocery: Path) -> list:
    """Outputs of a notebook run from notebooks/, with the parameters that it has."""
    from nbclient import NotebookClient

    settings = read_settings(grocery)
    text, offers = grocery.read_text(encoding="utf-8"), settings.campaign_data
    for path in (settings.transactions.source, offers.assignments, offers.redemptions):
        text = text.replace(path, settings.path(path))
    (folder.parent / "retention.toml").write_text(text, encoding="utf-8")
    folder.mkdir()
    notebook = nbformat.read(ROOT / "notebooks" / name, as_version=4)
    done = NotebookClient(
        notebook, timeout=300, resources={"metadata": {"path": str(folder)}}
    ).execute()
    shown = [o for cell in done.cells for o in cell.get("outputs", [])]
    assert [] == [o for o in shown if o["output_type"] in {"error", "stream"}]
    assert [] == list(folder.iterdir())
    return shown


@pytest.mark.nightly
def test_the_notebook_runs_by_hand_as_it_stands(tmp_path, small_grocery):
    """From notebooks/, with the parameters that it has, as in JupyterLab; it writes nothing."""
    shown = run_by_hand("store_report.ipynb", tmp_path / "notebooks", small_grocery)
    # Six figures, and the lines of three of the four points.
    assert 9 == sum("image/svg+xml" in o.get("data", {}) for o in shown)


@pytest.mark.nightly
def test_a_campaigns_notebook_runs_by_hand_as_it_stands(tmp_path, grocery):
    """Two pictures of the campaign that it names, and the checks."""
    shown = run_by_hand("campaign_report.ipynb", tmp_path / "notebooks", grocery)
    assert 2 == sum("image/svg+xml" in o.get("data", {}) for o in shown)


@pytest.mark.slow
def test_the_first_notebook_runs_by_hand_as_it_stands(tmp_path, small_grocery):
    """Results show themselves as tables, one as a picture; no project file is asked for."""
    data = tmp_path / "data" / "raw"
    data.mkdir(parents=True)
    settings = read_settings(small_grocery)
    (data / "transactions.parquet").symlink_to(settings.path(settings.transactions.source))
    shown = run_by_hand("start_here.ipynb", tmp_path / "notebooks", small_grocery)
    assert 1 == sum("image/png" in o.get("data", {}) for o in shown)
    text = " ".join(o["data"].get("text/html", "") for o in shown if "data" in o)
    for said in ("Transactions of ", "BetaGeoFitter", "held against", "customers still"):
        assert said in text


@pytest.mark.nightly
def test_the_comparison_of_models_runs_by_hand_as_it_stands(tmp_path, grocery):
    """Two figures, the four models, and a sentence that says which to use."""
    shown = run_by_hand("compare_models.ipynb", tmp_path / "notebooks", grocery)
    assert 2 == sum("image/svg+xml" in o.get("data", {}) for o in shown)
    text = " ".join(o["data"].get("text/html", "") for o in shown if "data" in o)
    for caption in ("BG/NBD", "MBG/NBD", "Pareto/NBD", "Gamma-Gamma", "The weeks held out"):
        assert f"<caption>{caption}</caption>" in text
    assert "Use the " in text
    assert 'class="refusal"' not in text
