"""What readers find: new pages, old ones under a banner, failures in words, the newest run."""

import datetime as dt
import json
import os
import shutil
from dataclasses import replace

import nbformat
import pytest

import nights
from retention_models.pages.html.checks import PageError, form_of, lint, require_forms
from retention_models.runs.publishing.files import hashes, point_to

DAYS = [nights.DAY + dt.timedelta(days=n) for n in range(5)]
STORES = ("a", "b")


@pytest.fixture
def real_night(tmp_path, monkeypatch):
    """A function that makes a night of the project."""
    monkeypatch.setattr(os, "fsync", lambda handle: None)
    settings = nights.settings_in(tmp_path, STORES)

    def run(becomes=nights.good, *, stores=STORES, **more):
        return nights.run_night(
            nights.plan_for(settings, tmp_path / "reports", stores, **more), becomes
        )

    return run


@pytest.fixture
def night(real_night, monkeypatch):
    """The same with pages that are made quickly."""
    nights.without_nbconvert(monkeypatch)
    return real_night


def page_of(manifest, store="a") -> str:
    """A store's page."""
    return (manifest.folder / store / "store_report.html").read_text(encoding="utf-8")


def test_the_last_good_page_stays_under_a_banner_night_after_night(night):
    """With its day, and since when it has failed; the next good one has no banner."""
    first = night(day=DAYS[0])
    for n in (1, 2):
        manifest = night(nights.bad, day=DAYS[n])
        page = page_of(manifest)
        assert "the good page" in page
        assert 1 == page.count('<p class="failure old" role="status">')
        assert "This page is old: it shows the store as of 31 December 2023" in page
        assert "Cell 5 of its notebook failed with KeyError." in page
        assert "it broke" not in page
        entry = manifest.stores["a"]
        assert ("kept", first.head["run"]) == (entry["outcome"], entry["page"]["run"])
        assert DAYS[1].isoformat() == entry["failure"]["since"]["as_of"]
        assert "Traceback: it broke" in (manifest.folder / "a" / "failure.txt").read_text()
        assert (manifest.folder / "a" / "failed_report.ipynb").exists()
        index = (manifest.folder / "index.html").read_text(encoding="utf-8")
        assert "Its page as of 31 December 2023 is kept." in index
    assert "It has failed in every run since the one as of 1 January 2024" in page
    good = night(day=DAYS[3])
    assert "This page is old" not in page_of(good)
    assert not (good.folder / "a" / "failure.txt").exists()
    broken = night(nights.bad, day=DAYS[4])
    assert DAYS[4].isoformat() == broken.stores["a"]["failure"]["since"]["as_of"]


@pytest.mark.parametrize("remove", [False, True])
def test_a_page_that_another_notebook_wrote_over_is_taken_back(night, remove):
    """With no page to keep it says so, and with one keeps it; the index has no number of it."""

    def intruder(store_id, folder):
        other = folder.parent / "a"
        if store_id == "b" and remove:
            shutil.rmtree(other)
        elif store_id == "b":
            (other / "metrics.json").write_text("{}", encoding="utf-8")
        return nights.good(store_id, folder)

    manifest = night(intruder)
    assert {"a": "failed", "b": "published"} == nights.outcomes(manifest)
    assert "page" == manifest.stores["a"]["failure"]["kind"]
    assert "could not be made" in page_of(manifest)
    said = (manifest.folder / "a" / "failure.txt").read_text(encoding="utf-8")
    assert "Its files were changed after they were published." == said
    index = (manifest.folder / "index.html").read_text(encoding="utf-8")
    assert "Its page did not pass the last check." in index
    assert {"a": "published", "b": "skipped"} == nights.outcomes(night())
    later = night(intruder, day=DAYS[1])
    assert {"a": "kept", "b": "published"} == nights.outcomes(later)
    assert "This page is old" in page_of(later)
    for store_id in STORES:
        assert hashes(later.folder / store_id) == later.stores[store_id]["files"]


def test_a_backfill_does_not_show_tomorrows_page(night):
    """A page of a later day is no old page, and `latest` stays with the newest day."""
    night(day=DAYS[2])
    manifest = night(nights.bad, day=DAYS[0])
    assert "failed" == manifest.stores["a"]["outcome"]
    assert DAYS[2].isoformat() == os.readlink(manifest.folder.parent / "latest")


