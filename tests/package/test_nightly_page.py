"""The page of tests at full size: a part that ran takes the place of its own rows alone."""

from __future__ import annotations

from types import SimpleNamespace

from tiers import write_page

HERE = "tests/package/test_nightly_page.py"


def report(test: str, outcome: str = "passed", **figures: str) -> SimpleNamespace:
    """What pytest says of a test that ran."""
    told = {"outcome": outcome, "duration": 12.3, "user_properties": list(figures.items())}
    return SimpleNamespace(nodeid=f"{HERE}::{test}", **told)


def test_rows_of_tests_that_did_not_run_stay(tmp_path):
    """With their day; those of tests that are no more go."""
    page = tmp_path / "nightly.md"
    kept = "test_rows_of_tests_that_did_not_run_stay"
    gone = f"{HERE}::test_that_is_gone"
    first = report(kept, coverage="0.90")
    write_page([first, SimpleNamespace(**vars(first) | {"nodeid": gone})], page)
    text = page.read_text(encoding="utf-8")
    page.write_text(text.replace(text.rpartition(" | ")[2][:10], "2020-01-02"), encoding="utf-8")
    other = "test_a_run_without_figures_is_a_row_too"
    write_page([report(f"{other}[a|b]", outcome="failed")], page)
    rows = [line for line in page.read_text(encoding="utf-8").splitlines() if "test_" in line]
    assert 2 == len(rows)
    assert rows[0].startswith(
        f"| package/test_nightly_page.py | {other}[a/b] | failed |  | 12 | 20"
    )
    assert rows[1].endswith(f"| {kept} | passed | coverage 0.90 | 12 | 2020-01-02 |")
    assert "2 tests, of which 1 failed, run from 2020-01-02 to 20" in page.read_text("utf-8")


def test_a_run_without_figures_is_a_row_too(tmp_path):
    """Whoever reads the page sees what ran, not only what had something to tell."""
    write_page([report("test_a_run_without_figures_is_a_row_too")], tmp_path / "nightly.md")
    assert "| passed |  | 12 |" in (tmp_path / "nightly.md").read_text(encoding="utf-8")