def test_a_page_that_was_changed_by_hand_is_neither_kept_nor_skipped(night):
    """What stands there is no longer what a run made."""
    first = night()
    (first.folder / "a" / "customers.csv").write_text("mine", encoding="utf-8")
    assert {"a": "published", "b": "skipped"} == nights.outcomes(night())
    (first.folder / "a" / "customers.csv").write_text("mine", encoding="utf-8")
    manifest = night(nights.bad, day=DAYS[1])
    assert {"a": "failed", "b": "kept"} == nights.outcomes(manifest)


def test_unchanged_stores_are_skipped_and_force_overrides(night):
    """Data, code or parameters that differ make them anew; a failure is always tried again."""
    run = night()
    again = night()
    assert {"a": "skipped", "b": "skipped"} == nights.outcomes(again)
    assert run.head["run"] == again.stores["a"]["page"]["run"]
    assert {"a": "published", "b": "published"} == nights.outcomes(night(force=True))
    assert {"a": "published", "b": "published"} == nights.outcomes(night(data="other"))
    night(nights.bad, data="third")
    assert {"a": "published", "b": "published"} == nights.outcomes(night(data="third"))


def test_a_run_over_some_stores_leaves_the_others_and_latest_as_they_are(night):
    """Their entries stay in the manifest, with their run, and their rows in the index."""
    first = night(day=DAYS[0])
    manifest = night(day=DAYS[0], stores=("b",), stores_asked=("b",), force=True)
    assert "published" == manifest.stores["b"]["outcome"]
    assert first.head["run"] == manifest.stores["a"]["run"]
    assert 2 == (manifest.folder / "index.html").read_text(encoding="utf-8").count(
        "store_report.html"
    )


def test_only_runs_over_all_stores_become_the_latest(night, tmp_path):
    """Whoever looks there expects every store."""
    night(day=DAYS[0])
    settings = nights.settings_in(tmp_path, STORES)
    plan = nights.plan_for(settings, tmp_path / "reports", ("b",), day=DAYS[1], stores_asked=("b",))
    nights.run_night(plan)
    assert DAYS[0].isoformat() == os.readlink(tmp_path / "reports" / "latest")


def test_the_latest_does_not_stay_with_a_day_that_was_a_mistake(night):
    """A date far ahead is repaired: the next run is of fewer days, and is what readers find."""
    night(day=dt.date(2026, 1, 1))
    manifest = night(day=DAYS[0], day_asked=False)
    assert DAYS[0].isoformat() == os.readlink(manifest.folder.parent / "latest")


def test_a_folder_called_latest_is_left_alone(tmp_path):
    """It is somebody's."""
    (tmp_path / "latest").mkdir()
    assert not point_to(tmp_path / "latest", "2023-12-31")
    assert (tmp_path / "latest").is_dir()


def test_old_runs_are_pruned_by_the_setting(tmp_path, monkeypatch):
    """Never the latest, never what is not a run."""
    nights.without_nbconvert(monkeypatch)
    settings = nights.settings_in(tmp_path, ("a",), extra="[reports]\nkeep_runs = 2")
    mine = tmp_path / "reports" / "2020-01-01"
    mine.mkdir(parents=True)
    (mine / "manifest.json").write_text("mine", encoding="utf-8")
    told = {}
    for day in DAYS:
        plan = nights.plan_for(settings, tmp_path / "reports", ("a",), day=day)
        nights.run_night(plan, tell=lambda event, **what: told.update({event: what}))
    found = sorted(path.name for path in (tmp_path / "reports").iterdir())
    days = [day.isoformat() for day in DAYS[-2:]]
    assert [".run.lock", "2020-01-01", *days, "latest"] == found
    assert [DAYS[2].isoformat()] == told["finished"]["removed"]


def test_a_failure_page_says_what_since_when_and_what_holds(night):
    """In words for people; the traceback lies beside it, numbers of the failed run do not."""
    manifest = night(nights.bad)
    page = page_of(manifest)
    for words in ("could not be made tonight", "Tonight is the first time", "What still holds?"):
        assert words in page
    assert "Traceback" not in page
    found = {path.name for path in (manifest.folder / "a").iterdir()}
    assert {"store_report.html", "failure.txt", "failed_report.ipynb"} == found
    again = night(nights.bad, day=DAYS[1])
    assert "in every run since the one as of 31 December 2023" in page_of(again)


def wrong_metrics(store_id, folder):
    """Numbers that the index cannot read."""
    made = nights.good(store_id, folder)
    (folder / "metrics.json").write_text(json.dumps({"measures": 1}), encoding="utf-8")
    return made


def numbers_of_another_store(store_id, folder):
    """Which another store's notebook wrote here."""
    made = nights.good(store_id, folder)
    other = json.dumps({**nights.METRICS, "store": "b" if store_id == "a" else "a"})
    (folder / "metrics.json").write_text(other, encoding="utf-8")
    return made


def written_to_later(store_id, folder):
    """Another store's notebook wrote here when this one's had ended."""
    made = nights.good(store_id, folder)
    (folder / "customers.csv").write_text("customer_id\n2\n", encoding="utf-8")
    return replace(made, files={**hashes(folder), "customers.csv": nights.digest("as it was")})


def shows_nothing(store_id, folder):
    """A figure that only a script can draw."""
    made = nights.good(store_id, folder)
    data = {"application/vnd.plotly.v1+json": {}, "text/plain": "Figure({})"}
    book = nights.notebook()
    book.cells[0].outputs.append(nbformat.v4.new_output("display_data", data))
    nbformat.write(book, folder / "store_report.ipynb")
    return made


def says_nothing(store_id, folder):
    """A figure without a sentence."""
    made = nights.good(store_id, folder)
    book = nights.notebook()
    book.cells[0].outputs.append(nbformat.v4.new_output("display_data", {"image/png": "AAAA"}))
    nbformat.write(book, folder / "store_report.ipynb")
    return made


@pytest.mark.parametrize(
    ("becomes", "said"),
    [
        (numbers_of_another_store, "Its metrics.json is of the store 'b'."),
        (written_to_later, "Its files were changed after its notebook had ended."),
        (wrong_metrics, "Its metrics.json lacks what the index shows"),
        (shows_nothing, "Cell 1 shows something that has no form on a page without scripts"),
        (says_nothing, "the page has 1 without alternative text"),
    ],
)
def test_a_page_that_does_not_pass_is_not_published(real_night, becomes, said):
    """Whoever mends it reads what is wrong; readers keep the good one."""
    manifest = real_night(becomes)
    assert ("failed", "page") == (
        manifest.stores["a"]["outcome"],
        manifest.stores["a"]["failure"]["kind"],
    )
    assert said in (manifest.folder / "a" / "failure.txt").read_text(encoding="utf-8")


def test_what_only_a_script_can_show_has_no_form():
    """Nor has HTML of which nothing is left, nor a plot that never was drawn."""
    assert form_of({"text/html": "<div></div><script>draw()</script>", "text/plain": "x"}) is None
    assert form_of({"application/vnd.jupyter.widget-view+json": {}, "text/plain": "x"}) is None
    assert form_of({"text/plain": "<Figure size 640x480 with 1 Axes>"}) is None
    assert "text/html" == form_of({"text/html": "<p>x</p>", "text/plain": "x"})
    assert "text/plain" == form_of({"text/plain": "3"})
    book = nights.notebook("<script>x</script>")
    book.cells[0].metadata["tags"] = ["lab-only"]
    require_forms(book)
    del book.cells[0].metadata["tags"]
    with pytest.raises(PageError, match=r"Cell 1 .* \(text/html\)"):
        require_forms(book)


@pytest.mark.parametrize(
    "bad",
    [
        '<meta http-equiv="refresh" content="0;url=https://example.org">',
        '<a href="x" ping="https://example.org">x</a>',
        '<a href="java\tscript:x()">x</a>',
        '<a href="data:text/html,x">x</a>',
        '<svg><image href="x"/></svg>',
        '<button formaction="https://example.org">x</button>',
        "<img src='data:,' alt=' '>",
        '<p style="background: url(x)">',
        '<base href="https://example.org/">',
    ],
)
def test_the_last_check_knows_the_roundabout_ways(bad):
    """Refreshes, pings, schemes with white space, vector images, pictures that say nothing."""
    with pytest.raises(PageError):
        lint(f"<html><body>{bad}</body></html>", "store 7")
